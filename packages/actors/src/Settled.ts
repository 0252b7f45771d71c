/**
 * Waiting until nothing of an actor is on its way to the storage.
 */
import { Effect } from "effect"
import type { ActorCell } from "./ActorCell.ts"

/** Calls `task` once nothing of the actor is on its way to the storage; false, and it is not called, if nothing is now. */
export const whenSettled = ({ durable }: ActorCell, task: () => void): boolean => {
  if (durable === undefined || (!durable.dirty && durable.inFlight === 0)) return false
  durable.whenSettled.push(task)
  return true
}

/** Waits until nothing of the actor is on its way to the storage. */
export const settled = (cell: ActorCell): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    if (!whenSettled(cell, () => resume(Effect.void))) resume(Effect.void)
  })
