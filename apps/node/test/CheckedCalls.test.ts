import { CallCheck } from "@continuum/core/CallCheck"
import { CallMalformed } from "@continuum/core/NodeClientError"
import { layer as layerHttpServer } from "@effect/platform-node/NodeHttpServer"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema, type Scope, Stream } from "effect"
import { FetchHttpClient, HttpRouter, HttpServer } from "effect/http"
import { Rpc, RpcClient, RpcGroup, RpcSerialization, RpcServer } from "effect/rpc"
import { createServer } from "node:http"
import { WebSocket } from "ws"
import * as CheckedCalls from "../src/http/CheckedCalls.ts"
import { Contract } from "../src/http/Rpc.ts"

/** Counts what was run, so that a test sees what was not. */
const ran: Array<string> = []
const Calls = RpcGroup.make(
  Rpc.make("math.double", { payload: { n: Schema.Int }, success: Schema.Int }),
  Rpc.make("numbers.count", { payload: { to: Schema.Int }, success: Schema.Int, stream: true })
).middleware(CallCheck)

const handlers = Calls.toLayer({
  "math.double": ({ n }) => Effect.sync(() => (ran.push("math.double"), n * 2)),
  "numbers.count": ({ to }) => Stream.range(1, to)
})

const serve = <E, R>(protocol: Effect.Effect<RpcServer.Protocol["Service"], E, R>) =>
  RpcServer.layer(Calls, { disableFatalDefects: true }).pipe(
    Layer.provide(
      Layer.effect(
        RpcServer.Protocol,
        Effect.map(protocol, (protocol) => CheckedCalls.checked(Calls, protocol))
      )
    )
  )

const withServer = <A, E>(use: (port: number) => Effect.Effect<A, E, Scope.Scope>) =>
  Effect.gen(function* () {
    ran.length = 0
    const { address } = yield* HttpServer.HttpServer
    return yield* use(address._tag === "UnixPathAddress" ? 0 : address.port)
  }).pipe(
    Effect.scoped,
    Effect.provide(
      HttpRouter.serve(
        Layer.mergeAll(
          serve(RpcServer.makeProtocolHttp({ path: "/rpc" })),
          serve(RpcServer.makeProtocolWebsocket({ path: "/rpc" }))
        ).pipe(Layer.provide([handlers, CheckedCalls.layer]), Layer.provide(RpcSerialization.layerNdjson)),
        { disableLogger: true, disableListenLog: true }
      ).pipe(Layer.provideMerge(layerHttpServer(createServer, { port: 0, host: "127.0.0.1" })))
    )
  )

/** Sends one line as it stands, and gives the first line of the answer. */
const raw = {
  HTTP: (port: number, line: string) =>
    Effect.promise(async () => {
      const response = await fetch(`http://127.0.0.1:${port}/rpc`, { method: "POST", body: `${line}\n` })
      return JSON.parse((await response.text()).split("\n", 1)[0]!)
    }),
  "a WebSocket": (port: number, line: string) =>
    Effect.promise(
      () =>
        new Promise<any>((done, fail) => {
          const socket = new WebSocket(`ws://127.0.0.1:${port}/rpc`)
          socket.on("error", fail)
          socket.on("open", () => socket.send(`${line}\n`))
          socket.on("close", (code, reason) => done({ _tag: "Closed", code, reason: String(reason) }))
          socket.on("message", (data) => {
            socket.close()
            done(JSON.parse(String(data).split("\n", 1)[0]!))
          })
        })
    )
}

const request = (fields: object) =>
  JSON.stringify({ _tag: "Request", id: "7", tag: "math.double", payload: { n: 21 }, headers: [], ...fields })

describe("CheckedCalls", () => {
  for (const [way, send] of Object.entries(raw)) {
    it.live(`answers a payload of the wrong shape with an error of the contract and runs nothing, over ${way}`, () =>
      withServer((port) =>
        Effect.gen(function* () {
          for (const payload of [{ n: "21" }, { n: 1.5 }, {}, null, [], "text"]) {
            const answer = yield* send(port, request({ payload }))
            assert.deepInclude(answer, { _tag: "Exit", requestId: "7" })
            assert.strictEqual(answer.exit.cause[0]._tag, "Fail")
            assert.deepInclude(answer.exit.cause[0].error, { _tag: "CallMalformed", call: "math.double" })
            assert.match(answer.exit.cause[0].error.reason, /does not fit: .*(Expected|Missing)/s)
          }
          const stream = yield* send(port, request({ tag: "numbers.count", payload: { to: "x" } }))
          assert.strictEqual(stream.exit.cause[0].error._tag, "CallMalformed")
          assert.isEmpty(ran)
          const fits = yield* send(port, request({}))
          assert.deepStrictEqual(fits.exit, { _tag: "Success", value: 42 })
        })
      )
    )

    it.live(`names the nearest call when there is none of that name, over ${way}`, () =>
      withServer((port) =>
        Effect.gen(function* () {
          const answer = yield* send(port, request({ tag: "math.duoble" }))
          assert.deepInclude(answer.exit.cause[0].error, {
            _tag: "CallMalformed",
            call: "math.duoble",
            reason: 'this node has no such call; did you mean "math.double"?'
          })
          const long = yield* send(port, request({ tag: "x".repeat(1_000_000) }))
          assert.isBelow(JSON.stringify(long).length, 1_000)
          for (const tag of [undefined, 5, null, {}]) {
            const none = yield* send(port, request({ tag }))
            assert.strictEqual(none.exit.cause[0].error._tag, "CallMalformed")
          }
        })
      )
    )

    it.live(`survives lines that are no request, and requests that lack what they need, over ${way}`, () =>
      withServer((port) =>
        Effect.gen(function* () {
          for (const line of ["{", "null", "5", '"x"', "[]", "{}", request({ id: null }), request({ id: {} })]) {
            const answer = yield* send(port, line)
            // A WebSocket that sends what is no message at all is closed; the others are not.
            assert.include(["Defect", "Closed"], answer._tag, line)
          }
          for (const headers of [undefined, null, 5, [5], [["a"]], [["a", "b"]]]) {
            const answer = yield* send(port, request({ headers }))
            assert.deepStrictEqual(answer.exit, { _tag: "Success", value: 42 }, JSON.stringify(headers))
          }
        })
      )
    )
  }

  it.live("is an error that any client of effect/rpc can catch, when the contract has the middleware", () =>
    withServer((port) =>
      Effect.gen(function* () {
        // What another version of the contract would send.
        const Older = RpcGroup.make(Rpc.make("math.double", { payload: { n: Schema.String }, success: Schema.Int }))
        const client = yield* RpcClient.make(Older.middleware(CallCheck), { flatten: true }).pipe(
          Effect.provide(
            RpcClient.layerProtocolHttp({ url: `http://127.0.0.1:${port}/rpc` }).pipe(
              Layer.provide([RpcSerialization.layerNdjson, FetchHttpClient.layer])
            )
          )
        )
        const error = yield* Effect.flip(client("math.double", { n: "21" }))
        assert.instanceOf(error, CallMalformed)
      })
    )
  )

  it("is in every call of the node's contract", () => {
    assert.isAbove(Contract.requests.size, 10)
    for (const call of Contract.requests.values()) {
      assert.isTrue((call as unknown as Rpc.AnyWithProps).middlewares.has(CallCheck as never), call._tag)
    }
  })
})
