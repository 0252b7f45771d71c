/**
 * Creates an actor, sends it one message, and it ends. A thousand at a time, since Erlang would let them end while others are
 * created, and a program of one thread would first create them all. An operation is one actor.
 */
import { createAll } from "./ForkJoinCreate.ts"
import type { Program } from "./Library.ts"

const atOnce = 1_000

export const createStop: Program = {
  id: "createstop",
  label: "Create, message, stop",
  run: async ({ spawnOnce }, operations) => {
    for (let left = operations; left > 0; left -= atOnce) await createAll(spawnOnce, Math.min(left, atOnce))
  }
}
