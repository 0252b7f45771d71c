/**
 * The number of this life of a system with stored messages: one more than that of the last life that stored any, so that the keys of
 * their messages are in order, also when the clock was set back.
 */
import * as Codec from "@continuum/core/Codec"
import { Effect } from "effect"
import type { ActorStorage, Write } from "./ActorStorage.ts"

const key = "~life"

export class PostLife {
  readonly number: number
  /** Whether the number is on record. */
  isStored: boolean

  constructor(number: number) {
    this.number = number
    this.isStored = false
  }

  /** What the transaction of a message writes besides. */
  writes(): ReadonlyArray<Write> {
    return this.isStored ? [] : [{ address: key, state: Codec.encode(this.number) }]
  }
}

/**
 * The life that begins on a storage. Where its record was set aside or cannot be read it is the time, `nowMs`: no life has so high a
 * number.
 */
export const load = (storage: ActorStorage["Service"], nowMs: number): Effect.Effect<PostLife> => {
  const anew = new PostLife(nowMs)
  return storage.load(key).pipe(
    Effect.map((bytes) => {
      const last = bytes === undefined ? 0 : Codec.decodeUnsafe(bytes)
      return typeof last === "number" ? last : nowMs
    }),
    // Stored before the damaged record is let go: the next life must not begin at 1 either, if this one stores no message.
    Effect.catchTag("RecordQuarantined", () =>
      Effect.as(Effect.andThen(Effect.flatten(storage.commit(anew.writes())), storage.release(key)), nowMs)
    ),
    Effect.orElseSucceed(() => nowMs),
    Effect.map((last) => new PostLife(Math.max(0, Math.floor(last)) + 1))
  )
}
