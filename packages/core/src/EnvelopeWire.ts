/**
 * Envelopes as bytes on the hot path of remote messages. `Envelope.ts` is the definition; this writes the same bytes and
 * accepts the same ones, by plain checks instead of its schema: 2 to 3 microseconds instead of 14, each way (Bun).
 *
 * A property test holds the two together. What is accepted here was looked over completely, as Schema would.
 */
import * as Address from "./Address.ts"
import * as Codec from "./Codec.ts"
import { EnvelopeMalformed, version, type Envelope, type MessageId } from "./Envelope.ts"
import { callChainMax, envelopeBytesMax } from "./Limits.ts"
import * as RememberedAddresses from "./RememberedAddresses.ts"

/** The bytes of an envelope. Throws `EnvelopeMalformed` when it has none or too many. */
export const encode = (envelope: Envelope): Uint8Array => encodeBriefly(envelope).slice()

/** The same behind `room` bytes for a header of the caller's, for bytes that are copied at once: the next call overwrites them. */
export const encodeBriefly = (envelope: Envelope, room = 0): Uint8Array => {
  const { answer, chain, deadlineMs, from, id, kind, message, payload, to, traceparent } = envelope
  const wire: Record<string, unknown> = {
    version,
    id: { stream: id.stream, sequence: id.sequence },
    kind,
    to: Address.format(to)
  }
  if (from !== undefined) wire[sender] = Address.format(from)
  wire["message"] = message
  wire["payload"] = payload
  if (answer !== undefined) wire["answer"] = answer
  if (deadlineMs !== undefined) wire["deadlineMs"] = deadlineMs
  if (chain !== undefined && chain.length > callChainMax) {
    throw new EnvelopeMalformed({ reason: `more than ${callChainMax} actors wait for each other` })
  }
  if (chain !== undefined) wire["chain"] = chain.map(Address.format)
  if (traceparent !== undefined) wire["traceparent"] = traceparent
  let bytes: Uint8Array
  try {
    bytes = Codec.encodeBriefly(wire, room)
  } catch (cause) {
    throw new EnvelopeMalformed({ reason: cause instanceof Error ? cause.message : String(cause) })
  }
  if (bytes.length - room > envelopeBytesMax) throw tooLarge(bytes.length - room)
  return bytes
}

/** The envelope in the bytes. Throws `EnvelopeMalformed`; nothing of a bad envelope is passed on. */
export const decode = (bytes: Uint8Array): Envelope => {
  if (bytes.length > envelopeBytesMax) throw tooLarge(bytes.length)
  let wire: unknown
  try {
    wire = Codec.decodeChecked(bytes)
  } catch (cause) {
    throw malformed((cause as Error).message)
  }
  if (!isRecord(wire)) throw malformed("it is not a map")
  if (wire["version"] !== version) throw malformed(`its version is not ${version}`)
  const { kind, message, deadlineMs, traceparent } = wire
  if (kind !== "ask" && kind !== "tell" && kind !== "stream")
    throw malformed("its kind is neither ask, tell nor stream")
  if (typeof message !== "string" || message.length === 0) throw malformed("its message has no name")
  if (!Object.hasOwn(wire, "payload")) throw malformed("it has no payload")
  const envelope: Mutable<Envelope> = {
    version,
    id: messageId(wire["id"]),
    kind,
    to: address(wire["to"], "to"),
    message,
    payload: wire["payload"]
  }
  if (Object.hasOwn(wire, sender)) envelope.from = address(wire[sender], sender)
  if (Object.hasOwn(wire, "answer")) {
    if (wire["answer"] !== "stored") throw malformed("it asks for an answer that this version does not know")
    envelope.answer = "stored"
  }
  if (Object.hasOwn(wire, "deadlineMs")) {
    if (typeof deadlineMs !== "number" || !(deadlineMs >= 0)) throw malformed("its deadlineMs is no duration")
    envelope.deadlineMs = deadlineMs
  }
  if (Object.hasOwn(wire, "chain")) envelope.chain = chainOf(wire["chain"])
  if (Object.hasOwn(wire, "traceparent")) {
    if (!isTraceparent(traceparent)) throw malformed("its traceparent is no W3C trace context")
    envelope.traceparent = traceparent
  }
  return envelope
}

const traceparentMax = 64

/** Whether a value may be the trace of an envelope. */
export const isTraceparent = (value: unknown): value is string =>
  typeof value === "string" && value.length <= traceparentMax

const sender = "from"

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

const messageId = (id: unknown): MessageId => {
  if (!isRecord(id)) throw malformed("its id is not a map")
  const { sequence, stream } = id
  if (typeof stream !== "string" || stream.length === 0) throw malformed("its id names no stream")
  if (!Number.isSafeInteger(sequence) || (sequence as number) < 0) throw malformed("its id has no sequence number")
  return { stream, sequence: sequence as number }
}

const chainOf = (chain: unknown): ReadonlyArray<Address.Address> => {
  if (!Array.isArray(chain) || chain.length > callChainMax) {
    throw malformed(`its chain is no list of at most ${callChainMax} addresses`)
  }
  return chain.map((link) => address(link, "chain"))
}

const address = (text: unknown, field: string): Address.Address => {
  if (typeof text !== "string") throw malformed(`its ${field} is not an address`)
  const read = RememberedAddresses.read(text)
  if (typeof read === "string") throw malformed(`its ${field} is not an address: ${read}`)
  return read
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const malformed = (reason: string) => new EnvelopeMalformed({ reason })

/** The error of an envelope of so many bytes. */
export const tooLarge = (length: number) => malformed(`${length} bytes are more than the limit of ${envelopeBytesMax}`)
