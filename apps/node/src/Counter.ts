/**
 * A durable counter: the smallest useful actor, on every node, to try addresses, durability, restarts and the mesh with.
 */
import { fromRpcs, reply } from "@continuum/actors/Actor"
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"

const CounterRpcs = RpcGroup.make(
  Rpc.make("get", { success: Schema.Finite }),
  Rpc.make("add", { payload: Schema.Finite, success: Schema.Finite })
)

export const Counter = fromRpcs("counter", CounterRpcs, {
  state: { schema: Schema.Finite, initial: 0 },
  handlers: {
    get: (count) => reply(count, count),
    add: (count, by) => count + by
  }
})
