import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as Score from "../../src/thoughtstream/Score.ts"

const rated = (confidence: number, latencyMs = 2_000, costTokens = 500) => ({ confidence, latencyMs, costTokens })

describe("the score", () => {
  it("of mode seed is confidence * 0.5 + (1 / latency) * 0.3 + (1 / cost) * 0.2, exactly", () => {
    expect(Score.seed(rated(0.9))).toBe(0.9 * 0.5 + (1 / 2_000) * 0.3 + (1 / 500) * 0.2)
    expect(Score.seed(rated(1, 1, 1))).toBe(1)
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 1, max: 1e6, noNaN: true }),
        fc.double({ min: 1, max: 1e6, noNaN: true }),
        (confidence, latency, cost) => {
          expect(Score.of("seed", rated(confidence, latency, cost), 255)).toBe(
            confidence * 0.5 + (1 / latency) * 0.3 + (1 / cost) * 0.2
          )
        }
      )
    )
  })

  it("of the default mode gives half of a term at its reference, and all of it at best", () => {
    expect(Score.normalized(rated(0, Score.latencyMsReference, 1e15), 0)).toBeCloseTo(0.15, 10)
    expect(Score.normalized(rated(0, 1e15, Score.costTokensReference), 0)).toBeCloseTo(0.1, 10)
    expect(Score.normalized(rated(1, 1e-9, 1e-9), 255)).toBeCloseTo(1.2, 10)
  })

  it("of the default mode is not blind to latency and cost, as the seed's is with milliseconds and tokens", () => {
    const [sure, prompt] = [rated(0.9, 20_000, 5_000), rated(0.8, 200, 100)]
    expect(Score.seed(sure)).toBeGreaterThan(Score.seed(prompt))
    expect(Score.normalized(prompt, 128)).toBeGreaterThan(Score.normalized(sure, 128))
  })

  it("of the default mode rises with confidence and priority, and falls with latency and cost", () => {
    const base = Score.normalized(rated(0.5), 100)
    expect(Score.normalized(rated(0.51), 100)).toBeGreaterThan(base)
    expect(Score.normalized(rated(0.5), 101)).toBeGreaterThan(base)
    expect(Score.normalized(rated(0.5, 2_001), 100)).toBeLessThan(base)
    expect(Score.normalized(rated(0.5, 2_000, 501), 100)).toBeLessThan(base)
  })

  it("decides between Helper 0.3, Teacher 0.4 and Coder 0.9 for Coder, in both modes", () => {
    for (const mode of ["seed", "normalized"] as const) {
      const scores = [0.3, 0.4, 0.9].map((confidence) => Score.of(mode, rated(confidence), 128))
      expect(scores.indexOf(Math.max(...scores))).toBe(2)
    }
  })
})

describe("the order of bids", () => {
  const bid = { score: 0.5, effectivePriority: 100, readySinceMs: 10, personaId: "b" }
  const order = (...bids: ReadonlyArray<Score.Scored>) =>
    [...bids].sort(Score.compare).map(({ personaId }) => personaId)

  it("is by score, then priority, then time ready, then identifier", () => {
    expect(order(bid, { ...bid, personaId: "c", score: 0.51 })).toEqual(["c", "b"])
    expect(order(bid, { ...bid, personaId: "c", effectivePriority: 101 })).toEqual(["c", "b"])
    expect(order(bid, { ...bid, personaId: "c", readySinceMs: 9 })).toEqual(["c", "b"])
    expect(order(bid, { ...bid, personaId: "c" }, { ...bid, personaId: "a" })).toEqual(["a", "b", "c"])
  })

  it("does not depend on the order in which they came", () => {
    const bids = fc.array(
      fc.record({
        personaId: fc.constantFrom("a", "b", "c", "d"),
        score: fc.constantFrom(0.1, 0.2),
        effectivePriority: fc.constantFrom(1, 2),
        readySinceMs: fc.constantFrom(0, 1)
      }),
      { maxLength: 8 }
    )
    fc.assert(
      fc.property(bids, (bids) => {
        const keys = (some: ReadonlyArray<Score.Scored>) =>
          [...some].sort(Score.compare).map((one) => JSON.stringify(one))
        expect(keys(bids.toReversed())).toEqual(keys(bids))
      })
    )
  })
})
