/**
 * The storage of a guest: the records of one actor, at its home. Its state, or the snapshot of its journal, is record 0, its events are
 * the records of their numbers. The events of a batch become one transaction there, or it is refused; a snapshot or removals that find
 * no room in it come in later ones, without which the journal says the same. Events are read ahead, a page at a time.
 */
import { Effect } from "effect"
import { ActorStorage, StorageFailed, type Write } from "./ActorStorage.ts"
import * as JournalRecords from "./JournalRecords.ts"
import type * as LeaseProtocol from "./LeaseProtocol.ts"
import * as Limits from "./Limits.ts"

/** The way to the home, under the lease. */
export interface Home {
  /** The record 0. */
  readonly load: Effect.Effect<Uint8Array | undefined, StorageFailed>
  /** Events from a number on, as many as the home gives at once. */
  readonly loadEvents: (from: number) => Effect.Effect<EventPage, StorageFailed>
  /** Stored when it returns, all or none. */
  readonly commit: (records: ReadonlyArray<LeaseProtocol.StoredRecord>) => Effect.Effect<void, StorageFailed>
}

export interface EventPage {
  /** In order. A number that is not there has no event, up to the last one, and behind it unless there are more. */
  readonly events: ReadonlyArray<{ readonly at: number; readonly bytes: Uint8Array }>
  readonly isMore: boolean
}

/** `address` is the one that the actor has here. */
export const make = (address: string, home: Home): ActorStorage["Service"] => {
  let page: (EventPage & { readonly from: number }) | undefined

  const pageFrom = (at: number): Effect.Effect<EventPage, StorageFailed> =>
    Effect.suspend(() => {
      if (page !== undefined && at >= page.from && (!page.isMore || at <= (page.events.at(-1)?.at ?? 0))) {
        return Effect.succeed(page)
      }
      return Effect.tap(home.loadEvents(at), (loaded) => Effect.sync(() => void (page = { ...loaded, from: at })))
    })

  return ActorStorage.of({
    load: (key) => {
      if (key !== address) {
        const at = JournalRecords.sequenceOf(key)
        return Effect.map(pageFrom(at), ({ events }) => events.find((event) => event.at === at)?.bytes)
      }
      // A life of the actor begins: it may have failed because of what was read before.
      page = undefined
      return home.load
    },
    commit: (batch) =>
      Effect.suspend(() => {
        page = undefined
        const records = batch.map(({ address: key, state }) => ({
          at: key === address ? 0 : JournalRecords.sequenceOf(key),
          bytes: state ?? null
        }))
        const [first = [], ...others] = parts(records)
        if (first.filter(isEvent).length < records.filter(isEvent).length)
          return Effect.fail(new StorageFailed({ reason: tooLarge }))
        const rest = Effect.forEach(others, home.commit, { discard: true })
        // Once its events are stored, or its state, nothing of it can be lost. What is only removed has to be gone.
        const isRestNeeded = first.every(({ bytes }) => bytes === null)
        return Effect.as(Effect.andThen(home.commit(first), isRestNeeded ? rest : Effect.ignore(rest)), Effect.void)
      }),
    list: (_, limit, from) =>
      Effect.gen(function* () {
        const keys: Array<string> = []
        let at = from === undefined ? 1 : JournalRecords.sequenceOf(from)
        for (;;) {
          const { events, isMore } = yield* pageFrom(at)
          const found = events.filter((event) => event.at >= at).slice(0, limit - keys.length)
          keys.push(...found.map((event) => JournalRecords.keyOf(address, event.at)))
          if (!isMore || keys.length >= limit) return keys
          at = (events.at(-1)?.at ?? at) + 1
        }
      }),
    // What does not fit here may fit at home, where the definition may be another version.
    quarantine: () => Effect.void,
    release: () => Effect.succeed(false),
    quarantined: Effect.succeed([]),
    openReport: { cleanStop: true, losses: [] }
  })
}

/** Why events cannot be stored in one transaction with those that wait; undefined: they can. Reads the sizes of all. */
export const problemOf = (waiting: ReadonlyArray<Write>, events: ReadonlyArray<Write>): string | undefined => {
  const isTooLarge = (writes: ReadonlyArray<Write>) =>
    writes.length > Limits.recordsSentMax ||
    writes.reduce((bytes, { state }) => bytes + (state?.length ?? 0), 0) > Limits.recordsSentBytesMax
  if (isTooLarge(events)) return tooLarge
  return isTooLarge([...waiting, ...events]) ? `${waiting.length} events wait for the storage; send slower` : undefined
}

const isEvent = ({ at, bytes }: LeaseProtocol.StoredRecord): boolean => at > 0 && bytes !== null

const tooLarge =
  `its events are more than one transaction to its home holds, ${Limits.recordsSentMax} records and ` +
  `${Limits.recordsSentBytesMax} bytes. Emit fewer or smaller events`

/**
 * A batch in transactions that travel. Whatever is in the first ones without the others is a journal too: events come before the snapshot
 * that covers them, and go after it.
 */
const parts = (
  records: ReadonlyArray<LeaseProtocol.StoredRecord>
): ReadonlyArray<ReadonlyArray<LeaseProtocol.StoredRecord>> => {
  const made: Array<Array<LeaseProtocol.StoredRecord>> = [[]]
  let bytes = 0
  for (const record of records) {
    const size = record.bytes?.length ?? 0
    const part = made.at(-1)!
    if (part.length > 0 && (part.length >= Limits.recordsSentMax || bytes + size > Limits.recordsSentBytesMax)) {
      made.push([record])
      bytes = size
      continue
    }
    part.push(record)
    bytes += size
  }
  return made
}

/** A record of a lent actor, as its home stores it. */
export const writeOf = (address: string, { at, bytes }: LeaseProtocol.StoredRecord): Write => ({
  address: at === 0 ? address : JournalRecords.keyOf(address, at),
  state: bytes ?? undefined
})
