import { payloadDepthMax } from "@continuum/core/Limits"
import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import * as PlainData from "../../src/abi/PlainData.ts"
import { RunFailed } from "../../src/JitError.ts"

const nested = (depth: number): unknown => {
  let value: unknown = 1
  for (let at = 0; at < depth; at++) value = at % 2 === 0 ? [value] : { a: value }
  return value
}

describe("PlainData", () => {
  it("reads the numbers that JSON lacks by their names, and no other text", () => {
    expect(PlainData.number(1.5)).toBe(1.5)
    expect(PlainData.number("NaN")).toBeNaN()
    expect(PlainData.number("Infinity")).toBe(Infinity)
    expect(PlainData.number("-Infinity")).toBe(-Infinity)
    for (const other of ["1", "", "nan", "+Infinity", "toString", "__proto__", null, true, [1], undefined, 1n]) {
      expect(PlainData.number(other)).toBeUndefined()
    }
  })

  it("gives JSON back as it is", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        expect(PlainData.fault(value)).toBeUndefined()
        expect(PlainData.toJson(value)).toEqual(value)
      })
    )
  })

  it("writes what JSON lacks: numbers by name, large integers as text, bytes as numbers", () => {
    const value = {
      a: [Number.NaN, Infinity, -Infinity, -0],
      b: 9007199254740991n,
      c: -9007199254740992n,
      d: Uint8Array.of(1, 255)
    }
    expect(PlainData.toJson(value)).toEqual({
      a: ["NaN", "Infinity", "-Infinity", -0],
      b: 9007199254740991,
      c: "-9007199254740992",
      d: [1, 255]
    })
  })

  it("keeps a key that is special to JavaScript a key", () => {
    const value = JSON.parse('{"__proto__": {"a": 1}}') as unknown
    expect(JSON.stringify(PlainData.toJson(value))).toBe('{"__proto__":{"a":1}}')
  })

  it("refuses what is no plain data, wherever it is", () => {
    for (const other of [
      undefined,
      () => 1,
      Symbol("a"),
      new Date(0),
      new Map(),
      new Float64Array(1),
      /a/,
      new Error("a")
    ]) {
      expect(PlainData.fault(other)).toBeDefined()
      expect(PlainData.fault({ a: [1, other] })).toBeDefined()
      expect(() => PlainData.toJson([other])).toThrow(RunFailed)
    }
  })

  it("refuses what is nested too deep, a cycle too, and accepts the limit", () => {
    expect(PlainData.fault(nested(payloadDepthMax))).toBeUndefined()
    expect(PlainData.fault(nested(payloadDepthMax + 1))).toBe(`it is nested deeper than ${payloadDepthMax}`)
    const cycle: Array<unknown> = []
    cycle.push(cycle)
    expect(PlainData.fault(cycle)).toBe(`it is nested deeper than ${payloadDepthMax}`)
  })
})
