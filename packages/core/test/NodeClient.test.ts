import { layer as NodeHttpServerLayer } from "@effect/platform-node/NodeHttpServer"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema, type Scope, Stream } from "effect"
import { HttpRouter, HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import { Rpc, RpcGroup, RpcSerialization, RpcServer } from "effect/rpc"
import { createServer } from "node:http"
import { createServer as createTcpServer } from "node:net"
import { WebSocket as WsWebSocket } from "ws"
import * as NodeClient from "../src/NodeClient.ts"

class Denied extends Schema.TaggedError<Denied>()("Denied", { name: Schema.String }) {}

const Calls = RpcGroup.make(
  Rpc.make("math.double", { payload: { n: Schema.Int }, success: Schema.Int, error: Denied }),
  Rpc.make("bytes.make", { payload: { length: Schema.Int }, success: Schema.Uint8Array }),
  Rpc.make("numbers.count", {
    payload: { to: Schema.Int },
    success: Schema.Int,
    error: Denied,
    stream: true
  }),
  Rpc.make("anything.echo", { payload: { value: Schema.Unknown }, success: Schema.Unknown }),
  Rpc.make("node.break")
)
/** The same names as in a later version, which the server does not know. */
const NewerCalls = RpcGroup.make(
  Rpc.make("math.double", { payload: { n: Schema.String }, success: Schema.Int }),
  Rpc.make("math.triple", { payload: { n: Schema.Int }, success: Schema.Int })
)

const apiKey = "k3y-of_the-test"

const handlers = Calls.toLayer({
  "anything.echo": ({ value }) => Effect.succeed(value),
  "math.double": ({ n }) => (n === 13 ? Effect.fail(new Denied({ name: "13" })) : Effect.succeed(n * 2)),
  "bytes.make": ({ length }) => Effect.succeed(new Uint8Array(length).fill(7)),
  "numbers.count": ({ to }) =>
    to < 0 ? Stream.fail(new Denied({ name: "negative" })) : Stream.range(1, to).pipe(Stream.rechunk(10)),
  "node.break": () => Effect.die(new Error("a broken invariant"))
})

const guard = HttpRouter.middleware(
  Effect.succeed((route) =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }) =>
      headers.authorization === `Bearer ${apiKey}` || headers["sec-websocket-protocol"] === `continuum.key.${apiKey}`
        ? route
        : Effect.succeed(
            HttpServerResponse.jsonUnsafe(
              { error: { tag: "KeyRefused", message: "The API key is wrong" } },
              { status: 401 }
            )
          )
    )
  ),
  { global: true }
)

const routes = Layer.mergeAll(
  RpcServer.layerHttp({ group: Calls, path: "/rpc", protocol: "http", disableFatalDefects: true }),
  RpcServer.layerHttp({ group: Calls, path: "/rpc", protocol: "websocket", disableFatalDefects: true }),
  HttpRouter.add("POST", "/elsewhere/rpc", HttpServerResponse.redirect("/rpc")),
  HttpRouter.add("POST", "/website/rpc", HttpServerResponse.text("<h1>Welcome</h1>")),
  HttpRouter.add(
    "POST",
    "/narrow/rpc",
    HttpServerResponse.jsonUnsafe({ error: { tag: "BodyTooLarge", message: "Too large for me" } }, { status: 413 })
  ),
  HttpRouter.add(
    "POST",
    "/checked/rpc",
    Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      const { id } = JSON.parse(yield* request.text) as { readonly id: string }
      const error = { _tag: "CallMalformed", call: "math.double", reason: "not of my version" }
      const exit = { _tag: "Failure", cause: [{ _tag: "Fail", error }] }
      const line = `${JSON.stringify({ _tag: "Exit", requestId: id, exit })}\n`
      return HttpServerResponse.text(line, { contentType: "application/x-ndjson" })
    })
  )
).pipe(Layer.provide(handlers), Layer.provide(RpcSerialization.layerNdjson), Layer.provide(guard))

const withServer = <A, E>(use: (url: string) => Effect.Effect<A, E, Scope.Scope>) =>
  Effect.gen(function* () {
    const { address } = yield* HttpServer.HttpServer
    return yield* use(`http://127.0.0.1:${address._tag === "UnixPathAddress" ? 0 : address.port}`)
  }).pipe(
    Effect.scoped,
    Effect.provide(
      HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }).pipe(
        Layer.provideMerge(NodeHttpServerLayer(createServer, { port: 0, host: "127.0.0.1" }))
      )
    )
  )

const openWs: NodeClient.WebSocketConstructor = (url, options) => new WsWebSocket(url, options) as never

const transports: ReadonlyArray<
  readonly [
    string,
    (url: string) => Effect.Effect<NodeClient.NodeClient<RpcGroup.Rpcs<typeof Calls>>, never, Scope.Scope>
  ]
> = [
  ["HTTP", (url: string) => NodeClient.make(Calls, { url, apiKey })],
  [
    "a WebSocket with headers",
    (url: string) =>
      NodeClient.makeWebSocket(Calls, {
        url,
        apiKey,
        webSocket: openWs
      })
  ],
  // Node 20 has none.
  ...(globalThis.WebSocket === undefined
    ? []
    : [["the runtime's own WebSocket", (url: string) => NodeClient.makeWebSocket(Calls, { url, apiKey })] as const])
]

describe("NodeClient", () => {
  for (const [name, makeClient] of transports) {
    describe(`over ${name}`, () => {
      it.live("calls, streams, and fails with the errors that a call declares", () =>
        withServer((url) =>
          Effect.gen(function* () {
            const node = yield* makeClient(url)
            assert.strictEqual(yield* node["math.double"]({ n: 21 }), 42)
            const denied = yield* Effect.flip(node["math.double"]({ n: 13 }))
            assert.instanceOf(denied, Denied)
            const counted = yield* Stream.runCollect(node["numbers.count"]({ to: 95 }))
            assert.deepStrictEqual(
              [...counted],
              Array.from({ length: 95 }, (_, i) => i + 1)
            )
            const negative = yield* Effect.flip(Stream.runDrain(node["numbers.count"]({ to: -1 })))
            assert.instanceOf(negative, Denied)
            const bytes = yield* node["bytes.make"]({ length: 100_000 })
            assert.deepStrictEqual(bytes, new Uint8Array(100_000).fill(7))
          })
        )
      )

      it.live("names the call and the reason when the node breaks", () =>
        withServer((url) =>
          Effect.gen(function* () {
            const node = yield* makeClient(url)
            const failed = yield* Effect.flip(node["node.break"]())
            assert.strictEqual(failed._tag, "NodeFailed")
            assert.include(failed.message, "node.break")
            assert.include(failed.message, "a broken invariant")
          })
        )
      )

      it.live("refuses a payload of the wrong shape before anything is sent", () =>
        withServer((url) =>
          Effect.gen(function* () {
            const node = yield* makeClient(url)
            // @ts-expect-error the payload must be a number
            const wrong = yield* Effect.flip(node["math.double"]({ n: "21" }))
            assert.strictEqual(wrong._tag, "CallMalformed")
            assert.include(wrong.message, "math.double")
            assert.match(wrong.message, /Expected .*at \["n"\]/)
            // @ts-expect-error the payload must be a number
            const wrongStream = yield* Effect.flip(Stream.runDrain(node["numbers.count"]({})))
            assert.strictEqual(wrongStream._tag, "CallMalformed")
            // JSON has no spelling for it: that is not the fault of whatever answers.
            const unsendable = yield* Effect.flip(node["anything.echo"]({ value: Infinity }))
            assert.strictEqual(unsendable._tag, "CallMalformed")
          })
        )
      )
    })
  }

  it.live("takes a large answer, beyond the 16 MiB that a node takes as a request", () =>
    withServer((url) =>
      Effect.gen(function* () {
        const node = yield* NodeClient.make(Calls, { url, apiKey })
        assert.strictEqual((yield* node["bytes.make"]({ length: 20_000_000 })).length, 20_000_000)
      })
    )
  )

  it.live("says that a node of another version does not understand it", () =>
    withServer((url) =>
      Effect.gen(function* () {
        const node = yield* NodeClient.make(NewerCalls, { url, apiKey })
        const payload = yield* Effect.flip(node["math.double"]({ n: "21" }))
        assert.strictEqual(payload._tag, "NodeFailed")
        const call = yield* Effect.flip(node["math.triple"]({ n: 1 }))
        assert.strictEqual(call._tag, "NodeFailed")
        assert.include(call.message, "math.triple")
      })
    )
  )

  it.live("fails with NodeRefused and the node's own words when the key is wrong or missing", () =>
    withServer((url) =>
      Effect.gen(function* () {
        for (const key of ["wrong", undefined]) {
          const node = yield* NodeClient.make(Calls, { url, apiKey: key })
          const refused = yield* Effect.flip(node["math.double"]({ n: 1 }))
          assert.strictEqual(refused._tag, "NodeRefused")
          assert.include(refused.message, "The API key is wrong")
          const stream = yield* Effect.flip(Stream.runDrain(node["numbers.count"]({ to: 3 })))
          assert.strictEqual(stream._tag, "NodeRefused")
        }
      })
    )
  )

  it.live("fails over a WebSocket too when the key is wrong, instead of waiting", () =>
    withServer((url) =>
      Effect.gen(function* () {
        const node = yield* NodeClient.makeWebSocket(Calls, {
          url,
          apiKey: "wrong",
          webSocket: openWs
        })
        const error = yield* Effect.flip(node["math.double"]({ n: 1 }))
        assert.include(["NodeRefused", "NodeUnreachable"], error._tag)
      })
    )
  )

  it.live("says what is missing where there is no WebSocket, instead of waiting", () =>
    withServer((url) =>
      Effect.gen(function* () {
        yield* Effect.acquireRelease(
          Effect.sync(() => {
            const original = globalThis.WebSocket
            Object.assign(globalThis, { WebSocket: undefined })
            return original
          }),
          (original) => Effect.sync(() => Object.assign(globalThis, { WebSocket: original }))
        )
        const exit = yield* Effect.exit(NodeClient.makeWebSocket(Calls, { url, apiKey }))
        assert.include(String(exit), "This runtime has no WebSocket")
      })
    )
  )

  it.live("follows no redirect, so that a key stays with the node it was given for", () =>
    withServer((url) =>
      Effect.gen(function* () {
        const node = yield* NodeClient.make(Calls, { url: `${url}/elsewhere`, apiKey })
        const error = yield* Effect.flip(node["math.double"]({ n: 1 }))
        assert.include(["NodeConnectionLost", "NotANode"], error._tag)
      })
    )
  )

  it.live("says that something else answers when it is no node", () =>
    withServer((url) =>
      Effect.gen(function* () {
        for (const path of ["/website", "/nothing-here"]) {
          const node = yield* NodeClient.make(Calls, { url: url + path, apiKey })
          const error = yield* Effect.flip(node["math.double"]({ n: 1 }))
          assert.strictEqual(error._tag, "NotANode")
          assert.include(error.message, path === "/website" ? "text/plain" : "status 404")
        }
      })
    )
  )

  it.live("fails with NotANode when what answers speaks no HTTP", () =>
    Effect.gen(function* () {
      for (const answer of ["SSH-2.0-OpenSSH_9.2p1\r\n", "-ERR unknown command\r\n"]) {
        const url = yield* breakingServer(answer)
        const node = yield* NodeClient.make(Calls, { url, apiKey })
        const error = yield* Effect.flip(node["math.double"]({ n: 1 }))
        assert.strictEqual(error._tag, "NotANode", error.message)
        assert.include(error.message, "HTTP")
      }
    })
  )

  it.live("fails with NodeRefused and the node's own words when the call is too large for the node", () =>
    withServer((url) =>
      Effect.gen(function* () {
        const node = yield* NodeClient.make(Calls, { url: `${url}/narrow`, apiKey })
        const refused = yield* Effect.flip(node["math.double"]({ n: 1 }))
        assert.deepInclude(refused, { _tag: "NodeRefused", status: 413, reason: "Too large for me" })
      })
    )
  )

  it.live("fails with CallMalformed when the node finds that the payload does not fit its version", () =>
    withServer((url) =>
      Effect.gen(function* () {
        const node = yield* NodeClient.make(Calls, { url: `${url}/checked`, apiKey })
        const refused = yield* Effect.flip(node["math.double"]({ n: 1 }))
        assert.deepInclude(refused, { _tag: "CallMalformed", reason: "not of my version" })
      })
    )
  )

  it.live("fails with NodeUnreachable when nothing listens, for calls and streams, over both transports", () =>
    Effect.gen(function* () {
      const url = `http://127.0.0.1:${yield* unusedPort}`
      const node = yield* NodeClient.make(Calls, { url, apiKey })
      const error = yield* Effect.flip(node["math.double"]({ n: 1 }))
      assert.strictEqual(error._tag, "NodeUnreachable")
      assert.include(error.message, url)
      const stream = yield* Effect.flip(Stream.runDrain(node["numbers.count"]({ to: 3 })))
      assert.strictEqual(stream._tag, "NodeUnreachable")
      const overSocket = yield* NodeClient.makeWebSocket(Calls, {
        url,
        apiKey,
        webSocket: openWs
      })
      const socketError = yield* Effect.flip(overSocket["math.double"]({ n: 1 }))
      assert.strictEqual(socketError._tag, "NodeUnreachable")
    })
  )

  it.live("fails with NodeUnreachable for a host that does not exist and for text that is no URL", () =>
    Effect.gen(function* () {
      for (const url of ["http://nowhere.invalid:3000", "not a url"]) {
        const node = yield* NodeClient.make(Calls, { url, apiKey })
        const error = yield* Effect.flip(node["math.double"]({ n: 1 }))
        assert.strictEqual(error._tag, "NodeUnreachable", `${url}: ${error.message}`)
      }
    })
  )

  it.live("fails with NodeConnectionLost when the connection breaks after the call was sent", () =>
    Effect.gen(function* () {
      for (const answer of [
        "",
        'HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ncontent-length: 5000\r\n\r\n{"_tag":"Chunk"'
      ]) {
        const url = yield* breakingServer(answer)
        const node = yield* NodeClient.make(Calls, { url, apiKey })
        const error = yield* Effect.flip(node["math.double"]({ n: 1 }))
        assert.strictEqual(error._tag, "NodeConnectionLost", error.message)
      }
    })
  )

  it.live("offers the same calls as promises, which reject with the same errors", () =>
    withServer((url) =>
      Effect.promise(async () => {
        const node = NodeClient.connect(Calls, { url, apiKey })
        assert.strictEqual(await node["math.double"]({ n: 4 }), 8)
        const denied = await node["math.double"]({ n: 13 }).catch((error: unknown) => error)
        assert.instanceOf(denied, Denied)
        const counted: Array<number> = []
        for await (const n of node["numbers.count"]({ to: 12 })) counted.push(n)
        assert.strictEqual(counted.length, 12)
        const aborted = await node["math.double"]({ n: 4 }, { signal: AbortSignal.abort() }).catch(() => "aborted")
        assert.strictEqual(aborted, "aborted")
        await node[Symbol.asyncDispose]()
      })
    )
  )
})

const unusedPort = Effect.callback<number>((resume) => {
  const server = createTcpServer()
  server.listen(0, "127.0.0.1", () => {
    const port = (server.address() as { port: number }).port
    server.close(() => resume(Effect.succeed(port)))
  })
})

/** Reads one request, answers with these bytes and destroys the connection. */
const breakingServer = (answer: string) =>
  Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createTcpServer>>((resume) => {
      const server = createTcpServer((socket) => {
        socket.on("error", () => {})
        socket.once("data", () => socket.write(answer, () => setTimeout(() => socket.destroy(), 50)))
      })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))
  ).pipe(Effect.map((server) => `http://127.0.0.1:${(server.address() as { port: number }).port}`))
