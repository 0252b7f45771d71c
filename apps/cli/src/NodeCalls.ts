/**
 * The contract of a node as far as the CLI uses it: the calls of each package, merged.
 */
import { ActorRpcs } from "@continuum/actors/rpc"
import type { NodeClient } from "@continuum/core/NodeClient"
import { NodeRpcs } from "@continuum/core/rpc"
import { MeshRpcs } from "@continuum/mesh/rpc"
import { JitRpcs } from "@continuum/runtime-wasm/rpc"
import type * as RpcGroup from "effect/rpc/RpcGroup"

export const nodeCalls = NodeRpcs.merge(ActorRpcs, JitRpcs, MeshRpcs)
export type NodeCalls = RpcGroup.Rpcs<typeof nodeCalls>
/** One method for each call. */
export type Node = NodeClient<NodeCalls>
