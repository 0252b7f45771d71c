import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { ageBoost, effectivePriority, topAfterMs } from "../../src/thoughtstream/Ageing.ts"
import type { AiProcess } from "../../src/thoughtstream/AiProcess.ts"

describe("ageing", () => {
  it("adds one for each second ready, and stops at 255", () => {
    expect([0, 1_000, 2_500].map((ms) => effectivePriority(100, ms))).toEqual([100, 101, 102.5])
    expect([154_999, 155_000, 155_001, 1e12].map((ms) => effectivePriority(100, ms))).toEqual([254.999, 255, 255, 255])
    expect(effectivePriority(255, 5_000)).toBe(255)
  })

  it("does not count time before it was ready", () => {
    expect(effectivePriority(100, -5_000)).toBe(100)
  })

  it("is computed anew and never added up: however often it is asked, it says the same", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 1e6 }), (priority, ms) => {
        const process = { priority } as AiProcess
        const once = ageBoost(process, 0, ms)
        for (let at = 0; at < ms; at += 50_000) ageBoost(process, 0, at)
        expect(ageBoost(process, 0, ms)).toBe(once)
        expect(process.priority).toBe(priority)
      })
    )
  })

  it("says after which time nobody has a higher priority", () => {
    for (const priority of [0, 100, 255]) {
      expect(effectivePriority(priority, topAfterMs(priority))).toBe(255)
      if (priority < 255) expect(effectivePriority(priority, topAfterMs(priority) - 1)).toBeLessThan(255)
    }
  })
})
