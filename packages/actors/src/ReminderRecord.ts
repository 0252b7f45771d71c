/**
 * The stored form of a reminder: MessagePack of [version, id, time, period, message, payload] under `~remind/<address>/<key>`,
 * beside the state of its actor and with the same checksum.
 */
import * as Address from "@continuum/core/Address"
import * as Codec from "@continuum/core/Codec"
import { Result, Schema } from "effect"
import type { Entry } from "./Actor.ts"
import * as Limits from "./Limits.ts"
import * as PlainData from "./PlainData.ts"

export interface ReminderRecord {
  /** Tells this reminder from others of its key, before and after it. */
  readonly id: string
  /** When it is due: whole milliseconds since the epoch. */
  readonly timeMs: number
  /** Whole milliseconds between two; undefined: once. */
  readonly everyMs: number | undefined
  readonly messageName: string
  /** Plain data; of a message with a schema its JSON form. */
  readonly payload: unknown
}

/** All reminders of a storage have keys that begin so. */
export const prefix = "~remind/"

export const prefixOf = (address: string): string => `${prefix}${address}/`

export const keyOf = (address: string, key: string): string => `${prefixOf(address)}${encodeURIComponent(key)}`

/** Whose reminder a stored key is, and its own key; undefined when it is none. */
export const ownerOf = (
  stored: string
): { readonly address: string; readonly kind: string; readonly name: string; readonly key: string } | undefined => {
  const end = stored.lastIndexOf("/")
  const address = stored.slice(prefix.length, end)
  const parsed = Address.parseParts(address)
  if (typeof parsed === "string") return undefined
  return { address, kind: parsed.kind, name: parsed.name, key: decodeURIComponent(stored.slice(end + 1)) }
}

const version = 1

/** Throws `TypeError` for a payload that cannot be stored, `RangeError` for a record above `Limits.reminderBytesMax`. */
export const encode = (record: ReminderRecord): Uint8Array => {
  const { everyMs, id, messageName, payload, timeMs } = record
  const bytes = Codec.encode([version, id, timeMs, everyMs ?? null, messageName, payload])
  if (bytes.length <= Limits.reminderBytesMax) return bytes
  throw new RangeError(
    `A reminder of ${bytes.length} bytes is more than the limit of ${Limits.reminderBytesMax}: keep the data in the state`
  )
}

/** The record in the bytes, or why there is none. */
export const decode = (bytes: Uint8Array): Result.Result<ReminderRecord, string> => {
  try {
    const value = Codec.decodeChecked(bytes)
    if (!isStored(value)) return Result.fail("it is not one of a reminder")
    const [, id, timeMs, everyMs, messageName, payload] = value
    return Result.succeed({ id, timeMs, everyMs: everyMs ?? undefined, messageName, payload })
  } catch (cause) {
    return Result.fail(cause instanceof Error ? cause.message : String(cause))
  }
}

type Stored = readonly [1, string, number, number | null, string, unknown]

const isStored = (value: unknown): value is Stored =>
  Array.isArray(value) &&
  value.length === 6 &&
  value[0] === version &&
  typeof value[1] === "string" &&
  Number.isSafeInteger(value[2]) &&
  (value[3] === null || (Number.isSafeInteger(value[3]) && value[3] >= 1)) &&
  typeof value[4] === "string"

/** A payload as it is stored. Throws `TypeError` when it is none of the message, or no plain data. */
export const payloadOf = (entry: Entry, payload: unknown): unknown => {
  if (entry.isPayload?.(payload) === false)
    throw new TypeError(`The reminder's payload is not of the type that "${entry.name}" takes`)
  const plain = entry.schemas === undefined ? payload : Schema.encodeUnknownSync(entry.schemas.payload)(payload)
  const problem = PlainData.problemOf(plain, "payload")
  if (problem !== undefined) throw new TypeError(`A reminder is stored, so its payload must be plain data: ${problem}`)
  return plain
}

/** The payload as its handler takes it. Throws when it does not fit the message's schema any more. */
export const payloadFor = (entry: Entry, { payload }: ReminderRecord): unknown =>
  entry.schemas === undefined ? payload : Schema.decodeUnknownSync(entry.schemas.payload)(payload)

/** Whether both say the same, whenever they are due. */
export const isAlike = (one: ReminderRecord, other: ReminderRecord): boolean =>
  one.everyMs === other.everyMs &&
  one.messageName === other.messageName &&
  String(Codec.encode(one.payload)) === String(Codec.encode(other.payload))
