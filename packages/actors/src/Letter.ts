/**
 * A message of a durable mailbox: one record under `~mail/<address>/<life>-<number>`, stored before its sender hears of it and removed
 * in the transaction that stores what its handler did. Keys are in the order in which the messages were sent.
 */
import * as Codec from "@continuum/core/Codec"
import { Effect, Result, Schema } from "effect"
import type { Entry } from "./Actor.ts"
import { type ActorError, PayloadMalformed } from "./ActorError.ts"
import type { Write } from "./ActorStorage.ts"
import type { ActorType } from "./ActorType.ts"
import { Ask, describeError, type Receipt } from "./Ask.ts"
import * as Conversion from "./Conversion.ts"
import * as Limits from "./Limits.ts"
import * as PlainData from "./PlainData.ts"

/** What a letter is made of. */
export interface Parts {
  readonly key: string
  readonly type: ActorType
  readonly name: string
  readonly entry: Entry
  readonly payload: unknown
  /** Bytes of its record. */
  readonly bytes: number
}

export class Letter {
  readonly key: string
  readonly type: ActorType
  /** Of its actor, as its address. */
  readonly name: string
  readonly address: string
  readonly entry: Entry
  readonly payload: unknown
  /** Bytes of its record. */
  readonly bytes: number
  readonly ask: LetterAsk
  /** Whether it is in the mailbox of an active actor, set aside there, or handled. Otherwise it waits for its actor to start. */
  isTaken: boolean
  /** Whether its record may be gone, with what its handler did: a transaction that failed may have been stored nevertheless. */
  isUnsure: boolean
  /** How often its handling was cut short, or could not be stored for its own fault. */
  attempts: number
  /** Its entry with the span of this message, until it is taken first. */
  spanned: Entry | undefined

  constructor(owner: Owner, { bytes, entry, key, name, payload, type }: Parts) {
    this.key = key
    this.type = type
    this.name = name
    this.address = type.address(name)
    this.entry = entry
    this.payload = payload
    this.bytes = bytes
    this.ask = new LetterAsk(this, owner)
    this.isTaken = false
    this.isUnsure = false
    this.attempts = 0
    this.spanned = undefined
  }
}

/** Who hears what comes of a letter. */
export interface Owner {
  /** Its handler has ended, and what it did is stored, with the letter's end. */
  readonly handled: (letter: Letter) => void
  /** Its handler failed or crashed: it is a dead letter, and still stored. */
  readonly lost: (letter: Letter, reason: string) => void
  /** It was not handled: its actor stopped, was restarted, or what it did was not stored. */
  readonly returned: (letter: Letter, error: ActorError) => void
}

/** A letter in a mailbox, in the place of an ask: who sent it waits for nothing any more. */
export class LetterAsk extends Ask {
  readonly letter: Letter
  private readonly owner: Owner

  constructor(letter: Letter, owner: Owner) {
    super(undefined)
    this.letter = letter
    this.owner = owner
  }

  /** What its handler did and the end of the letter are one transaction. */
  override get receipt(): Receipt {
    return { records: () => [removalOf(this.letter)] }
  }

  override reply(): void {
    this.owner.handled(this.letter)
  }
  override failExpected(error: unknown): void {
    this.owner.lost(this.letter, `its handler failed, and a tell has no asker: ${describeError(error)}`)
  }
  override fail(error: ActorError): void {
    this.owner.lost(this.letter, error.message)
  }
  /** It goes back to where it is stored. */
  return(error: ActorError): void {
    this.owner.returned(this.letter, error)
  }
}

/** What removes the record of a letter. */
export const removalOf = ({ key }: Letter): Write => ({ address: key, state: undefined })

export const prefix = "~mail/"

/** What the keys of an actor's letters begin with; with an address that ends in `/`, those of all its type's actors. */
export const prefixOf = (address: string): string => `${prefix}${address}/`

/** The key of letter number `number` of a life of the system. */
export const keyOf = (address: string, life: number, number: number): string =>
  `${prefixOf(address)}${orderOf(life, number)}`

/** The last part of a key: texts in the order of lives and numbers. */
export const orderOf = (life: number, number: number): string =>
  `${String(life).padStart(digits, "0")}-${String(number).padStart(digits, "0")}`

// Those of the largest safe integer.
const digits = 16

/** The address that a key is for. */
export const addressOf = (key: string): string => key.slice(prefix.length, key.lastIndexOf("/"))

/** The life that wrote a key. */
export const lifeOf = (key: string): number => {
  const at = key.lastIndexOf("/") + 1
  return Number(key.slice(at, at + digits))
}

/** The record of a message to an actor, or why it has none. */
export const seal = (address: string, entry: Entry, payload: unknown): Result.Result<Uint8Array, PayloadMalformed> => {
  const malformed = (reason: string) => Result.fail(new PayloadMalformed({ address, messageName: entry.name, reason }))
  try {
    const plain = entry.schemas === undefined ? payload : Schema.encodeUnknownSync(entry.schemas.payload)(payload)
    const problem = PlainData.isPlain(plain) ? undefined : PlainData.problemOf(plain, "payload")
    if (problem !== undefined) return malformed(`${problem}; only plain data can be stored`)
    const bytes = Codec.encode([entry.name, plain])
    return bytes.length <= Limits.letterBytesMax
      ? Result.succeed(bytes)
      : malformed(`it has ${bytes.length} bytes, more than the limit of ${Limits.letterBytesMax}`)
  } catch (cause) {
    return malformed(cause instanceof Error ? cause.message : String(cause))
  }
}

/** The message in a record; fails with why no handler can take it. */
export const open = (
  type: ActorType,
  bytes: Uint8Array
): Effect.Effect<{ readonly entry: Entry; readonly payload: unknown }, string> =>
  Effect.gen(function* () {
    const value = yield* Effect.mapError(Codec.decode(bytes), ({ reason }) => reason)
    if (!Array.isArray(value) || value.length !== 2 || typeof value[0] !== "string")
      return yield* Effect.fail("it is no message")
    const entry = type.definition.entries.get(value[0])
    if (entry === undefined) return yield* Effect.fail(`there is no message "${value[0]}" any more`)
    const plain: unknown = value[1]
    const payload =
      entry.schemas === undefined
        ? plain
        : yield* Effect.mapError(Conversion.decode(entry.schemas.payload, plain), ({ message }) => message)
    return { entry, payload }
  })
