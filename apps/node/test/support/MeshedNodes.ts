/**
 * Two nodes in one process, `ant` and `bee`, joined by a mesh in memory: each with personas on a scripted model, and with the doors for
 * typed clients, for those of OpenAI, and for events.
 */
import { ActorSystem } from "@continuum/actors/ActorSystem"
import * as NodeClient from "@continuum/core/NodeClient"
import { PeerDirectory } from "@continuum/core/PeerDirectory"
import * as Histogram from "@continuum/genome/backend/Histogram"
import { LayerRpcs } from "@continuum/genome/rpc"
import * as Personas from "@continuum/persona/Personas"
import { layerPages } from "@continuum/persona/retrieval/Library"
import { PersonaRpcs } from "@continuum/persona/rpc"
import { layer as layerHttpServer } from "@effect/platform-node/NodeHttpServer"
import { Context, Effect, Layer } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { RpcSerialization, RpcServer } from "effect/rpc"
import { createServer } from "node:http"
import * as Hub from "../../../../packages/mesh/test/support/Hub.ts"
import * as ScriptedBackend from "../../../../packages/persona/test/support/ScriptedBackend.ts"
import * as EventWatch from "../../src/EventWatch.ts"
import * as Events from "../../src/http/Events.ts"
import * as OpenAi from "../../src/http/OpenAi.ts"
import { Layers } from "../../src/Layers.ts"
import { NodeInfo } from "../../src/NodeInfo.ts"
import { NodeActor } from "../../src/NodeActor.ts"
import { actionOf } from "../../src/NodeMesh.ts"
import * as AiHandlers from "../../src/rpc/AiHandlers.ts"
import * as Stop from "../../src/Stop.ts"

const group = PersonaRpcs.merge(LayerRpcs)

const startNode = Effect.fnUntraced(function* (hub: Hub.Hub, seed: number, name: string) {
  const mesh = yield* Hub.start(hub, seed, { name, actionOf })
  const script = ScriptedBackend.make()
  const known = Effect.succeed(ScriptedBackend.layers)
  const about = Layer.mergeAll(
    Layer.succeed(Layers, {
      known,
      list: Effect.succeed([]),
      usages: Effect.succeed([]),
      firstText: Histogram.make([])
    }),
    Layer.succeed(PeerDirectory, mesh.directory),
    Layer.succeed(NodeInfo, {
      name,
      publicKey: mesh.key,
      url: "",
      port: 0,
      languages: [],
      runtime: "test",
      startedAtMs: 0,
      memoryBytes: Effect.succeed(0)
    })
  )
  const parts = Layer.merge(Personas.layer({ layers: known }), EventWatch.layer).pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        ActorSystem.layerWithoutStorage({ nodeName: name, stopTimeout: 50, delivery: mesh.delivery }),
        ScriptedBackend.layer(script),
        layerPages([]),
        Stop.layer
      )
    ),
    Layer.provideMerge(about)
  )
  const doors = Layer.mergeAll(
    RpcServer.layerHttp({ group, path: "/rpc", protocol: "http" }).pipe(
      Layer.provide(AiHandlers.layer),
      Layer.provide(RpcSerialization.layerNdjson)
    ),
    OpenAi.layer,
    Events.layer
  )
  const server = yield* Layer.build(
    HttpRouter.serve(doors, { disableLogger: true, disableListenLog: true }).pipe(
      Layer.provideMerge(layerHttpServer(createServer, { port: 0, host: "127.0.0.1", gracefulShutdownTimeout: 100 })),
      Layer.provideMerge(parts)
    )
  )
  const { address } = yield* Effect.provide(HttpServer.HttpServer, server)
  const system = Context.get(server, ActorSystem)
  yield* system.register(NodeActor)
  const url = `http://127.0.0.1:${address._tag === "UnixPathAddress" ? 0 : address.port}`
  return { ...mesh, script, url, system, client: yield* NodeClient.make(group, { url }) }
})

export type Node = Effect.Success<ReturnType<typeof startNode>>

/** Each lets the other do everything. */
export const start = Effect.gen(function* () {
  const hub = new Hub.Hub()
  const [ant, bee] = [yield* startNode(hub, 1, "ant"), yield* startNode(hub, 2, "bee")]
  yield* ant.mesh.add(bee.key)
  yield* bee.mesh.add(ant.key)
  return { hub, ant, bee }
})
