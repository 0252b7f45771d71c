/**
 * What the asks of one ref have in common, as bytes: all of an envelope but its sequence number and its payload. Whoever sends, or
 * gets, the same kind of message again and again then copies or compares these bytes, and only the payload is written and read.
 *
 * The bytes are those that `EnvelopeWire` writes without it. Bytes that differ anywhere are no envelope of the template, whatever
 * else they are.
 */
import * as Address from "./Address.ts"
import * as Codec from "./Codec.ts"
import type { Envelope } from "./Envelope.ts"
import { endOf } from "./MessagePackStructure.ts"

/** Whether envelopes like this one have a template: those of askers that are no actors, which nothing else varies. */
export const isPlain = (envelope: Envelope): boolean =>
  envelope.from === undefined &&
  envelope.answer === undefined &&
  envelope.chain === undefined &&
  envelope.traceparent === undefined

/** Whether two envelopes, of which the first is plain, differ at most in sequence number and payload. Addresses are compared as objects. */
export const areAlike = (one: Envelope, other: Envelope): boolean =>
  one.to === other.to &&
  one.message === other.message &&
  one.kind === other.kind &&
  one.deadlineMs === other.deadlineMs &&
  one.id.stream === other.id.stream &&
  isPlain(other)

/** The map of an envelope and that of its id are open around a payload. */
const depthOfPayload = 1
const containersBeforePayload = 2

export class EnvelopeTemplate {
  private readonly like: Envelope
  /** Up to the sequence number, from there to the payload, and what follows it. */
  private readonly head: Uint8Array
  private readonly middle: Uint8Array
  private readonly tail: Uint8Array

  /** `like` is plain. */
  constructor(like: Envelope) {
    const { deadlineMs, id, kind, message, to } = like
    const fields = deadlineMs === undefined ? 6 : 7
    this.like = { ...like, payload: undefined }
    this.head = joined(
      [fixedMap + fields],
      "version",
      like.version,
      "id",
      [fixedMap + 2],
      "stream",
      id.stream,
      "sequence"
    )
    this.middle = joined("kind", kind, "to", Address.format(to), "message", message, "payload")
    this.tail = deadlineMs === undefined ? joined() : joined("deadlineMs", deadlineMs)
  }

  fits(envelope: Envelope): boolean {
    return areAlike(this.like, envelope)
  }

  /** The bytes of an envelope that fits, as `EnvelopeWire.encodeBriefly`. Undefined: they have to be written in full, or have none. */
  encode({ id: { sequence }, payload }: Envelope, room: number): Uint8Array | undefined {
    if (sequence >= 2 ** 32) return undefined
    const { head, middle, tail } = this
    let value: Uint8Array
    try {
      value = Codec.encodeUnchecked(payload)
    } catch {
      return undefined
    }
    const numberSize = sequence < 0x80 ? 1 : sequence < 0x1_00 ? 2 : sequence < 0x1_00_00 ? 3 : 5
    const payloadAt = room + head.length + numberSize + middle.length
    const payloadEnd = payloadAt + value.length
    const bytes = Codec.bytesForNow(payloadEnd + tail.length)
    bytes.set(head, room)
    let at = room + head.length
    if (numberSize > 1) bytes[at++] = numberSize === 2 ? 0xcc : numberSize === 3 ? 0xcd : 0xce
    for (let left = payloadAt - middle.length - at; left > 0; left--) bytes[at++] = sequence >>> (8 * (left - 1))
    bytes.set(middle, at)
    bytes.set(value, payloadAt)
    bytes.set(tail, payloadEnd)
    return endOf(bytes, payloadAt, depthOfPayload, containersBeforePayload) === payloadEnd ? bytes : undefined
  }

  /** The envelope in the bytes. Undefined: they are none of this template. */
  decode(bytes: Uint8Array): Envelope | undefined {
    const { head, like, middle, tail } = this
    if (!isAt(bytes, 0, head)) return undefined
    let at = head.length
    const token = bytes[at++]!
    let sequence = token
    if (token > 0x7f) {
      if (token < 0xcc || token > 0xce) return undefined
      sequence = 0
      for (let left = 1 << (token - 0xcc); left > 0; left--) sequence = sequence * 256 + bytes[at++]!
    }
    if (!isAt(bytes, at, middle)) return undefined
    at += middle.length
    const end = endOf(bytes, at, depthOfPayload, containersBeforePayload)
    if (typeof end === "string" || end + tail.length !== bytes.length || !isAt(bytes, end, tail)) return undefined
    try {
      const payload = Codec.decodeUnsafe(bytes.subarray(at, end))
      return { ...like, id: { stream: like.id.stream, sequence }, payload }
    } catch {
      // A map with a map as a key, for example: whoever reads it in full says so.
      return undefined
    }
  }
}

const isAt = (bytes: Uint8Array, at: number, part: Uint8Array): boolean => {
  if (bytes.length - at < part.length) return false
  // Templates differ in their last bytes more often than in their first.
  for (let i = part.length - 1; i >= 0; i--) if (bytes[at + i] !== part[i]) return false
  return true
}

/** MessagePack writes a map of up to 15 fields behind one byte. */
const fixedMap = 0x80

const joined = (...parts: ReadonlyArray<string | number | ReadonlyArray<number>>): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === "object" ? part : Array.from(Codec.encode(part)))))
