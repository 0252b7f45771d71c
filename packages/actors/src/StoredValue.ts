/**
 * States and events of one definition as bytes, and back.
 *
 * A state of version 1 without a journal is the MessagePack of its value. Everything else has a frame: the byte 0xc1, which
 * MessagePack never uses, and the MessagePack of [version, mark, value]. The mark of a state is the number of the last event in
 * it; that of an event is its time.
 */
import * as Codec from "@continuum/core/Codec"
import { Effect, Result, Schema } from "effect"
import type { Write } from "./ActorStorage.ts"
import { deepFreeze } from "./Freeze.ts"
import * as PlainData from "./PlainData.ts"
import * as Versions from "./Versions.ts"
import { WriteInBlock } from "./WriteInBlock.ts"

/** The bytes are not what any version of this program writes. */
export class ValueDamaged extends Schema.TaggedError<ValueDamaged>()("ValueDamaged", { reason: Schema.String }) {
  override get message() {
    return `It does not fit: ${this.reason}. It is set aside; a restart goes on without it`
  }
}

/** The bytes are sound, and this program cannot use them. They stay as they are. */
export class ValueRefused extends Schema.TaggedError<ValueRefused>()("ValueRefused", { reason: Schema.String }) {
  override get message() {
    return `It was left as it is: ${this.reason}`
  }
}

/** What the bytes of a value say. */
export interface Stored {
  readonly value: unknown
  /** A whole number from 0. */
  readonly mark: number
}

export interface Options {
  /** For messages. */
  readonly what: "state" | "event"
  readonly schema: Schema.Codec<any, any> | undefined
  readonly versions: Versions.Versions
  readonly bytesMax: number
  /** Whether values of version 1 have a frame too. */
  readonly framed: boolean
}

/** What stores a value at an address, or why it cannot be stored. */
export const encode = (options: Options, address: string, value: unknown, mark: number): Write | string => {
  const { bytesMax, framed, schema, versions, what } = options
  try {
    const plain = schema === undefined ? value : Schema.encodeUnknownSync(schema)(value)
    const problem = PlainData.isPlain(plain) ? undefined : PlainData.problemOf(plain, what)
    if (problem !== undefined)
      return `${problem}; only plain data can be stored (give the ${what} a schema, or set durable: false)`
    const { version } = versions
    const write = framed || version > 1 ? framedWrite(address, version, mark, plain) : WriteInBlock.of(address, plain)
    return write.bytes <= bytesMax ? write : `the ${what} has ${write.bytes} bytes, more than the limit of ${bytesMax}`
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause)
  }
}

/** The value in the bytes, of the present version and frozen. */
export const decode = (options: Options, bytes: Uint8Array): Effect.Effect<Stored, ValueDamaged | ValueRefused> =>
  Effect.gen(function* () {
    const { schema, versions } = options
    const { mark, plain, version } = yield* unframe(bytes)
    const migrated = Versions.migrate(versions, version, plain)
    if (Result.isFailure(migrated)) return yield* new ValueRefused({ reason: migrated.failure })
    if (schema === undefined) return { value: deepFreeze(migrated.success), mark }
    const decoded = yield* Effect.result(
      Schema.decodeUnknownEffect(schema)(migrated.success) as Effect.Effect<unknown, Schema.SchemaError>
    )
    if (Result.isSuccess(decoded)) return { value: deepFreeze(decoded.success), mark }
    // What a migration made is not the record's fault.
    return yield* version < versions.version
      ? new ValueRefused({ reason: `what the migrations made of it does not fit: ${decoded.failure.message}` })
      : new ValueDamaged({ reason: decoded.failure.message })
  })

const marker = 0xc1

const framedWrite = (address: string, version: number, mark: number, plain: unknown) => {
  const packed = Codec.encode([version, mark, plain])
  const state = new Uint8Array(1 + packed.length)
  state[0] = marker
  state.set(packed, 1)
  return { address, state, bytes: state.length }
}

interface Frame {
  readonly version: number
  readonly mark: number
  readonly plain: unknown
}

/** What is in the frame, if there is one. */
export const unframe = (bytes: Uint8Array): Effect.Effect<Frame, ValueDamaged> => {
  const isFramed = bytes[0] === marker
  const packed = Codec.decode(isFramed ? bytes.subarray(1) : bytes)
  return Effect.matchEffect(packed, {
    onFailure: ({ reason }) => Effect.fail(new ValueDamaged({ reason })),
    onSuccess: (value) => {
      if (!isFramed) return Effect.succeed({ version: 1, mark: 0, plain: value })
      return isFrame(value)
        ? Effect.succeed({ version: value[0], mark: value[1], plain: value[2] })
        : Effect.fail(new ValueDamaged({ reason: "its frame is not one of a stored value" }))
    }
  })
}

const isNatural = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

const isFrame = (value: unknown): value is readonly [number, number, unknown] =>
  Array.isArray(value) && value.length === 3 && isNatural(value[0]) && value[0] >= 1 && isNatural(value[1])
