/**
 * Reads stored reminders, some at a time. What is damaged is set aside and named with other damaged records.
 */
import { Effect, Result } from "effect"
import type { ActorCell } from "./ActorCell.ts"
import type { ActorStorage, StorageFailed } from "./ActorStorage.ts"
import * as Limits from "./Limits.ts"
import * as Record from "./ReminderRecord.ts"

/** Whose reminder it is. */
export interface Owner {
  readonly address: string
  readonly kind: string
  readonly name: string
}

export interface StoredReminder {
  readonly owner: Owner
  readonly key: string
  readonly record: Record.ReminderRecord
}

export const ownerOf = ({ address, name, type }: ActorCell): Owner => ({ address, kind: type.definition.kind, name })

/** Calls `found` with each reminder whose stored key begins with `prefix`. */
export const readAll = (
  storage: ActorStorage["Service"],
  prefix: string,
  found: (reminder: StoredReminder) => void
): Effect.Effect<void, StorageFailed> =>
  Effect.gen(function* () {
    let from: string | undefined
    for (;;) {
      const keys = yield* storage.list(prefix, Limits.remindersAtOnce, from)
      for (const stored of keys) {
        const reminder = yield* read(storage, stored)
        if (reminder !== undefined) found(reminder)
      }
      if (keys.length < Limits.remindersAtOnce) return
      // No character of a key comes before this one.
      from = `${keys.at(-1)!}!`
    }
  })

const read = (
  storage: ActorStorage["Service"],
  stored: string
): Effect.Effect<StoredReminder | undefined, StorageFailed> =>
  Effect.gen(function* () {
    const bytes = yield* Effect.catchTag(storage.load(stored), "RecordQuarantined", () => Effect.succeed(undefined))
    if (bytes === undefined) return undefined
    const owner = Record.ownerOf(stored)
    const record = Record.decode(bytes)
    if (owner !== undefined && Result.isSuccess(record)) return { owner, key: owner.key, record: record.success }
    yield* storage.quarantine(stored, Result.isFailure(record) ? record.failure : "its key is none of a reminder")
    return undefined
  })
