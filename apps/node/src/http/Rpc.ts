/**
 * `/rpc`: every call of the node's contract, by POST (newline-delimited JSON, answers stream back) and by WebSocket.
 * The guard has checked the API key before a request comes here.
 */
import { ActorRpcs, SchedulerRpcs } from "@continuum/actors/rpc"
import { CallCheck } from "@continuum/core/CallCheck"
import { NodeRpcs } from "@continuum/core/rpc"
import { LayerRpcs } from "@continuum/genome/rpc"
import { MeshRpcs } from "@continuum/mesh/rpc"
import { PersonaRpcs } from "@continuum/persona/rpc"
import { JitRpcs } from "@continuum/runtime-wasm/rpc"
import { Effect, Layer } from "effect"
import { RpcSerialization, RpcServer } from "effect/rpc"
import * as CheckedCalls from "./CheckedCalls.ts"
import * as ActorHandlers from "../rpc/ActorHandlers.ts"
import * as AiHandlers from "../rpc/AiHandlers.ts"
import * as JitHandlers from "../rpc/JitHandlers.ts"
import * as MeshHandlers from "../rpc/MeshHandlers.ts"
import * as NodeHandlers from "../rpc/NodeHandlers.ts"
import * as SchedulerHandlers from "../rpc/SchedulerHandlers.ts"

/** The whole contract of a node. */
export const Contract = NodeRpcs.merge(ActorRpcs, SchedulerRpcs, JitRpcs, MeshRpcs, LayerRpcs, PersonaRpcs).middleware(
  CallCheck
)

const path = "/rpc"

/** NDJSON of a whole body: its last line may lack its end, as in what curl and most people send. */
const layerBody = Layer.sync(RpcSerialization.RpcSerialization, () => {
  const ndjson = RpcSerialization.makeNdjson()
  return {
    ...ndjson,
    makeUnsafe: () => {
      const { encode, decode } = ndjson.makeUnsafe()
      return { encode, decode: (body) => decode(typeof body === "string" && !body.endsWith("\n") ? `${body}\n` : body) }
    }
  }
})

/** The contract over one protocol. A defect in one call must not end the connections of others. */
const serve = <E, R>(protocol: Effect.Effect<RpcServer.Protocol["Service"], E, R>) =>
  RpcServer.layer(Contract, { disableFatalDefects: true }).pipe(
    Layer.provide(
      Layer.effect(
        RpcServer.Protocol,
        Effect.map(protocol, (protocol) => CheckedCalls.checked(Contract, protocol))
      )
    )
  )

export const layer = Layer.mergeAll(
  serve(RpcServer.makeProtocolHttp({ path })).pipe(Layer.provide(layerBody)),
  serve(RpcServer.makeProtocolWebsocket({ path })).pipe(Layer.provide(RpcSerialization.layerNdjson))
).pipe(
  Layer.provide([
    NodeHandlers.layer,
    ActorHandlers.layer,
    JitHandlers.layer,
    MeshHandlers.layer,
    AiHandlers.layer,
    SchedulerHandlers.layer,
    CheckedCalls.layer
  ])
)
