/**
 * Which messages the actors with a durable mailbox have taken: by sender stream and sequence number, with the reply. A message that
 * was taken is not taken again; its sender gets the same reply. One record under `~taken/<address>/<stream>/<sequence>` is written in
 * the transaction that takes the message.
 *
 * Of each stream the `Limits.dedupeWindow` highest sequence numbers are kept. What is older than these gets `TooOld`, known or not.
 * Of each actor `Limits.streamsRemembered` streams are kept; a further one takes the place of the stream that was used least recently
 * of the sender that has the most. A duplicate of a forgotten stream would be taken as new.
 */
import * as Codec from "@continuum/core/Codec"
import { Outcome } from "@continuum/core/Delivery"
import type { MessageId } from "@continuum/core/Envelope"
import { Effect, Schema } from "effect"
import { TooOld } from "./ActorError.ts"
import type { ActorStorage, StorageFailed, Write } from "./ActorStorage.ts"
import * as Limits from "./Limits.ts"
import * as PostRecovery from "./PostRecovery.ts"

/** What is to be done with a message. */
export type Verdict =
  | { readonly _tag: "New"; readonly claim: Claim }
  /** It was taken before. Without an outcome it was a tell. */
  | { readonly _tag: "Known"; readonly outcome: Outcome | undefined }
  | { readonly _tag: "Refused"; readonly error: TooOld }

/** The right to take a message, once. */
export interface Claim {
  /** What the transaction that takes the message writes besides: its outcome; undefined for a tell. Never throws. */
  readonly records: (outcome: Outcome | "not kept" | undefined) => ReadonlyArray<Write>
  /** That transaction is stored; or there was none, and the message may come again. */
  readonly settle: (isTaken: boolean) => void
}

interface Stream {
  readonly key: string
  readonly sender: string
  /** Sequence numbers taken, inside the window. */
  readonly taken: Set<number>
  /** The highest number that is out of the window; -1: none. */
  floor: number
  usedAt: number
  /** Numbers being taken, with those who wait for what comes of it. */
  readonly claimed: Map<number, Array<() => void>>
}

type Streams = Map<string, Stream>

const prefixOf = (address: string): string => `~taken/${address}/`
const numberDigits = 16

export class Dedupe {
  private readonly storage: ActorStorage["Service"]
  private readonly nowMs: () => number
  /** Of the actors used last. */
  private readonly actors: Map<string, Streams>
  private uses: number

  constructor(storage: ActorStorage["Service"], nowMs: () => number) {
    this.storage = storage
    this.nowMs = nowMs
    this.actors = new Map()
    this.uses = 0
  }

  /**
   * Whether a message of a sender (a node's key, or `local`) is to be taken. Waits for another one with the same number, which alone can
   * be interrupted: whoever got a claim has to settle it.
   */
  judge(address: string, sender: string, { sequence, stream: name }: MessageId): Effect.Effect<Verdict, StorageFailed> {
    const tooOld = (reason: string): Verdict => ({
      _tag: "Refused",
      error: new TooOld({ address, stream: name, sequence, reason })
    })
    if (name.length > Limits.streamCharactersMax)
      return Effect.succeed(tooOld(`its stream has a name of more than ${Limits.streamCharactersMax} characters`))
    return Effect.gen({ self: this }, function* (): Effect.gen.Return<Verdict, StorageFailed> {
      for (;;) {
        const streams = yield* this.streamsOf(address)
        const stream = this.streamOf(streams, address, sender, name)
        const claimed = stream.claimed.get(sequence)
        if (claimed !== undefined) {
          yield* Effect.interruptible(Effect.callback<void>((resume) => void claimed.push(() => resume(Effect.void))))
          continue
        }
        if (sequence <= stream.floor) return tooOld(`${Limits.dedupeWindow} newer ones of its stream came since`)
        // Also of a number that is not known: a transaction that failed may have been stored nevertheless.
        const record = yield* Effect.result(this.storage.load(keyOf(stream, sequence)))
        if (record._tag === "Failure" && record.failure._tag === "StorageFailed") return yield* record.failure
        // What was found out meanwhile, and whether the stream is still the one that others find.
        const isCurrent = this.actors.get(address) === streams && streams.get(stream.key) === stream
        if (stream.claimed.has(sequence) || !isCurrent) continue
        if (record._tag === "Failure") return tooOld("the record of its reply is damaged")
        if (record.success !== undefined) {
          stream.taken.add(sequence)
          stream.usedAt = ++this.uses
          const value = Codec.decodeUnsafe(record.success)
          return isRecord(value) ? { _tag: "Known", outcome: value[1] ?? undefined } : tooOld("its reply was not kept")
        }
        stream.taken.delete(sequence)
        return { _tag: "New", claim: this.claim(streams, stream, sequence) }
      }
    }).pipe(Effect.uninterruptible)
  }

  /** Forgets all about an actor. */
  forget(address: string): Effect.Effect<void, StorageFailed> {
    return Effect.suspend(() => {
      this.actors.delete(address)
      return PostRecovery.removeAll(this.storage, prefixOf(address))
    })
  }

  // ---------------------------------------------------------------- taking

  private claim(streams: Streams, stream: Stream, sequence: number): Claim {
    const waiting: Array<() => void> = []
    stream.claimed.set(sequence, waiting)
    stream.usedAt = ++this.uses
    return {
      records: (outcome) => [
        { address: keyOf(stream, sequence), state: recordOf(this.nowMs(), outcome) },
        ...this.trim(streams, stream, sequence)
      ],
      settle: (isTaken) => {
        if (!isTaken) stream.taken.delete(sequence)
        stream.claimed.delete(sequence)
        if (stream.taken.size === 0 && stream.claimed.size === 0) streams.delete(stream.key)
        for (const resume of waiting) resume()
      }
    }
  }

  /** Adds a number to a stream, and removes what is more than may be kept. */
  private trim(streams: Streams, stream: Stream, sequence: number): Array<Write> {
    const removals: Array<Write> = []
    stream.taken.add(sequence)
    while (stream.taken.size > Limits.dedupeWindow) {
      const lowest = Math.min(...stream.taken)
      stream.taken.delete(lowest)
      stream.floor = Math.max(stream.floor, lowest)
      removals.push({ address: keyOf(stream, lowest), state: undefined })
    }
    while (streams.size > Limits.streamsRemembered) {
      const evicted = evictedOf(streams, stream)
      if (evicted === undefined) break
      streams.delete(evicted.key)
      for (const number of evicted.taken) removals.push({ address: keyOf(evicted, number), state: undefined })
    }
    return removals
  }

  private streamOf(streams: Streams, address: string, sender: string, name: string): Stream {
    const key = `${prefixOf(address)}${encodeURIComponent(sender)}:${encodeURIComponent(name)}/`
    const known = streams.get(key)
    if (known !== undefined) return known
    const stream = { key, sender, taken: new Set<number>(), floor: -1, usedAt: ++this.uses, claimed: new Map() }
    streams.set(key, stream)
    return stream
  }

  // ---------------------------------------------------------------- what is stored

  private streamsOf(address: string): Effect.Effect<Streams, StorageFailed> {
    const known = this.actors.get(address)
    if (known !== undefined) {
      // The one used last is the last.
      this.actors.delete(address)
      this.actors.set(address, known)
      return Effect.succeed(known)
    }
    return Effect.map(this.load(address), (loaded) => {
      const meanwhile = this.actors.get(address)
      if (meanwhile !== undefined) return meanwhile
      this.actors.set(address, loaded)
      for (const [other, streams] of this.actors) {
        if (this.actors.size <= Limits.dedupeActorsCached) break
        if ([...streams.values()].every(({ claimed }) => claimed.size === 0)) this.actors.delete(other)
      }
      return loaded
    })
  }

  private load(address: string): Effect.Effect<Streams, StorageFailed> {
    return Effect.gen({ self: this }, function* () {
      const streams: Streams = new Map()
      const lastMs = new Map<string, number>()
      let from: string | undefined
      for (;;) {
        const keys = yield* this.storage.list(prefixOf(address), Limits.journalPageEvents, from)
        for (const key of keys) {
          const at = key.lastIndexOf("/") + 1
          const [sender = "", name = ""] = key
            .slice(prefixOf(address).length, at - 1)
            .split(":")
            .map(decodeURIComponent)
          this.streamOf(streams, address, sender, name).taken.add(Number(key.slice(at)))
        }
        const last = keys.at(-1)
        if (last === undefined || keys.length < Limits.journalPageEvents) break
        from = `${last}0`
      }
      for (const stream of streams.values()) {
        // What was below these once, nobody knows any more.
        if (stream.taken.size >= Limits.dedupeWindow) stream.floor = Math.min(...stream.taken) - 1
        const newest = yield* Effect.catchTag(
          this.storage.load(keyOf(stream, Math.max(...stream.taken))),
          "RecordQuarantined",
          () => Effect.succeed(undefined)
        )
        const value = newest === undefined ? undefined : Codec.decodeUnsafe(newest)
        lastMs.set(stream.key, isRecord(value) ? value[0] : 0)
      }
      const byUse = [...streams.values()].sort((one, other) => lastMs.get(one.key)! - lastMs.get(other.key)!)
      for (const stream of byUse) stream.usedAt = ++this.uses
      return streams
    })
  }
}

const keyOf = ({ key }: Stream, sequence: number): string => `${key}${String(sequence).padStart(numberDigits, "0")}`

/** The stream that makes room: of the sender with the most, the one used least recently. */
const evictedOf = (streams: Streams, keep: Stream): Stream | undefined => {
  const bySender = new Map<string, Array<Stream>>()
  for (const stream of streams.values()) {
    const own = bySender.get(stream.sender)
    if (own === undefined) bySender.set(stream.sender, [stream])
    else own.push(stream)
  }
  const most = Math.max(...Array.from(bySender.values(), ({ length }) => length))
  const candidates = [...bySender.values()]
    .filter(({ length }) => length === most)
    .flat()
    .filter((stream) => stream !== keep && stream.claimed.size === 0)
  return candidates.sort((one, other) => one.usedAt - other.usedAt)[0]
}

/** When it was taken, and what came of it; only when, where that cannot be kept or is not worth its room. */
const recordOf = (timeMs: number, outcome: Outcome | "not kept" | undefined): Uint8Array => {
  // Clocks of tests may have parts of milliseconds, or begin before 1970.
  const time = Math.max(0, Math.floor(timeMs))
  const bytes = outcome === "not kept" ? undefined : bytesOf([time, outcome ?? null])
  return bytes !== undefined && bytes.length <= Limits.replyKeptBytesMax ? bytes : Codec.encode([time])
}

/** Undefined for what MessagePack has not, or nests deeper than it may: a reply that may travel by itself can be too deep in a record. */
const bytesOf = (record: unknown): Uint8Array | undefined => {
  try {
    return Codec.encode(record)
  } catch {
    return undefined
  }
}

const isRecord = Schema.is(Schema.Tuple([Schema.Number, Schema.NullOr(Outcome)]))
