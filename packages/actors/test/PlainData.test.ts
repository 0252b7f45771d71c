import { describe, expect, it } from "@effect/vitest"
import { payloadDepthMax } from "@continuum/core/Limits"
import * as Codec from "@continuum/core/Codec"
import * as fc from "fast-check"
import * as PlainData from "../src/PlainData.ts"

const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)])

const withoutMinusZero = (value: unknown): unknown =>
  value === 0
    ? 0
    : Array.isArray(value)
      ? value.map(withoutMinusZero)
      : typeof value === "object" && value !== null && !(value instanceof Uint8Array)
        ? Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withoutMinusZero(part)]))
        : value

describe("plain data", () => {
  it("is what comes back unchanged from its bytes", () => {
    const anything = fc.anything({
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withObjectString: true,
      withTypedArray: true,
      maxDepth: 4
    })
    fc.assert(
      fc.property(anything, (value) => {
        const problem = PlainData.problemOf(value)
        expect(PlainData.isPlain(value)).toBe(problem === undefined)
        if (problem !== undefined) return
        expect(withoutMinusZero(Codec.decodeUnsafe(Codec.encode(value)))).toEqual(withoutMinusZero(value))
      }),
      { numRuns: 500 }
    )
  })

  it("is refused with the place and the reason", () => {
    const problems: ReadonlyArray<readonly [unknown, string]> = [
      [() => 1, "value is a function"],
      [Symbol("s"), "value is a symbol"],
      [{ items: [1, new Map()] }, "value.items[1] is a Map, not a plain object"],
      [{ when: new Date(0) }, "value.when is a Date, not a plain object"],
      [
        [
          new (class Cart {
            items = 0
          })()
        ],
        "value[0] is a Cart, not a plain object"
      ],
      [2n ** 64n, "value is a bigint of more than 64 bits"],
      [{ text: "\ud800" }, "value.text is not well-formed Unicode"],
      [JSON.parse('{"a":{"__proto__":1}}'), 'value.a has a property named "__proto__"'],
      [{ toJSON: 1 }, 'value has a property named "toJSON"'],
      [nested(payloadDepthMax + 1), `is nested more than ${payloadDepthMax} deep`]
    ]
    for (const [value, problem] of problems) {
      expect(PlainData.problemOf(value)).toContain(problem)
      expect(PlainData.isPlain(value), problem).toBe(false)
    }
    const cycle: { self?: unknown } = {}
    cycle.self = cycle
    expect(PlainData.problemOf(cycle)).toContain("or in a cycle")
    expect(PlainData.problemOf(nested(payloadDepthMax))).toBeUndefined()
    expect(
      PlainData.problemOf({ a: [null, undefined, true, 1.5, "x", 1n, new Uint8Array(3), { b: [] }] })
    ).toBeUndefined()
  })
})

describe("an excerpt", () => {
  it("is the value where it is plain and small", () => {
    const value = { a: [1, "two", null, { three: true }] }
    expect(PlainData.excerpt(value, 1_000)).toEqual(value)
  })

  it("describes what is not plain, and cuts off what is too much", () => {
    const value = { map: new Map(), bytes: new Uint8Array(9), run: () => 1, big: 1n, date: new Date(0) }
    expect(PlainData.excerpt(value, 1_000)).toEqual({
      map: "(a Map)",
      bytes: "(9 bytes)",
      run: "(function)",
      big: "1n",
      date: "(a Date)"
    })
    expect(PlainData.excerpt("x".repeat(100), 18)).toBe(`${"x".repeat(10)}... (100 characters)`)
    const list = PlainData.excerpt(
      Array.from({ length: 1_000 }, (_, i) => i),
      80
    ) as Array<unknown>
    expect(list.at(-1)).toBe(`... (${1_000 - (list.length - 1)} more)`)
    expect(list.length).toBeLessThan(15)
    const keys = PlainData.excerpt(
      Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`key${i}`, i])),
      80
    ) as object
    expect(Object.keys(keys).at(-1)).toBe("...")
    const cycle: { self?: unknown } = {}
    cycle.self = cycle
    expect(JSON.stringify(PlainData.excerpt(cycle, 100_000))).toContain("(cut off)")
  })
})
