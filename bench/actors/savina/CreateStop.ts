/** Creates an actor, sends it one message, and it ends. An operation is one actor. */
import { createAll } from "./ForkJoinCreate.ts"
import type { Program } from "./Library.ts"

export const createStop: Program = {
  id: "createstop",
  label: "Create, message, stop",
  run: ({ spawnOnce }, operations) => createAll(spawnOnce, operations)
}
