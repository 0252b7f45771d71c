/**
 * The records of journals: each event under `~journal/<address>/<number>`, numbered from 1 without a gap, beside the snapshot under
 * the address. An event and the snapshot that covers it are of one transaction or of two in this order, so at rest the events
 * after the snapshot are fewer than `snapshotEvery`.
 */
import { Effect, Option, Result, Stream } from "effect"
import { type ActorStorage, RecordQuarantined, type StorageFailed, type Write } from "./ActorStorage.ts"
import { deepFreeze } from "./Freeze.ts"
import type { Journal } from "./Journal.ts"
import * as Limits from "./Limits.ts"
import * as StoredValue from "./StoredValue.ts"

type Storage = ActorStorage["Service"]

/** Where the journal of an active actor is. */
export interface Position {
  /** Number of the last event; 0: none. */
  sequence: number
  /** Number of the last event in the stored snapshot; undefined while there is none, or one from before the journal. */
  snapshot: number | undefined
}

/** The events of an actor cannot be replayed; the actor stays stopped. */
export type ReplayError = RecordQuarantined | StoredValue.ValueRefused | StorageFailed

const prefixOf = (address: string): string => `~journal/${address}/`

/** The key of an event. Keys are in the order of the events. */
export const keyOf = (address: string, sequence: number): string =>
  `${prefixOf(address)}${String(sequence).padStart(digits, "0")}`

// Those of the largest safe integer.
const digits = 16

/** The number of an event, of its key. */
export const sequenceOf = (key: string): number => Number(key.slice(-digits))

/** Why an actor with a damaged journal is stopped. */
export const damagedMessage = ({ address, reason }: RecordQuarantined): string =>
  `event ${sequenceOf(address)} of its journal is damaged or missing (${reason}); a restart goes on with the state before it ` +
  "and sets the events after it aside"

/** The records of new events, or why there are none. */
export const append = (
  journal: Journal,
  address: string,
  events: ReadonlyArray<unknown>,
  after: number,
  timeMs: number
): Result.Result<ReadonlyArray<Write>, string> => {
  const writes: Array<Write> = []
  // Clocks of tests may have parts of milliseconds, or begin before 1970.
  const mark = Math.max(0, Math.floor(timeMs))
  for (const [index, event] of events.entries()) {
    const write = StoredValue.encode(journal.events, keyOf(address, after + index + 1), event, mark)
    if (typeof write === "string") return Result.fail(write)
    writes.push(write)
  }
  return Result.succeed(writes)
}

/** Whether the next transaction should hold a snapshot. */
export const isSnapshotDue = ({ snapshotEvery }: Journal, { sequence, snapshot }: Position): boolean =>
  snapshot === undefined || sequence - snapshot >= snapshotEvery

/** Removals of the events that a snapshot at `position.sequence` makes superfluous. */
export const superfluous = ({ keep }: Journal, address: string, position: Position): Array<Write> => {
  const from = Math.max(0, (position.snapshot ?? 0) - keep)
  const writes: Array<Write> = []
  for (let sequence = from + 1; sequence <= position.sequence - keep; sequence++) {
    writes.push({ address: keyOf(address, sequence), state: undefined })
  }
  return writes
}

/** Stored events from a number on, as they are, at most so many and so many bytes; whether there are more. */
export const page = (
  storage: Storage,
  address: string,
  from: number,
  bytesMax: number
): Effect.Effect<
  { readonly events: ReadonlyArray<{ readonly at: number; readonly bytes: Uint8Array }>; readonly isMore: boolean },
  StorageFailed | RecordQuarantined
> =>
  Effect.gen(function* () {
    const keys = yield* storage.list(prefixOf(address), Limits.journalPageEvents, keyOf(address, from))
    const events: Array<{ readonly at: number; readonly bytes: Uint8Array }> = []
    let size = 0
    for (const key of keys) {
      const bytes = yield* storage.load(key)
      if (bytes === undefined) continue
      if (events.length > 0 && size + bytes.length > bytesMax) return { events, isMore: true }
      events.push({ at: sequenceOf(key), bytes })
      size += bytes.length
    }
    return { events, isMore: keys.length === Limits.journalPageEvents }
  })

/** The state after all stored events, and the number of the last one. */
export const replay = (
  storage: Storage,
  journal: Journal,
  address: string,
  state: unknown,
  after: number
): Effect.Effect<{ readonly state: unknown; readonly sequence: number }, ReplayError> =>
  Effect.gen(function* () {
    let current = state
    let sequence = after
    for (;;) {
      const key = keyOf(address, sequence + 1)
      const bytes = yield* storage.load(key)
      if (bytes === undefined) break
      sequence++
      if (sequence - after > Limits.eventsReplayedMax) {
        return yield* refused(`its journal has more than ${Limits.eventsReplayedMax} events since its last snapshot`)
      }
      const { value } = yield* decode(storage, journal, key, bytes)
      try {
        current = deepFreeze(journal.apply(current, value))
      } catch (cause) {
        return yield* refused(`apply failed at event ${sequence}: ${cause instanceof Error ? cause.message : cause}`)
      }
    }
    const [later] = yield* storage.list(prefixOf(address), 1, keyOf(address, sequence + 1))
    if (later === undefined) return { state: current, sequence }
    const reason = `event ${sequence + 1} is missing, and event ${sequenceOf(later)} is there`
    const missing = keyOf(address, sequence + 1)
    yield* storage.quarantine(missing, reason)
    return yield* new RecordQuarantined({ address: missing, reason })
  })

const refused = (reason: string) => new StoredValue.ValueRefused({ reason })

/** An event; one that no version of its definition wrote is set aside. */
const decode = (
  storage: Storage,
  journal: Journal,
  key: string,
  bytes: Uint8Array
): Effect.Effect<StoredValue.Stored, ReplayError> =>
  Effect.catch(StoredValue.decode(journal.events, bytes), (error): Effect.Effect<never, ReplayError> =>
    error._tag === "ValueRefused"
      ? Effect.fail(refused(`event ${sequenceOf(key)}: ${error.reason}`))
      : Effect.andThen(
          storage.quarantine(key, error.reason),
          Effect.fail(new RecordQuarantined({ address: key, reason: error.reason }))
        )
  )

/**
 * Makes a damaged journal one that can be replayed: the state is the one before the first event that is damaged or missing, and
 * all events from there on are set aside. Does nothing to a sound one. Only while the actor is stopped.
 */
export const repair = (storage: Storage, address: string): Effect.Effect<void, StorageFailed> =>
  Effect.gen(function* () {
    const snapshot = yield* Effect.catchTag(storage.load(address), "RecordQuarantined", () => Effect.succeed(undefined))
    const frame =
      snapshot === undefined ? undefined : yield* Effect.orElseSucceed(StoredValue.unframe(snapshot), () => undefined)
    let sequence = frame?.mark ?? 0
    while (yield* isSound(storage, keyOf(address, sequence + 1))) sequence++
    yield* releaseAll(storage, address)
    for (;;) {
      const after = yield* storage.list(prefixOf(address), Limits.journalPageEvents, keyOf(address, sequence + 1))
      if (after.length === 0) return
      for (const key of after) {
        yield* storage.quarantine(key, `event ${sequence + 1} before it is damaged or missing`)
        yield* storage.release(key)
      }
    }
  })

const isSound = (storage: Storage, key: string): Effect.Effect<boolean, StorageFailed> =>
  storage.load(key).pipe(
    Effect.map((bytes) => bytes !== undefined),
    Effect.catchTag("RecordQuarantined", () => Effect.succeed(false))
  )

/** Removes the snapshot, all events and what goes with them; a crash on the way leaves the whole state or none of it. */
export const forget = (
  storage: Storage,
  address: string,
  besides: ReadonlyArray<Write>
): Effect.Effect<void, StorageFailed> =>
  Effect.gen(function* () {
    const removed = (key: string): Write => ({ address: key, state: undefined })
    // The newest events and the snapshot go together; without a snapshot what is left begins with event 1 or is nothing.
    for (;;) {
      const keys = yield* storage.list(prefixOf(address), Limits.snapshotEveryMax + Limits.eventsWaitingMax)
      const isAll = keys.length < Limits.snapshotEveryMax + Limits.eventsWaitingMax
      const batch = isAll
        ? [removed(address), ...keys.map(removed), ...besides]
        : keys.slice(0, Limits.journalPageEvents).map(removed)
      yield* Effect.flatten(storage.commit(batch))
      if (isAll) break
    }
    yield* releaseAll(storage, address)
  })

const releaseAll = (storage: Storage, address: string): Effect.Effect<void, StorageFailed> =>
  Effect.flatMap(storage.quarantined, (quarantined) =>
    Effect.forEach(
      quarantined.filter((record) => record.address.startsWith(prefixOf(address))),
      (record) => storage.release(record.address),
      { discard: true }
    )
  )

/** A past event. */
export interface JournalEvent {
  /** From 1, without gaps. */
  readonly sequence: number
  /** When it was emitted: ISO 8601, UTC. */
  readonly time: string
  /** Of the present version. */
  readonly event: unknown
}

/** The stored events from number `from` on, oldest first. Reads `Limits.journalPageEvents` at a time. */
export const read = (
  storage: Storage,
  journal: Journal,
  address: string,
  from: number
): Stream.Stream<JournalEvent, ReplayError> =>
  Stream.paginate(keyOf(address, from), (start) =>
    Effect.gen(function* () {
      const keys = yield* storage.list(prefixOf(address), Limits.journalPageEvents, start)
      const events: Array<JournalEvent> = []
      for (const key of keys) {
        const bytes = yield* storage.load(key)
        // A snapshot has made it superfluous meanwhile.
        if (bytes === undefined) continue
        const { mark, value } = yield* decode(storage, journal, key, bytes)
        events.push({ sequence: sequenceOf(key), time: new Date(mark).toISOString(), event: value })
      }
      const last = keys.at(-1)
      return [
        events,
        last === undefined || keys.length < Limits.journalPageEvents
          ? Option.none<string>()
          : Option.some(keyOf(address, sequenceOf(last) + 1))
      ] as const
    })
  )
