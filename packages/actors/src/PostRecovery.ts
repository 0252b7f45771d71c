/**
 * The letters that earlier lives of a system left in its storage. One that cannot be handled (its record is damaged, its message is
 * not in the definition any more) is set aside and becomes a dead letter.
 */
import { Effect, Option, Stream } from "effect"
import type { ActorStorage, StorageFailed } from "./ActorStorage.ts"
import type { ActorType } from "./ActorType.ts"
import * as Letter from "./Letter.ts"
import * as Limits from "./Limits.ts"

type Storage = ActorStorage["Service"]

/** The letters to actors of a type from lives before `life`, in the order of their keys. `lost` hears of those that nobody can handle. */
export const scan = (
  storage: Storage,
  type: ActorType,
  life: number,
  lost: (address: string, reason: string) => void
): Stream.Stream<Letter.Parts, StorageFailed> => {
  const ofType = type.address("")
  const prefix = `${Letter.prefix}${ofType}`
  const open = (key: string): Effect.Effect<Option.Option<Letter.Parts>, StorageFailed> =>
    Effect.gen(function* () {
      if (Letter.lifeOf(key) >= life) return Option.none()
      const address = Letter.addressOf(key)
      const loaded = yield* Effect.result(storage.load(key))
      if (loaded._tag === "Failure") {
        if (loaded.failure._tag === "StorageFailed") return yield* loaded.failure
        lost(address, `a stored message is damaged and was set aside: ${loaded.failure.reason}`)
        return Option.none()
      }
      const bytes = loaded.success
      if (bytes === undefined) return Option.none()
      const opened = yield* Effect.result(Letter.open(type, bytes))
      if (opened._tag === "Failure") {
        yield* storage.quarantine(key, opened.failure)
        lost(address, `a stored message cannot be handled and was set aside: ${opened.failure}`)
        return Option.none()
      }
      const name = decodeURIComponent(address.slice(ofType.length))
      return Option.some({ key, type, name, ...opened.success, bytes: bytes.length })
    })
  return Stream.paginate(prefix, (from) =>
    Effect.gen(function* () {
      const keys = yield* storage.list(prefix, Limits.journalPageEvents, from)
      const found = yield* Effect.forEach(keys, open)
      const last = keys.at(-1)
      return [
        found.flatMap(Option.toArray),
        last === undefined || keys.length < Limits.journalPageEvents ? Option.none() : Option.some(`${last}0`)
      ] as const
    })
  )
}

/** Removes all records whose keys begin so. */
export const removeAll = (storage: Storage, prefix: string): Effect.Effect<void, StorageFailed> =>
  Effect.gen(function* () {
    for (;;) {
      const keys = yield* storage.list(prefix, Limits.journalPageEvents)
      if (keys.length === 0) return
      yield* Effect.flatten(storage.commit(keys.map((key) => ({ address: key, state: undefined }))))
    }
  })
