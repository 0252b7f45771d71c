import * as Codec from "@continuum/core/Codec"
import type { Address } from "@continuum/core/Address"
import { EnvelopeMalformed, type Envelope } from "@continuum/core/Envelope"
import * as EnvelopeWire from "@continuum/core/EnvelopeWire"
import { envelopeBytesMax, payloadDepthMax } from "@continuum/core/Limits"
import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { headerBytes, kinds } from "../src/EnvelopeFrame.ts"
import { EnvelopeReader, EnvelopeWriter } from "../src/EnvelopeHeadings.ts"
import * as Limits from "../src/Limits.ts"
import { identityOf } from "./support/Hub.ts"

const own = identityOf(1).realm.publicKey
const theirs = identityOf(2).realm.publicKey
const addressOf = (name: string): Address => ({ realm: theirs, kind: "counter", name })

/** A writer and the reader of its peer; what each frame took. */
const pair = () => {
  const frames: Array<Uint8Array> = []
  const reader = new EnvelopeReader(() => own)
  const writer = new EnvelopeWriter((frame) => {
    frames.push(frame)
    reader.readHeading(frame)
  })
  const read = (frame: Uint8Array): Envelope => {
    if (frame[0] === kinds.ask) return reader.read("ask", frame, headerBytes)
    if (frame[0] === kinds.tell) return reader.read("tell", frame, 1)
    return frame[0] === kinds.briefAsk
      ? reader.readBrief("ask", frame, headerBytes)
      : reader.readBrief("tell", frame, 1)
  }
  const carry = (envelope: Envelope) => {
    const number = envelope.kind === "tell" ? undefined : 7
    const frame = writer.frameOf(envelope.kind === "tell" ? kinds.tell : kinds.ask, number, envelope).slice()
    frames.push(frame)
    return read(frame)
  }
  return { carry, frames, reader, writer }
}

const to = addressOf("a")
const ask = (sequence: number, payload: unknown, more: Partial<Envelope> = {}): Envelope => ({
  version: 1,
  id: { stream: "s", sequence },
  kind: "ask",
  to,
  message: "add",
  payload,
  deadlineMs: 5_000,
  ...more
})

describe("the heading of an envelope", () => {
  it("is said once: the first message travels as it is, the second with its heading, all others without", () => {
    const { carry, frames } = pair()
    for (let i = 0; i < 4; i++)
      expect(carry(ask(i, { text: "x".repeat(64) }))).toEqual(ask(i, { text: "x".repeat(64) }))
    expect(frames.map(([kind]) => kind)).toEqual([
      kinds.ask,
      kinds.heading,
      kinds.briefAsk,
      kinds.briefAsk,
      kinds.briefAsk
    ])
    const [first, , , last] = frames
    expect(first!.length).toBeGreaterThan(200)
    expect(last!.length).toBeLessThan(85)
  })

  it("gives back every envelope as it was, whatever was sent before it", () => {
    const addresses = [addressOf("a"), addressOf("b"), addressOf("c d")]
    const envelopes = fc.record(
      {
        version: fc.constant(1 as const),
        id: fc.record({
          stream: fc.constantFrom("s", "t"),
          sequence: fc.oneof(fc.nat(300), fc.constantFrom(65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1))
        }),
        kind: fc.constantFrom("ask" as const, "tell" as const),
        to: fc.constantFrom(...addresses),
        message: fc.constantFrom("add", "get"),
        payload: fc.jsonValue(),
        from: fc.constantFrom("x", "y").map((name) => ({ realm: own, kind: "cart", name })),
        deadlineMs: fc.constantFrom(5, 5_000),
        answer: fc.constant("stored" as const),
        chain: fc.array(fc.constantFrom(...addresses), { maxLength: 2 }),
        traceparent: fc.constantFrom("t", "u")
      },
      { requiredKeys: ["version", "id", "kind", "to", "message", "payload"] }
    )
    let brief = 0
    fc.assert(
      fc.property(fc.array(envelopes, { minLength: 10, maxLength: 60 }), (list) => {
        const { carry, frames } = pair()
        for (const envelope of list) {
          const full = EnvelopeWire.decode(EnvelopeWire.encode(envelope))
          expect(carry(envelope)).toEqual(full)
        }
        brief += frames.filter(([kind]) => kind === kinds.briefAsk || kind === kinds.briefTell).length
      }),
      { numRuns: 200 }
    )
    expect(brief).toBeGreaterThan(100)
  })

  it("has one of 256 numbers; more headings than that take turns, and what finds no number travels as it is", () => {
    const { carry, frames } = pair()
    const addresses = Array.from({ length: Limits.headingsMax + 50 }, (_, i) => addressOf(`a${i}`))
    for (let round = 0; round < 30; round++) {
      for (const [i, to] of addresses.entries()) expect(carry(ask(i, round, { to })).to).toEqual(to)
    }
    const numbers = frames.filter(([kind]) => kind === kinds.heading).map(([, number]) => number!)
    expect(Math.max(...numbers)).toBe(Limits.headingsMax - 1)
    // Not one for each message that found none: one round of them in about twenty.
    expect(numbers.length).toBeLessThan(4 * Limits.headingsMax)
    expect(frames.filter(([kind]) => kind === kinds.briefAsk).length).toBeGreaterThan(20 * Limits.headingsMax)
  })

  it("that is too long to be remembered is sent with each of its messages", () => {
    const { carry, frames } = pair()
    const message = "m".repeat(Limits.headingBytesMax)
    for (let i = 0; i < 3; i++) expect(carry(ask(i, i, { message }))).toEqual(ask(i, i, { message }))
    expect(frames.map(([kind]) => kind)).toEqual([kinds.ask, kinds.ask, kinds.ask])
  })

  it("changes nothing about what cannot be sent", () => {
    const { carry } = pair()
    let deepest: unknown = 1
    for (let depth = 2; depth <= payloadDepthMax; depth++) deepest = [deepest]
    for (let i = 0; i < 3; i++) {
      expect(carry(ask(i, deepest)).payload).toEqual(deepest)
      for (const bad of [[deepest], Symbol("x"), 2n ** 70n, new Uint8Array(envelopeBytesMax)]) {
        expect(() => carry(ask(i, bad))).toThrow(EnvelopeMalformed)
      }
    }
  })

  const heading = EnvelopeWire.encode(ask(0, null))
  const hostile: ReadonlyArray<readonly [string, (reader: EnvelopeReader) => void, string]> = [
    [
      "a number that no heading has",
      (r) => r.readBrief("ask", Uint8Array.of(13, 0, 0, 0, 0, 9, 0x92, 0, 0), 5),
      "none"
    ],
    ["a heading of another kind", (r) => r.readBrief("tell", Uint8Array.of(14, 0, 0x92, 0, 0), 1), "heading 0"],
    ["no number of a heading", (r) => r.readBrief("ask", Uint8Array.of(13, 0, 0, 0, 0), 5), "there is none"],
    ["a heading without a number", (r) => r.readHeading(Uint8Array.of(12)), "heading of 1 bytes"],
    [
      "a heading that is too long",
      (r) => r.readHeading(Uint8Array.of(12, 0, ...EnvelopeWire.encode(ask(0, "x".repeat(Limits.headingBytesMax))))),
      "heading of"
    ],
    ["a heading that is no envelope", (r) => r.readHeading(Uint8Array.of(12, 0, 0x80)), "not an envelope"],
    [
      "a heading in the name of another realm",
      (r) =>
        r.readHeading(
          Uint8Array.of(12, 0, ...EnvelopeWire.encode(ask(0, 0, { from: { realm: theirs, kind: "cart", name: "x" } })))
        ),
      "another realm"
    ]
  ]
  for (const [what, send, reason] of hostile) {
    it(`refuses ${what}`, () => {
      const reader = new EnvelopeReader(() => own)
      reader.readHeading(Uint8Array.of(kinds.heading, 0, ...heading))
      expect(() => send(reader)).toThrow(reason)
    })
  }

  it("is followed by a sequence number, a payload and perhaps a trace, and by nothing else", () => {
    const reader = new EnvelopeReader(() => own)
    reader.readHeading(Uint8Array.of(kinds.heading, 0, ...heading))
    const body = (value: unknown) =>
      reader.readBrief("ask", Uint8Array.of(13, 0, 0, 0, 0, 0, ...Codec.encode(value)), 5)
    expect(body([3, "x"])).toEqual(ask(3, "x"))
    expect(body([3, "x", "t"])).toEqual({ ...ask(3, "x"), traceparent: "t" })
    const bad = [0, {}, [], [0], [0, 1, "t", 2], [-1, 0], [1.5, 0], ["0", 0], [0, 0, 5], [0, 0, "t".repeat(65)]]
    for (const value of bad) expect(() => body(value), JSON.stringify(value)).toThrow(/it sent/)
    expect(() => reader.readBrief("ask", new Uint8Array(envelopeBytesMax + 7), 5)).toThrow("more than the limit")
  })
})
