/** `ai.*`, `personas.*` and `layers.*` by the typed client, on a real port; the model behind them is scripted. */
import { ActorSystem } from "@continuum/actors/ActorSystem"
import * as NodeClient from "@continuum/core/NodeClient"
import * as Histogram from "@continuum/genome/backend/Histogram"
import { LayerRpcs } from "@continuum/genome/rpc"
import * as Personas from "@continuum/persona/Personas"
import { layerPages } from "@continuum/persona/retrieval/Library"
import { PersonaRpcs } from "@continuum/persona/rpc"
import { layer as layerHttpServer } from "@effect/platform-node/NodeHttpServer"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Stream } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { RpcSerialization, RpcServer } from "effect/rpc"
import { createServer } from "node:http"
import * as ScriptedBackend from "../../../packages/persona/test/support/ScriptedBackend.ts"
import { Layers } from "../src/Layers.ts"
import { NodeInfo } from "../src/NodeInfo.ts"
import * as AiHandlers from "../src/rpc/AiHandlers.ts"

const group = PersonaRpcs.merge(LayerRpcs)

/** The handlers behind a port, and a client of them. */
const serve = Effect.gen(function* () {
  const script = ScriptedBackend.make()
  const known = Effect.succeed(ScriptedBackend.layers)
  const node = Layer.mergeAll(
    Layer.succeed(Layers, {
      known,
      list: Effect.succeed([]),
      usages: Effect.succeed([]),
      firstText: Histogram.make([])
    }),
    Layer.succeed(NodeInfo, {
      name: "tester",
      publicKey: "",
      url: "",
      port: 0,
      languages: [],
      runtime: "test",
      startedAtMs: 0,
      memoryBytes: Effect.succeed(0)
    })
  )
  const parts = Personas.layer({ layers: known }).pipe(
    Layer.provideMerge(
      Layer.mergeAll(ActorSystem.layerWithoutStorage(), ScriptedBackend.layer(script), layerPages([]), node)
    )
  )
  const routes = RpcServer.layerHttp({ group, path: "/rpc", protocol: "http" }).pipe(
    Layer.provide(AiHandlers.layer),
    Layer.provide(RpcSerialization.layerNdjson)
  )
  const server = yield* Layer.build(
    HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }).pipe(
      Layer.provideMerge(layerHttpServer(createServer, { port: 0, host: "127.0.0.1", gracefulShutdownTimeout: 100 })),
      Layer.provide(parts)
    )
  )
  const { address } = yield* Effect.provide(HttpServer.HttpServer, server)
  const url = `http://127.0.0.1:${address._tag === "UnixPathAddress" ? 0 : address.port}`
  return { script, client: yield* NodeClient.make(group, { url }) }
})

describe("questions to personas by the typed client", () => {
  it.live("stream texts and one end, which names persona and node", () =>
    Effect.gen(function* () {
      const { client } = yield* serve
      const chunks = yield* Stream.runCollect(client["ai.generate"]({ prompt: "reverse hello", persona: "teacher-ai" }))
      assert.strictEqual(chunks.map((chunk) => (chunk._tag === "Text" ? chunk.text : "")).join(""), "olleh")
      const last = chunks.at(-1)!
      assert.deepInclude(last, { _tag: "Done", persona: "Teacher AI", node: "tester", reason: "stop" })
      assert.isTrue(chunks.slice(0, -1).every(({ _tag }) => _tag === "Text"))
      const names = (yield* client["personas.list"]({})).map(({ name }) => name)
      assert.deepStrictEqual(names, ["Helper AI", "Teacher AI"])
      assert.deepStrictEqual(yield* client["layers.list"](), [])
    }).pipe(Effect.scoped)
  )

  it.live("fail with the error itself, before and in the middle of an answer", () =>
    Effect.gen(function* () {
      const { client, script } = yield* serve
      const failure = (request: Parameters<(typeof client)["ai.generate"]>[0]) =>
        Effect.flip(Stream.runDrain(client["ai.generate"](request)))
      assert.deepInclude(yield* failure({ prompt: "x", persona: "Helper" }), {
        _tag: "PersonaUnknown",
        name: "Helper"
      })
      assert.strictEqual((yield* failure({ prompt: "a".repeat(300), layers: [] }))._tag, "PromptTooLong")
      script.failAfter = 3
      assert.strictEqual((yield* failure({ prompt: "speak", layers: [] }))._tag, "BackendFailed")
    }).pipe(Effect.scoped)
  )

  it.live("stop the work when the client goes", () =>
    Effect.gen(function* () {
      const { client, script } = yield* serve
      script.tokenMs = 20
      const answer = client["ai.generate"]({ prompt: "a long answer", layers: [] })
      const fiber = yield* Effect.forkChild(Stream.runDrain(answer))
      while (script.begun < 1) yield* Effect.sleep(5)
      yield* Fiber.interrupt(fiber)
      while (script.interrupted < 1) yield* Effect.sleep(5)
      assert.strictEqual(script.ended, 0)
    }).pipe(Effect.scoped)
  )
})
