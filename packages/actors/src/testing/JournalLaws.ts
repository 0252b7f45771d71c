/**
 * What a storage does for the journal of one actor, also one that keeps it on another node. Run each law with an empty storage that knows
 * the actor of `address`.
 */
import { type Law, same } from "@continuum/core/testing/Law"
import { Effect, Result, Stream } from "effect"
import { ActorStorage, type Write } from "../ActorStorage.ts"
import * as Journal from "../Journal.ts"
import * as JournalRecords from "../JournalRecords.ts"
import * as Limits from "../Limits.ts"

type Storage = ActorStorage["Service"]

/** The actor whose journal it is. */
export const address = "continuum://local/log/l"

/** The state is the last event; one that does not follow it makes it NaN for good. */
const journal = Journal.make({
  apply: (last: number, n: number) => (n === last + 1 ? n : Number.NaN),
  keep: Number.POSITIVE_INFINITY
})

const law = (name: string, check: (storage: Storage) => Effect.Effect<void, unknown>): Law<ActorStorage> => ({
  name,
  check: Effect.flatMap(ActorStorage, check)
})

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

/** Events that are their own numbers. */
const events = (from: number, to: number): ReadonlyArray<Write> =>
  Result.getOrThrow(JournalRecords.append(journal, address, numbers(from, to), from - 1, 1_000))

const snapshot = (...state: ReadonlyArray<number>): Write => ({ address, state: Uint8Array.from(state) })

const store = (storage: Storage, ...batch: ReadonlyArray<Write>) => Effect.flatten(storage.commit(batch))

const replayed = (storage: Storage, after: number) =>
  Effect.map(JournalRecords.replay(storage, journal, address, after, after), ({ state }) => state)

const read = (storage: Storage, from: number) =>
  Effect.map(Stream.runCollect(JournalRecords.read(storage, journal, address, from)), (all) =>
    all.map(({ sequence }) => sequence)
  )

export const laws: ReadonlyArray<Law<ActorStorage>> = [
  law("an empty journal replays to the state that it began with", (storage) =>
    Effect.gen(function* () {
      yield* same("the snapshot", yield* storage.load(address), undefined)
      yield* same("the state", yield* replayed(storage, 0), 0)
      yield* same("the events", yield* read(storage, 1), [])
    })
  ),
  law("events are replayed in their order, also more than are read at once", (storage) =>
    Effect.gen(function* () {
      const count = 2 * Limits.journalPageEvents + 3
      yield* store(storage, ...events(1, 5))
      yield* store(storage, ...events(6, count))
      yield* same("the state", yield* replayed(storage, 0), count)
      yield* same("the state after 300", yield* replayed(storage, 300), count)
      yield* same("the events from 250 on", yield* read(storage, 250), numbers(250, count))
    })
  ),
  law("what is committed after a replay is in the next", (storage) =>
    Effect.gen(function* () {
      yield* store(storage, ...events(1, 3))
      yield* same("the state", yield* replayed(storage, 0), 3)
      yield* store(storage, ...events(4, 4))
      yield* same("the state", yield* replayed(storage, 0), 4)
    })
  ),
  law("a snapshot and the events that it covers go in one batch, in which old events are removed", (storage) =>
    Effect.gen(function* () {
      yield* store(storage, ...events(1, 4))
      const removed = numbers(1, 3).map((n) => ({ address: JournalRecords.keyOf(address, n), state: undefined }))
      yield* store(storage, ...events(5, 6), snapshot(7, 7), ...removed)
      yield* same("the snapshot", yield* storage.load(address), Uint8Array.from([7, 7]))
      yield* same("the events", yield* read(storage, 1), [4, 5, 6])
      yield* same("the state after the snapshot", yield* replayed(storage, 6), 6)
    })
  ),
  law("a batch of many events is stored whole", (storage) =>
    Effect.gen(function* () {
      const count = Limits.recordsSentMax
      yield* store(storage, ...events(1, count), snapshot(1))
      yield* same("the state", yield* replayed(storage, 0), count)
      yield* same("the snapshot", yield* storage.load(address), Uint8Array.from([1]))
    })
  ),
  law("an event that is missing stops the replay, and is named", (storage) =>
    Effect.gen(function* () {
      yield* store(storage, ...events(1, 2), ...events(4, 5))
      const error = yield* Effect.flip(replayed(storage, 0))
      yield* same(
        "the error",
        error._tag === "RecordQuarantined" ? error.address : error._tag,
        JournalRecords.keyOf(address, 3)
      )
    })
  )
]
