/**
 * A durable counter: the smallest useful actor, on every node, to try addresses, durability and restarts with.
 */
import { actor, reply } from "@continuum/actors/Actor"
import { Effect } from "effect"

export const Counter = actor("counter", {
  state: 0,
  get: (count) => reply(count, count),
  add: (count, by: number) =>
    Number.isFinite(by) ? count + by : Effect.fail(`"add" takes a number, not ${JSON.stringify(by)}`)
})
