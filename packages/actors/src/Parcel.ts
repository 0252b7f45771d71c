/**
 * A message to a durable mailbox of another node, as it is stored until that node has it: one record under
 * `~out/<address>/<life>-<number>`.
 */
import * as Codec from "@continuum/core/Codec"
import { Effect, Schema } from "effect"
import type { ActorStorage, StorageFailed } from "./ActorStorage.ts"
import * as Letter from "./Letter.ts"
import * as Limits from "./Limits.ts"

const prefix = "~out/"

/** What the record holds. */
const Stored = Schema.Struct({
  /** Its name: the stream of the life that sent it, and a number in it. */
  stream: Schema.NonEmptyString,
  sequence: Schema.Int,
  /** The sending actor, of this realm; absent when a client sent it. */
  from: Schema.optionalKey(Schema.String),
  message: Schema.NonEmptyString,
  payload: Schema.Unknown,
  /** When it was sent, by the clock of this node. */
  timeMs: Schema.Number
})
type Stored = typeof Stored.Type
const isStored = Schema.is(Stored)

export interface Parcel {
  readonly key: string
  /** The address of its receiver. */
  readonly to: string
  readonly stored: Stored
}

/** Parcel number `sequence` of a life of the system. */
export const make = (to: string, life: number, stored: Stored): Parcel => ({
  key: `${prefix}${to}/${Letter.orderOf(life, stored.sequence)}`,
  to,
  stored
})

/**
 * Those that lives before `life` left, in the order of their keys. `lost` hears of those that cannot be read; they stay where they are,
 * damaged ones among the quarantined.
 */
export const scan = (
  storage: ActorStorage["Service"],
  life: number,
  lost: (to: string, reason: string) => void
): Effect.Effect<Array<Parcel>, StorageFailed> =>
  Effect.gen(function* () {
    const found: Array<Parcel> = []
    let from: string | undefined
    for (;;) {
      const keys = yield* storage.list(prefix, Limits.journalPageEvents, from)
      for (const key of keys) {
        const to = key.slice(prefix.length, key.lastIndexOf("/"))
        if (Letter.lifeOf(key) >= life) continue
        const loaded = yield* Effect.result(storage.load(key))
        if (loaded._tag === "Failure") {
          if (loaded.failure._tag === "StorageFailed") return yield* loaded.failure
          lost(to, `a message on its way is damaged: ${loaded.failure.reason}`)
        } else if (loaded.success !== undefined) {
          const stored: unknown = Codec.decodeUnsafe(loaded.success)
          if (isStored(stored)) found.push({ key, to, stored })
          else lost(to, "a message on its way is not one of this version")
        }
      }
      const last = keys.at(-1)
      if (last === undefined || keys.length < Limits.journalPageEvents) return found
      from = `${last}0`
    }
  })
