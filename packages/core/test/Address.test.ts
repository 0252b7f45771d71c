import { assert, describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Schema } from "effect"
import fc from "fast-check"
import * as Address from "../src/Address.ts"
import { addressBytesMax, addressSegmentBytesMax } from "../src/Limits.ts"

const parseSync = (text: string) => Effect.runSync(Address.parse(text))
const refusal = (text: string) => Effect.runSync(Effect.flip(Address.parse(text)))

const characters = (alphabet: string) => fc.constantFrom(...alphabet)
const lower = "abcdefghijklmnopqrstuvwxyz0123456789"
const label = (first: string, lengthMax: number) =>
  fc
    .tuple(characters(first), fc.string({ unit: characters(`${lower}-`), maxLength: lengthMax - 1 }))
    .map(([head, tail]) => head + tail)
const realms = fc.oneof(fc.constantFrom(Address.localRealm, Address.anyRealm), label(lower, 63))
const kinds = fc.oneof(
  fc.constantFrom("persona", "layer", "module", "service"),
  label("abcdefghijklmnopqrstuvwxyz", 63)
)
const names = fc
  .oneof(
    fc.string({ minLength: 1, maxLength: 80 }),
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }),
    fc.constantFrom("Teacher AI", "100%", "%41", "a/b", "🙂", "👩‍👩‍👧", "..", "?#&=+", "ü", "\u0000")
  )
  .filter((name) => encodeURIComponent(name).length <= addressSegmentBytesMax)

describe("a well-formed address", () => {
  it("comes back from its text, whatever its name holds", () => {
    fc.assert(
      fc.property(realms, kinds, names, (realm, kind, name) => {
        const address = Address.make(kind, name, realm)
        const text = Address.format(address)
        expect(parseSync(text)).toEqual({ realm, kind, name })
        expect(text.length).toBeLessThanOrEqual(addressBytesMax)
        expect(Schema.decodeUnknownSync(Address.FromString)(text)).toEqual(address)
        expect(Schema.encodeSync(Address.FromString)(address)).toBe(text)
      })
    )
  })

  it("has exactly one text, so that equal addresses are equal map keys", () => {
    fc.assert(
      fc.property(fc.tuple(realms, kinds, names), fc.tuple(realms, kinds, names), (a, b) => {
        const [first, second] = [a, b].map(([realm, kind, name]) => Address.format({ realm, kind, name }))
        expect(first === second).toBe(a.every((part, i) => part === b[i]))
      })
    )
  })

  it("is of this node unless a realm is given", () => {
    expect(Address.format(Address.make("persona", "Teacher AI"))).toBe("continuum://local/persona/Teacher%20AI")
  })

  it("holds any of the longest parts", () => {
    const longest = Address.make("k".repeat(63), "n".repeat(255), "r".repeat(63))
    expect(parseSync(Address.format(longest))).toEqual(longest)
  })
})

describe("a malformed address is refused with the part and the reason", () => {
  const good = "continuum://local/counter/cart-42"
  it.each([
    ["", /does not begin with continuum:\/\//],
    ["counter/cart-42", /does not begin/],
    ["Continuum://local/counter/a", /does not begin/],
    ["continuum://", /needs realm, kind and name, and has 1/],
    ["continuum://local/counter", /has 2 of these 3/],
    [`${good}/more`, /has 4 of these 3/],
    ["continuum:///counter/a", /realm "" is not/],
    ["continuum://Local/counter/a", /realm "Local" is not/],
    ["continuum://-x/counter/a", /realm "-x" is not/],
    ["continuum://**/counter/a", /realm "\*\*" is not/],
    [`continuum://${"r".repeat(64)}/counter/a`, /realm "r{64}" is not/],
    ["continuum://local//a", /kind "" must be/],
    ["continuum://local/Counter/a", /kind "Counter" must be/],
    ["continuum://local/1counter/a", /kind "1counter" must be/],
    [`continuum://local/${"k".repeat(64)}/a`, /kind "k{64}" must be/],
    ["continuum://local/counter/", /name is empty/],
    ["continuum://local/counter/100%", /% that is not followed by two hexadecimal digits/],
    ["continuum://local/counter/%ff", /% that is not followed/],
    ["continuum://local/counter/%ed%a0%80", /% that is not followed/],
    ["continuum://local/counter/a b", /must be written a%20b/],
    ["continuum://local/counter/%61", /must be written a$/],
    ["continuum://local/counter/%c3%bc", /must be written %C3%BC/],
    [`continuum://local/counter/${"n".repeat(256)}`, /longer than 255 bytes/],
    [`continuum://local/counter/${"n".repeat(400)}`, /longer than 400 characters/]
  ])("%s", (text, reason) => {
    const error = refusal(text)
    expect(error).toBeInstanceOf(Address.AddressMalformed)
    expect(error.reason).toMatch(reason)
    expect(error.message).toContain("continuum://local/counter/cart-42")
    assert(Exit.isFailure(Schema.decodeUnknownExit(Address.FromString)(text)))
  })

  it("also when a program builds it", () => {
    expect(() => Address.make("Counter", "a")).toThrow(Address.AddressMalformed)
    expect(() => Address.make("counter", "")).toThrow(/name is empty/)
    expect(() => Address.make("counter", "\ud800")).toThrow(/not well-formed Unicode/)
    expect(() => Address.make("counter", "🙂".repeat(22))).toThrow(/longer than 255 bytes/)
    expect(Address.make("counter", "🙂".repeat(21)).name).toBe("🙂".repeat(21))
  })

  it("without keeping a text of any length", () => {
    expect(refusal("x".repeat(1_000_000)).input).toHaveLength(addressBytesMax)
  })

  it("never with anything but AddressMalformed, for any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (a, b) => {
        for (const text of [a, `continuum://${a}`, `continuum://local/counter/${a}`, `continuum://${a}/${b}/x`]) {
          const exit = Effect.runSyncExit(Address.parse(text))
          if (Exit.isSuccess(exit)) expect(Address.format(exit.value)).toBe(text)
          else expect(refusal(text)).toBeInstanceOf(Address.AddressMalformed)
        }
      })
    )
  })
})
