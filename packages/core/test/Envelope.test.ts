import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import fc from "fast-check"
import * as Address from "../src/Address.ts"
import * as Codec from "../src/Codec.ts"
import * as Envelope from "../src/Envelope.ts"
import { callChainMax, envelopeBytesMax, payloadDepthMax } from "../src/Limits.ts"

const encodeSync = (envelope: Envelope.Envelope) => Effect.runSync(Envelope.encode(envelope))
const decodeSync = (bytes: Uint8Array) => Effect.runSync(Envelope.decode(bytes))
const refusal = (bytes: Uint8Array) => Effect.runSync(Effect.flip(Envelope.decode(bytes)))

const minimal: Envelope.Envelope = {
  version: 1,
  id: { stream: "s", sequence: 0 },
  kind: "tell",
  to: Address.make("counter", "cart-42"),
  message: "add",
  payload: null
}
const full: Envelope.Envelope = {
  ...minimal,
  kind: "ask",
  from: Address.make("persona", "Teacher AI"),
  payload: { n: 1, tags: ["a"], bytes: new Uint8Array([1, 2]) },
  deadlineMs: 1500.5,
  chain: [Address.make("persona", "a"), Address.make("persona", "b")],
  traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
}
/** The envelope as it is on the wire, with some fields changed; `undefined` removes one. */
const wireWith = (changes: Record<string, unknown>) => {
  const wire: Record<string, unknown> = { ...(Effect.runSync(Codec.decode(encodeSync(full))) as object), ...changes }
  for (const [name, value] of Object.entries(changes)) if (value === undefined) delete wire[name]
  return Codec.encode(wire)
}

describe("an envelope", () => {
  it("comes back as it was, with all fields or only the needed ones", () => {
    for (const envelope of [minimal, full]) expect(decodeSync(encodeSync(envelope))).toEqual(envelope)
    expect("deadlineMs" in decodeSync(encodeSync(minimal))).toBe(false)
  })

  it("carries any payload of plain data", () => {
    fc.assert(
      fc.property(
        fc.jsonValue().filter((value) => !JSON.stringify(value).includes("__proto__")),
        fc.nat(),
        (payload, sequence) => {
          const envelope = { ...minimal, id: { stream: "s", sequence }, payload }
          const decoded = decodeSync(encodeSync(envelope))
          expect(decoded.id.sequence).toBe(sequence)
          expect(Codec.encode(decoded.payload)).toEqual(Codec.encode(payload))
        }
      )
    )
  })

  it("holds addresses as their text on the wire", () => {
    const wire = Effect.runSync(Codec.decode(encodeSync(full))) as Record<string, unknown>
    expect(wire.to).toBe("continuum://local/counter/cart-42")
    expect(wire.chain).toEqual(["continuum://local/persona/a", "continuum://local/persona/b"])
  })

  it("passes unknown fields by, so that a later version can add some", () => {
    expect(decodeSync(wireWith({ later: 1 }))).toEqual(full)
  })
})

describe("bytes that are no envelope are refused with the field that is wrong", () => {
  const chainOf = (length: number) => Array.from({ length }, (_, i) => `continuum://local/persona/${i}`)
  const wrong: ReadonlyArray<readonly [field: string, change: Record<string, unknown>]> = [
    ["version", { version: 2 }],
    ["version", { version: undefined }],
    ["id", { id: undefined }],
    ["stream", { id: { stream: "", sequence: 0 } }],
    ["sequence", { id: { stream: "s", sequence: -1 } }],
    ["sequence", { id: { stream: "s", sequence: 0.5 } }],
    ["sequence", { id: { stream: "s", sequence: 5n } }],
    ["kind", { kind: "shout" }],
    ["to", { to: undefined }],
    ["to", { to: "counter/cart-42" }],
    ["to", { to: { realm: "local", kind: "counter", name: "a" } }],
    ["from", { from: "continuum://local/counter" }],
    ["message", { message: "" }],
    ["message", { message: 7 }],
    ["payload", { payload: undefined }],
    ["deadlineMs", { deadlineMs: -1 }],
    ["deadlineMs", { deadlineMs: NaN }],
    ["deadlineMs", { deadlineMs: "soon" }],
    ["chain", { chain: ["x"] }],
    ["chain", { chain: chainOf(callChainMax + 1) }],
    ["traceparent", { traceparent: "x".repeat(65) }]
  ]
  for (const [i, [field, change]] of wrong.entries()) {
    it(`${field}, case ${i + 1}`, () => {
      const error = refusal(wireWith(change))
      expect(error).toBeInstanceOf(Envelope.EnvelopeMalformed)
      expect(error.reason).toContain(field)
    })
  }

  it("but not at the edge of a limit", () => {
    expect(decodeSync(wireWith({ chain: chainOf(callChainMax) })).chain).toHaveLength(callChainMax)
    expect(decodeSync(wireWith({ traceparent: "x".repeat(64) })).traceparent).toHaveLength(64)
    expect(decodeSync(wireWith({ deadlineMs: 0 })).deadlineMs).toBe(0)
  })

  it("and so are other bytes, whatever they are", () => {
    for (const value of [null, 1, "x", [], {}, [full]]) expect(refusal(Codec.encode(value))).toBeDefined()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(refusal(bytes)).toBeInstanceOf(Envelope.EnvelopeMalformed)
      })
    )
  })

  it("and so is every envelope with one byte changed, or it is a whole other envelope", () => {
    const bytes = encodeSync(full)
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice()
      changed[at]! ^= 0x20
      const exit = Effect.runSyncExit(Envelope.decode(changed))
      if (Exit.isSuccess(exit)) expect(encodeSync(exit.value)).toBeDefined()
      else expect(refusal(changed)).toBeInstanceOf(Envelope.EnvelopeMalformed)
    }
  })
})

describe("the limits", () => {
  /** An envelope whose bytes are exactly so many. */
  const ofSize = (size: number) => {
    const overhead = encodeSync({ ...minimal, payload: new Uint8Array(100_000) }).length - 100_000
    return { ...minimal, payload: new Uint8Array(size - overhead) }
  }

  it("let an envelope of the largest size pass both ways, and refuse one byte more at the sender", () => {
    const largest = encodeSync(ofSize(envelopeBytesMax))
    expect(largest).toHaveLength(envelopeBytesMax)
    expect((decodeSync(largest).payload as Uint8Array).length).toBeGreaterThan(envelopeBytesMax - 200)
    const error = Effect.runSync(Effect.flip(Envelope.encode(ofSize(envelopeBytesMax + 1))))
    expect(error.reason).toBe(`${envelopeBytesMax + 1} bytes are more than the limit of ${envelopeBytesMax}`)
  })

  it("refuse more bytes than the limit before they are read", () => {
    expect(refusal(new Uint8Array(envelopeBytesMax + 1)).reason).toContain("more than the limit")
  })

  it("refuse at the sender what the receiver would refuse or could not get", () => {
    let deep: unknown = 1
    for (let i = 0; i < payloadDepthMax; i++) deep = [deep]
    const cycle: Record<string, unknown> = {}
    cycle.self = cycle
    for (const payload of [deep, cycle, Symbol("x"), 2n ** 70n]) {
      const error = Effect.runSync(Effect.flip(Envelope.encode({ ...minimal, payload })))
      expect(error).toBeInstanceOf(Envelope.EnvelopeMalformed)
      expect(error.message).toContain("not an envelope")
    }
    expect(decodeSync(encodeSync({ ...minimal, payload: (deep as Array<unknown>)[0] }))).toBeDefined()
  })
})
