import * as StopText from "@continuum/genome/model/StopText"
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"

describe("StopText", () => {
  it("finds a text that comes in pieces, and shows nothing of it", () => {
    const stop = StopText.make(["END", "--"])
    assert.deepStrictEqual(stop.push("abE"), { text: "ab", stopped: false })
    assert.deepStrictEqual(stop.push("N"), { text: "", stopped: false })
    assert.deepStrictEqual(stop.push("Dx"), { text: "", stopped: true })
  })

  it("shows what turned out to be none, and the rest at the end", () => {
    const stop = StopText.make(["END"])
    assert.deepStrictEqual(stop.push("EN"), { text: "", stopped: false })
    assert.deepStrictEqual(stop.push("ENx"), { text: "ENENx", stopped: false })
    assert.deepStrictEqual(stop.push("E"), { text: "", stopped: false })
    assert.strictEqual(stop.end(), "E")
    assert.deepStrictEqual(StopText.make([]).push("all"), { text: "all", stopped: false })
  })

  it("however a text is cut into pieces, what is shown is what stands before the first stop text", () => {
    const letters = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 40 })
    const stops = fc.array(fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 4 }), {
      maxLength: 3
    })
    fc.assert(
      fc.property(letters, stops, (pieces, stops) => {
        const stop = StopText.make(stops)
        let shown = ""
        let stopped = false
        for (const piece of pieces) {
          if (stopped) break
          const result = stop.push(piece)
          shown += result.text
          stopped = result.stopped
        }
        if (!stopped) shown += stop.end()
        // Letter by letter, the first stop text is the one that is complete first.
        const whole = pieces.join("")
        const ends = stops.flatMap((text) => (whole.includes(text) ? [whole.indexOf(text) + text.length] : []))
        const first = Math.min(...ends)
        const begins = stops.flatMap((text) => {
          const at = whole.indexOf(text)
          return at >= 0 && at + text.length === first ? [at] : []
        })
        assert.strictEqual(shown, ends.length === 0 ? whole : whole.slice(0, Math.min(...begins)))
      })
    )
  })
})
