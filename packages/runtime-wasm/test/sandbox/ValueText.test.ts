import * as ValueText from "@continuum/runtime-wasm/sandbox/ValueText"
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"

const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.double(),
    fc.constantFrom(-0, NaN, Infinity, -Infinity, 2 ** 53),
    fc.string({ unit: "binary" }),
    fc.boolean(),
    fc.constant(null),
    fc.bigInt(),
    fc.uint8Array().map((bytes) => Uint8Array.from(bytes)),
    fc.array(tie("value")),
    fc.dictionary(fc.oneof(fc.string(), fc.constantFrom("$", "__proto__", "toString")), tie("value"))
  )
})).value

/** Equality that tells -0 from 0 and takes prototypes of dictionaries as one. */
const same = (a: unknown, b: unknown): boolean => {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return Object.is(a, b)
  const [left, right] = [Object.entries(a), Object.entries(b)]
  return (
    Array.isArray(a) === Array.isArray(b) &&
    a instanceof Uint8Array === b instanceof Uint8Array &&
    left.length === right.length &&
    left.every(([key, value]) => Object.hasOwn(b, key) && same(value, (b as Record<string, unknown>)[key]))
  )
}

describe("ValueText", () => {
  it("gives every plain value back as it was", () => {
    fc.assert(
      fc.property(plain, (value) => {
        assert.isTrue(same(ValueText.decode(ValueText.encode(value)), value))
      }),
      { numRuns: 500 }
    )
  })

  it("says why a value cannot cross", () => {
    assert.isUndefined(ValueText.problemOf({ a: [1, "b", null, new Uint8Array(3)] }, 1000))
    assert.match(ValueText.problemOf(new Map(), 1000)!, /no plain data/)
    assert.match(ValueText.problemOf([() => 1], 1000)!, /function/)
    assert.match(ValueText.problemOf("x".repeat(1000), 1000)!, /more than 1000/)
    assert.isUndefined(ValueText.problemOf("x".repeat(998), 1000))
    let deep: unknown = 1
    for (let level = 0; level < 64; level++) deep = [deep]
    assert.isUndefined(ValueText.problemOf(deep, 1000))
    assert.match(ValueText.problemOf([deep], 1000)!, /deeper than 64/)
    const cycle: { self?: unknown } = {}
    cycle.self = cycle
    assert.match(ValueText.problemOf(cycle, 1_000_000)!, /deeper than 64/)
  })
})
