/**
 * Deleting the stored state of an actor for good, and letting go of what is damaged of it.
 */
import { Effect } from "effect"
import type { ActorCell } from "./ActorCell.ts"
import * as ActorStop from "./ActorStop.ts"
import type { ActorStorage, StorageFailed } from "./ActorStorage.ts"
import * as JournalRecords from "./JournalRecords.ts"
import * as Settled from "./Settled.ts"

/**
 * Stops it at once and deletes its stored state, sound or set aside, and its reminders. The next message begins with the initial state. When the
 * storage refuses, the actor stays stopped with the state that it had. One at a time.
 */
export const forget = (cell: ActorCell): Effect.Effect<void, StorageFailed> =>
  Effect.gen(function* () {
    cell.gone = "leaving"
    ActorStop.stop(cell, "its state is being deleted")
    cell.stopReason = "its state is being deleted"
    if (cell.durable !== undefined) {
      yield* Settled.settled(cell)
      const storage = cell.type.storage!
      yield* storage.release(cell.address)
      if (cell.type.post !== undefined) yield* cell.type.post.forget(cell.address)
      const reminders = cell.kernel.reminders.removals(cell.address)
      if (cell.type.journal === undefined)
        yield* Effect.flatten(storage.commit([{ address: cell.address, state: undefined }, ...reminders]))
      else yield* JournalRecords.forget(storage, cell.address, reminders)
      cell.kernel.reminders.drop(cell.address)
    }
    ActorStop.leave(cell, "left")
  }).pipe(
    Effect.tapError((error) =>
      Effect.sync(() => {
        cell.gone = undefined
        cell.stopReason = `its state could not be deleted: ${error.reason}`
      })
    ),
    Effect.uninterruptible
  )

/** Lets what is damaged of its stored state go, so that it can start. */
export const makeLoadable = (cell: ActorCell, storage: ActorStorage["Service"]): Effect.Effect<void, StorageFailed> =>
  Effect.gen(function* () {
    const { address } = cell
    yield* storage.release(address)
    // Only where it is stopped: what is on its way to the storage is no damage.
    if (cell.type.journal === undefined || cell.phase !== "stopped") return
    yield* Settled.settled(cell)
    yield* JournalRecords.repair(storage, address)
  })
