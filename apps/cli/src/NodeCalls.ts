/**
 * The contract of a node as far as the CLI uses it: the calls of each package, merged.
 */
import { ActorRpcs, SchedulerRpcs } from "@continuum/actors/rpc"
import type { NodeClient } from "@continuum/core/NodeClient"
import { NodeRpcs } from "@continuum/core/rpc"
import { LayerRpcs } from "@continuum/genome/rpc"
import { MeshRpcs } from "@continuum/mesh/rpc"
import { PersonaRpcs } from "@continuum/persona/rpc"
import { JitRpcs } from "@continuum/runtime-wasm/rpc"
import type { Stream } from "effect"
import type * as Rpc from "effect/rpc/Rpc"
import type * as RpcGroup from "effect/rpc/RpcGroup"

export const nodeCalls = NodeRpcs.merge(ActorRpcs, SchedulerRpcs, JitRpcs, MeshRpcs, LayerRpcs, PersonaRpcs)
export type NodeCalls = RpcGroup.Rpcs<typeof nodeCalls>
/** Everything that a call can answer with instead of a value, also in the middle of a stream. */
export type CallError = Rpc.Error<NodeCalls> | StreamError<NodeCalls>
type StreamError<Call> = Call extends Rpc.Any
  ? Rpc.Success<Call> extends Stream.Stream<infer _Value, infer Error, infer _Services>
    ? Error
    : never
  : never
/** One method for each call. */
export type Node = NodeClient<NodeCalls>
