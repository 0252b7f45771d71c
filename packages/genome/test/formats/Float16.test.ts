import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import * as Float16 from "../../src/formats/Float16.ts"

const bitsOf = (x: number) => new Uint32Array(Float32Array.of(x).buffer)[0]!
const numberOf = (bits: number) => new Float32Array(Uint32Array.of(bits).buffer)[0]!

/** The value of a small float by its definition (IEEE 754-2019, 3.4), in doubles, which hold it exactly. */
const valueOf = (bits: number, exponentBits: number, fractionBits: number): number => {
  const sign = bits >>> (exponentBits + fractionBits) ? -1 : 1
  const exponent = (bits >>> fractionBits) & (2 ** exponentBits - 1)
  const fraction = (bits & (2 ** fractionBits - 1)) / 2 ** fractionBits
  const bias = 2 ** (exponentBits - 1) - 1
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Infinity : NaN
  return sign * (exponent === 0 ? fraction * 2 ** (1 - bias) : (1 + fraction) * 2 ** (exponent - bias))
}

const formats = [
  { name: "F16", exponentBits: 5, fractionBits: 10, widen: Float16.widenF16, narrow: Float16.narrowF16, quiet: 0x200 },
  { name: "BF16", exponentBits: 8, fractionBits: 7, widen: Float16.widenBF16, narrow: Float16.narrowBF16, quiet: 0x40 }
] as const

describe.each(formats)("$name", ({ exponentBits, fractionBits, widen, narrow, quiet }) => {
  const everyPattern = Array.from({ length: 0x10000 }, (_, bits) => bits)
  const value = (bits: number) => valueOf(bits, exponentBits, fractionBits)

  it("widens each of its 65,536 patterns to exactly its value", () => {
    for (const bits of everyPattern) expect(numberOf(widen(bits)), `${bits}`).toBe(value(bits))
  })

  it("comes back from binary32 as the same pattern, NaN with its sign and payload, made quiet", () => {
    for (const bits of everyPattern) {
      expect(narrow(widen(bits)), `${bits}`).toBe(Number.isNaN(value(bits)) ? bits | quiet : bits)
    }
  })

  /** The positive finite values in order: a pattern is its index. */
  const positives = everyPattern.slice(0, (2 ** exponentBits - 1) << fractionBits).map(value)
  const largest = positives.at(-1)!
  const step = largest - positives.at(-2)!

  /** The nearest pattern by search: ties to the even one; half a step above the largest rounds away to infinity. */
  const nearest = (x: number): number => {
    const magnitude = Math.abs(x)
    const sign = Object.is(x, -0) || x < 0 ? 0x8000 : 0
    if (magnitude >= largest + step / 2) return sign | positives.length
    let low = 0
    let high = positives.length - 1
    while (high - low > 1) {
      const middle = (low + high) >>> 1
      if (positives[middle]! <= magnitude) low = middle
      else high = middle
    }
    const [below, above] = [magnitude - positives[low]!, positives[high]! - magnitude]
    return sign | (below < above || (below === above && low % 2 === 0) ? low : high)
  }

  it("rounds any binary32 to the nearest, ties to even, subnormals and overflow included", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), (bits) => {
        const x = numberOf(bits)
        if (!Number.isNaN(x)) expect(narrow(bits), `${x}`).toBe(nearest(x))
      }),
      { numRuns: 5000 }
    )
    fc.assert(
      fc.property(fc.float({ noNaN: true, min: -70_000, max: 70_000 }), (x) => {
        expect(narrow(bitsOf(x)), `${x}`).toBe(nearest(x))
      }),
      { numRuns: 5000 }
    )
  })

  it("rounds the middle between any two neighbours to the even one, and its neighbours in binary32 away from it", () => {
    for (let low = 0; low < positives.length - 1; low += 7) {
      const middle = bitsOf((positives[low]! + positives[low + 1]!) / 2)
      expect(narrow(middle), `${low}`).toBe(low % 2 === 0 ? low : low + 1)
      expect(narrow(middle - 1), `${low}`).toBe(low)
      expect(narrow(middle + 1), `${low}`).toBe(low + 1)
    }
  })

  it("keeps a NaN a NaN, whatever its payload, and zeros and infinities their sign", () => {
    for (const bits of [0x7f800001, 0x7fc00000, 0xff800001, 0xffffffff, 0x7f80ffff]) {
      expect(Number.isNaN(value(narrow(bits))), bits.toString(16)).toBe(true)
      expect(narrow(bits) >>> 15).toBe(bits >>> 31)
    }
    expect([0, -0, Infinity, -Infinity].map((x) => value(narrow(bitsOf(x))))).toEqual([0, -0, Infinity, -Infinity])
  })
})
