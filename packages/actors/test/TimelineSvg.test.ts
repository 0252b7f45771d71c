import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { type Bar, draw } from "../src/TimelineSvg.ts"

const bar = (row: string, fromMs: number, toMs: number, waitedMs = 0): Bar => ({
  row,
  fromMs,
  toMs,
  waitedMs,
  color: "#000",
  title: `${row} ${fromMs}`
})

const rects = (svg: string) =>
  [...svg.matchAll(/<rect x="([\d.]+)" y="(\d+)" width="([\d.]+)" height="14"/g)].map((found) => {
    const [x, y, width] = found.slice(1).map(Number)
    return { x: x!, y: y!, width: width! }
  })

describe("a timeline", () => {
  it("gives what overlaps lanes of its own, and the row below begins under them", () => {
    const svg = draw({ bars: [bar("a", 0, 10), bar("a", 5, 15), bar("a", 10, 20), bar("b", 0, 20)], legend: {} })
    expect(rects(svg).map(({ y }) => y)).toEqual([4, 24, 4, 44])
    expect(svg).toContain("2 at once")
  })

  it("draws waiting before the bar, and counts it as time of its lane", () => {
    const svg = draw({ bars: [bar("a", 0, 10), bar("a", 10, 20, 5)], legend: {} })
    expect(rects(svg).map(({ y }) => y)).toEqual([4, 24])
    expect(svg).toMatch(/<line x1="395.0" y1="31" x2="620.0"/)
  })

  it("marks moments, also of a row without a bar, and escapes what people wrote", () => {
    const svg = draw({ bars: [], marks: [{ row: "<b>", atMs: 3, title: "a & b" }], legend: { "x<y": "#fff" } })
    expect(svg).toContain("<title>a &amp; b</title>")
    expect(svg).toContain("&lt;b&gt;")
    expect(svg).not.toContain("<b>")
    expect(svg).not.toContain("NaN")
  })

  it("never draws two bars over each other, and nothing beside the picture", () => {
    const bars = fc.array(
      fc.record({
        row: fc.constantFrom("a", "b", "c"),
        fromMs: fc.integer({ min: 0, max: 100 }),
        ms: fc.integer({ min: 2, max: 50 }),
        waitedMs: fc.integer({ min: 0, max: 30 })
      }),
      { minLength: 1, maxLength: 40 }
    )
    fc.assert(
      fc.property(bars, (some) => {
        const drawn = rects(
          draw({ bars: some.map((one) => bar(one.row, one.fromMs, one.fromMs + one.ms, one.waitedMs)), legend: {} })
        )
        expect(drawn).toHaveLength(some.length)
        for (const [i, one] of drawn.entries()) {
          expect(one.x).toBeGreaterThanOrEqual(170)
          expect(one.x + one.width).toBeLessThanOrEqual(1_070.2)
          for (const other of drawn.slice(i + 1)) {
            if (other.y !== one.y) continue
            expect(one.x + one.width <= other.x + 0.2 || other.x + other.width <= one.x + 0.2).toBe(true)
          }
        }
      })
    )
  })
})
