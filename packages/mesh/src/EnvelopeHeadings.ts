/**
 * Envelopes as frames, and what many of them have in common said once: a heading is all of an envelope but its sequence number, payload and
 * trace, and later ones to the same actor name it by a number. So an ask of 64 bytes takes 90 bytes instead of 250.
 *
 * Bytes are time: until a connection has carried much, UDX lets 3.3 kB leave in a millisecond, and the rest waits.
 */
import type { Address } from "@continuum/core/Address"
import * as Codec from "@continuum/core/Codec"
import { EnvelopeMalformed, type Envelope } from "@continuum/core/Envelope"
import * as EnvelopeWire from "@continuum/core/EnvelopeWire"
import type { PublicKey } from "@continuum/core/Identity"
import { envelopeBytesMax } from "@continuum/core/Limits"
import { headed, headerBytes, kinds } from "./EnvelopeFrame.ts"
import * as Limits from "./Limits.ts"

interface Heading {
  readonly like: Envelope
  /** Undefined: it is too long to be remembered over there. */
  readonly number: number | undefined
}

/** Makes the frames of envelopes for one peer. */
export class EnvelopeWriter {
  private readonly send: (frame: Uint8Array) => void
  private readonly headings: Map<Address, Array<Heading>>
  /** Addresses of earlier messages: the first one may be the only one. A ref sends the same object each time. */
  private readonly seen: WeakSet<Address>
  private count: number
  /** Envelopes that found no heading since all numbers are given. */
  private misses: number

  /** `send` sends a heading ahead of the frame that names it. */
  constructor(send: (frame: Uint8Array) => void) {
    this.send = send
    this.headings = new Map()
    this.seen = new WeakSet()
    this.count = 0
    this.misses = 0
  }

  /** The frame of an envelope; the next one overwrites it. A tell has no number. Throws `EnvelopeMalformed`. */
  frameOf(kind: number, number: number | undefined, envelope: Envelope): Uint8Array {
    const header = number === undefined ? 1 : headerBytes
    const heading = kind === kinds.stream ? undefined : this.headingOf(envelope)
    if (heading === undefined) return headed(kind, number, EnvelopeWire.encodeBriefly(envelope, header))
    const bytes = bodyOf(envelope, header + 1)
    bytes[header] = heading
    return headed(number === undefined ? kinds.briefTell : kinds.briefAsk, number, bytes)
  }

  private headingOf(envelope: Envelope): number | undefined {
    const { to } = envelope
    const known = this.headings.get(to)
    if (known !== undefined) {
      for (const { like, number } of known) if (areAlike(like, envelope)) return number
    } else if (!this.seen.has(to)) {
      this.seen.add(to)
      return undefined
    }
    if (this.count === Limits.headingsMax) {
      // Where more take turns than there are numbers, each new heading would push out one that is needed soon.
      if (++this.misses < missesMax) return undefined
      this.headings.clear()
      this.count = 0
      this.misses = 0
    }
    return this.define(envelope)
  }

  private define(envelope: Envelope): number | undefined {
    const like: { -readonly [Field in keyof Envelope]: Envelope[Field] } = { ...envelope, payload: null }
    delete like.traceparent
    const bytes = EnvelopeWire.encode(like)
    // A long one takes a number's place without using it, so that there are never more of them than of numbers.
    const next = this.count++
    const number = bytes.length > Limits.headingBytesMax ? undefined : next
    const others = this.headings.get(like.to)
    if (others === undefined) this.headings.set(like.to, [{ like, number }])
    else others.push({ like, number })
    if (number === undefined) return undefined
    const frame = new Uint8Array(2 + bytes.length)
    frame[0] = kinds.heading
    frame[1] = number
    frame.set(bytes, 2)
    this.send(frame)
    return number
  }
}

const missesMax = 4 * Limits.headingsMax

/** Reads the frames of one peer. What it throws says what is wrong with them. */
export class EnvelopeReader {
  /** The realm that the peer has proven to be its own. */
  private readonly realm: () => PublicKey | undefined
  private readonly headings: Array<Envelope | undefined>

  constructor(realm: () => PublicKey | undefined) {
    this.realm = realm
    this.headings = []
  }

  /** The envelope behind so many bytes of a header. */
  read(kind: Envelope["kind"], frame: Uint8Array, header: number): Envelope {
    const envelope = EnvelopeWire.decode(frame.subarray(header))
    if (envelope.kind !== kind) throw new Error(`it sent a frame of kind ${kind} with an envelope of another kind`)
    return this.checked(envelope)
  }

  /** The same where the header is followed by the number of a heading. */
  readBrief(kind: Envelope["kind"], frame: Uint8Array, header: number): Envelope {
    const number = frame[header] ?? Limits.headingsMax
    const heading = this.headings[number]
    if (heading?.kind !== kind) throw new Error(`it named a heading ${number} of kind ${kind}, and there is none`)
    const body = frame.subarray(header + 1)
    if (body.length > envelopeBytesMax) throw EnvelopeWire.tooLarge(body.length)
    const parts = Codec.decodeChecked(body)
    if (!Array.isArray(parts) || parts.length < 2 || parts.length > 3)
      throw new Error("it sent no list below a heading")
    const [sequence, payload, traceparent] = parts as ReadonlyArray<unknown>
    if (!Number.isSafeInteger(sequence) || (sequence as number) < 0) throw new Error("it sent no sequence number")
    const id = { stream: heading.id.stream, sequence: sequence as number }
    if (parts.length === 2) return { ...heading, id, payload }
    if (!EnvelopeWire.isTraceparent(traceparent)) throw new Error("it sent a traceparent that is no W3C trace context")
    return { ...heading, id, payload, traceparent }
  }

  readHeading(frame: Uint8Array): void {
    const number = frame[1] ?? Limits.headingsMax
    if (number >= Limits.headingsMax || frame.length - 2 > Limits.headingBytesMax) {
      throw new Error(`it sent a heading of ${frame.length} bytes`)
    }
    const heading = this.checked(EnvelopeWire.decode(frame.subarray(2)))
    while (this.headings.length < number) this.headings.push(undefined)
    this.headings[number] = { ...heading, payload: null }
  }

  private checked(envelope: Envelope): Envelope {
    if (envelope.from === undefined || envelope.from.realm === this.realm()) return envelope
    throw new Error("it sent a message in the name of another realm")
  }
}

/** What of an envelope is not in its heading, behind `room` bytes. */
const bodyOf = ({ id, payload, traceparent }: Envelope, room: number): Uint8Array => {
  const parts = traceparent === undefined ? [id.sequence, payload] : [id.sequence, payload, traceparent]
  let bytes: Uint8Array
  try {
    bytes = Codec.encodeBriefly(parts, room)
  } catch (cause) {
    throw new EnvelopeMalformed({ reason: cause instanceof Error ? cause.message : String(cause) })
  }
  if (bytes.length - room > envelopeBytesMax) throw EnvelopeWire.tooLarge(bytes.length - room)
  return bytes
}

/** Whether two envelopes to the same address object have the same heading. */
const areAlike = (one: Envelope, other: Envelope): boolean =>
  one.message === other.message &&
  one.kind === other.kind &&
  one.answer === other.answer &&
  one.deadlineMs === other.deadlineMs &&
  one.id.stream === other.id.stream &&
  isSame(one.from, other.from) &&
  areSame(one.chain, other.chain)

const isSame = (one: Address | undefined, other: Address | undefined): boolean =>
  one === other || (one?.name === other?.name && one?.kind === other?.kind && one?.realm === other?.realm)

const areSame = (one: Envelope["chain"], other: Envelope["chain"]): boolean =>
  one === other || (one?.length === other?.length && one?.every((link, index) => isSame(link, other![index])) === true)
