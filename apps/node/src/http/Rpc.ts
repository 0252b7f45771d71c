/**
 * `/rpc`: every call of the node's contract, by POST (newline-delimited JSON, answers stream back) and by WebSocket.
 * The guard has checked the API key before a request comes here.
 */
import { ActorRpcs } from "@continuum/actors/rpc"
import { NodeRpcs } from "@continuum/core/rpc"
import { LayerRpcs } from "@continuum/genome/rpc"
import { PersonaRpcs } from "@continuum/persona/rpc"
import { JitRpcs } from "@continuum/runtime-wasm/rpc"
import { Layer } from "effect"
import { RpcSerialization, RpcServer } from "effect/rpc"
import * as ActorHandlers from "../rpc/ActorHandlers.ts"
import * as AiHandlers from "../rpc/AiHandlers.ts"
import * as JitHandlers from "../rpc/JitHandlers.ts"
import * as NodeHandlers from "../rpc/NodeHandlers.ts"

/** The whole contract of a node. */
export const Contract = NodeRpcs.merge(ActorRpcs, JitRpcs, LayerRpcs, PersonaRpcs)

const path = "/rpc"
// A defect in one call must not end the connections of others.
const options = { group: Contract, path, disableFatalDefects: true } as const

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

export const layer = Layer.mergeAll(
  RpcServer.layerHttp({ ...options, protocol: "http" }).pipe(Layer.provide(layerBody)),
  RpcServer.layerHttp({ ...options, protocol: "websocket" }).pipe(Layer.provide(RpcSerialization.layerNdjson))
).pipe(Layer.provide([NodeHandlers.layer, ActorHandlers.layer, JitHandlers.layer, AiHandlers.layer]))
