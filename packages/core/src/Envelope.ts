/**
 * An envelope is a message on its way to an address: what every transport carries and every router reads.
 *
 * It is plain data, encoded as MessagePack. Deadlines travel as the time that remains, because two nodes do not share
 * a clock; the call chain travels so that a cycle of asks is found; trace context travels as W3C `traceparent`.
 */
import { Effect, Schema } from "effect"
import * as Address from "./Address.ts"
import * as Codec from "./Codec.ts"
import { callChainMax, envelopeBytesMax } from "./Limits.ts"

/** The version of the envelope's format. Another version is refused. */
export const version = 1

/** The bytes are no envelope of this version, or too large; or an envelope that has no bytes. */
export class EnvelopeMalformed extends Schema.TaggedError<EnvelopeMalformed>()("EnvelopeMalformed", {
  reason: Schema.String
}) {
  override get message() {
    return `This is not an envelope: ${this.reason}`
  }
}

/** Sender stream and sequence number: what a durable mailbox dedupes by. */
export const MessageId = Schema.Struct({
  /** Names one ordered stream of one sender. */
  stream: Schema.NonEmptyString,
  /** 0, 1, 2, ... within the stream, without gaps. */
  sequence: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
})
export type MessageId = typeof MessageId.Type

/** A message to an actor: an ask expects a reply, a stream expects one value after another, a tell expects nothing. */
export const Envelope = Schema.Struct({
  version: Schema.Literal(version),
  id: MessageId,
  kind: Schema.Literals(["ask", "tell", "stream"]),
  to: Address.FromString,
  /** The sending actor; absent when a client outside any actor sends. */
  from: Schema.optionalKey(Address.FromString),
  /** Name of the handler. */
  message: Schema.NonEmptyString,
  payload: Schema.Unknown,
  /**
   * `stored`: an ask for no more than the word that the message is stored in a durable mailbox. It is sent again under the same id until
   * that comes. Absent: the answer is the handler's.
   */
  answer: Schema.optionalKey(Schema.Literal("stored")),
  /**
   * Milliseconds until the sender stops waiting: for the reply, or for each next value of a streamed one. Absent: it waits as long as
   * its transport lives.
   */
  deadlineMs: Schema.optionalKey(Schema.Number.check(Schema.isGreaterThanOrEqualTo(0))),
  /** Addresses that wait for this ask, outermost first. */
  chain: Schema.optionalKey(Schema.Array(Address.FromString).check(Schema.isMaxLength(callChainMax))),
  /** https://www.w3.org/TR/trace-context/ */
  traceparent: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(64)))
})
export type Envelope = typeof Envelope.Type

const encodeEnvelope = Schema.encodeSync(Envelope)
const decodeEnvelope = Schema.decodeUnknownEffect(Envelope)

/**
 * The bytes of an envelope. Fails with `EnvelopeMalformed` when they exceed `envelopeBytesMax` or when the payload has
 * no bytes: then the sender learns it, and not the receiver.
 */
export const encode = (envelope: Envelope): Effect.Effect<Uint8Array, EnvelopeMalformed> =>
  Effect.try({
    try: () => Codec.encode(encodeEnvelope(envelope)),
    catch: (cause) => new EnvelopeMalformed({ reason: cause instanceof Error ? cause.message : String(cause) })
  }).pipe(
    Effect.flatMap((bytes) =>
      bytes.length > envelopeBytesMax ? Effect.fail(tooLarge(bytes.length)) : Effect.succeed(bytes)
    )
  )

/** The envelope in the bytes. Fails with `EnvelopeMalformed`; nothing of a bad envelope is passed on. */
export const decode = (bytes: Uint8Array): Effect.Effect<Envelope, EnvelopeMalformed> =>
  bytes.length > envelopeBytesMax
    ? Effect.fail(tooLarge(bytes.length))
    : Codec.decode(bytes).pipe(
        Effect.flatMap(decodeEnvelope),
        Effect.mapError((error) => new EnvelopeMalformed({ reason: error.message }))
      )

const tooLarge = (length: number) =>
  new EnvelopeMalformed({ reason: `${length} bytes are more than the limit of ${envelopeBytesMax}` })
