import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import fc from "fast-check"
import * as Codec from "../src/Codec.ts"
import * as Envelope from "../src/Envelope.ts"
import * as EnvelopeWire from "../src/EnvelopeWire.ts"
import { addressesRememberedMax, callChainMax, envelopeBytesMax } from "../src/Limits.ts"

const addresses = fc.record({
  realm: fc.constantFrom("local", "*", "bee", "y".repeat(52)),
  kind: fc.constantFrom("counter", "persona"),
  name: fc.constantFrom("a", "Teacher AI", "ü/%?")
})
const payloads = fc.jsonValue().filter((value) => !JSON.stringify(value).includes("__proto__"))
const envelopes: fc.Arbitrary<Envelope.Envelope> = fc.record(
  {
    version: fc.constant(1 as const),
    id: fc.record({ stream: fc.string({ minLength: 1 }), sequence: fc.nat() }),
    kind: fc.constantFrom("ask" as const, "tell" as const, "stream" as const),
    to: addresses,
    from: addresses,
    message: fc.string({ minLength: 1 }),
    payload: payloads,
    deadlineMs: fc.double({ min: 0, noNaN: true }),
    chain: fc.array(addresses, { maxLength: 3 }),
    traceparent: fc.string({ maxLength: 64 })
  },
  { requiredKeys: ["version", "id", "kind", "to", "message", "payload"] }
)

/** What a field may be replaced with: sound values, edges and nonsense. */
const values = fc.oneof(
  fc.constantFrom<unknown>(
    undefined,
    null,
    0,
    -1,
    1.5,
    2,
    NaN,
    Infinity,
    5n,
    true,
    "",
    "ask",
    "continuum://local/counter/a",
    "continuum://local/Counter/a",
    "continuum://local/counter/a b",
    "x".repeat(64),
    "x".repeat(65),
    [],
    ["continuum://local/counter/a", 5],
    Array.from({ length: callChainMax }, () => "continuum://local/counter/a"),
    Array.from({ length: callChainMax + 1 }, () => "continuum://local/counter/a"),
    {},
    { stream: "s" },
    { stream: "s", sequence: 0 },
    { stream: "s", sequence: 2 ** 53 },
    new Uint8Array(3),
    new Date(0)
  ),
  payloads
)
const fields = [
  "version",
  "id",
  "kind",
  "to",
  "from",
  "message",
  "payload",
  "deadlineMs",
  "chain",
  "traceparent",
  "new"
]

/** What both say about some bytes: the envelope, or that there is none. */
const bySchema = (bytes: Uint8Array) => {
  const exit = Effect.runSyncExit(Envelope.decode(bytes))
  return Exit.isSuccess(exit) ? exit.value : "refused"
}
const byHand = (bytes: Uint8Array) => {
  try {
    return EnvelopeWire.decode(bytes)
  } catch (error) {
    expect(error).toBeInstanceOf(Envelope.EnvelopeMalformed)
    return "refused"
  }
}

describe("the hot path of envelopes", () => {
  it("writes the bytes that the schema writes, and reads them back", () => {
    fc.assert(
      fc.property(envelopes, (envelope) => {
        const bytes = EnvelopeWire.encode(envelope)
        expect(bytes).toEqual(Effect.runSync(Envelope.encode(envelope)))
        expect(byHand(bytes)).toEqual(bySchema(bytes))
      })
    )
  })

  it("accepts what the schema accepts and refuses what it refuses, whatever field is changed, added or removed", () => {
    let [accepted, refused] = [0, 0]
    fc.assert(
      fc.property(
        envelopes,
        fc.array(fc.tuple(fc.constantFrom(...fields), values, fc.boolean()), { minLength: 1, maxLength: 2 }),
        (envelope, changes) => {
          const wire = Codec.decodeUnsafe(EnvelopeWire.encode(envelope)) as Record<string, unknown>
          for (const [field, value, remove] of changes) {
            if (remove) delete wire[field]
            else wire[field] = value
          }
          const bytes = Codec.encode(wire)
          const expected = bySchema(bytes)
          expect(byHand(bytes)).toEqual(expected)
          if (expected === "refused") refused++
          else accepted++
        }
      ),
      { numRuns: 2_000 }
    )
    expect(Math.min(accepted, refused)).toBeGreaterThan(100)
  })

  it("accepts what the schema accepts of bytes that are cut or flipped", () => {
    fc.assert(
      fc.property(envelopes, fc.nat(), fc.nat(), (envelope, at, bit) => {
        const bytes = EnvelopeWire.encode(envelope)
        const flipped = bytes.slice()
        flipped[at % bytes.length]! ^= 1 << (bit % 8)
        for (const bad of [flipped, bytes.subarray(0, at % bytes.length)]) expect(byHand(bad)).toEqual(bySchema(bad))
      }),
      { numRuns: 1_000 }
    )
  })

  it("refuses a map whose key is a map, whose structure is sound", () => {
    const envelope: Envelope.Envelope = {
      version: 1,
      id: { stream: "s", sequence: 0 },
      kind: "tell",
      to: { realm: "local", kind: "counter", name: "a" },
      message: "add",
      payload: 0
    }
    const odd = new Uint8Array([...EnvelopeWire.encode(envelope).subarray(0, -1), 0x81, 0x81, 0xa1, 0x61, 1, 2])
    expect(() => EnvelopeWire.decode(odd)).toThrow(Envelope.EnvelopeMalformed)
  })

  it("gives bytes that stay as they are", () => {
    const envelope = (payload: string): Envelope.Envelope => ({
      version: 1,
      id: { stream: "s", sequence: 0 },
      kind: "tell",
      to: { realm: "local", kind: "counter", name: "a" },
      message: "add",
      payload
    })
    const first = EnvelopeWire.encode(envelope("first"))
    EnvelopeWire.encode(envelope("other"))
    expect(EnvelopeWire.decode(first).payload).toBe("first")
  })

  it("refuses an envelope of one byte more than the limit, on both ways", () => {
    const envelope = (length: number): Envelope.Envelope => ({
      version: 1,
      id: { stream: "s", sequence: 0 },
      kind: "tell",
      to: { realm: "local", kind: "counter", name: "a" },
      message: "add",
      payload: new Uint8Array(length)
    })
    const overhead = EnvelopeWire.encode(envelope(70_000)).length - 70_000
    const largest = EnvelopeWire.encode(envelope(envelopeBytesMax - overhead))
    expect(largest.length).toBe(envelopeBytesMax)
    expect(EnvelopeWire.decode(largest)).toMatchObject({ message: "add" })
    expect(() => EnvelopeWire.encode(envelope(envelopeBytesMax - overhead + 1))).toThrow(Envelope.EnvelopeMalformed)
    expect(() => EnvelopeWire.decode(new Uint8Array(envelopeBytesMax + 1))).toThrow("more than the limit")
  })

  it("refuses a chain of one link more than the limit before it is sent", () => {
    const link = { realm: "local", kind: "counter", name: "a" }
    const envelope = (length: number): Envelope.Envelope => ({
      version: 1,
      id: { stream: "s", sequence: 0 },
      kind: "ask",
      to: link,
      message: "add",
      payload: 1,
      chain: Array.from({ length }, () => link)
    })
    expect(EnvelopeWire.decode(EnvelopeWire.encode(envelope(callChainMax))).chain!.length).toBe(callChainMax)
    expect(() => EnvelopeWire.encode(envelope(callChainMax + 1))).toThrow("wait for each other")
  })

  it("reads more different addresses than it remembers", () => {
    for (let i = 0; i < addressesRememberedMax + 10; i++) {
      const to = { realm: "local", kind: "counter", name: `${i}` }
      const bytes = EnvelopeWire.encode({
        version: 1,
        id: { stream: "s", sequence: i },
        kind: "tell",
        to,
        message: "add",
        payload: 1
      })
      expect(EnvelopeWire.decode(bytes).to).toEqual(to)
    }
  })
})
