import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { judge } from "../support/Judge.ts"
import * as Programs from "../support/Programs.ts"

const argument = fc.integer({ min: -5, max: 9 })

describe("Segments", () => {
  it("charge exactly the instructions that a program executes, whatever its control flow", () => {
    const seen = new Map<string, number>()
    fc.assert(
      fc.property(Programs.program, argument, argument, (program, left, right) => {
        const kind = judge(program, left, right)
        seen.set(kind, (seen.get(kind) ?? 0) + 1)
      }),
      { numRuns: 1000 }
    )
    for (const kind of ["value", "trap", "over"]) expect(seen.get(kind) ?? 0).toBeGreaterThan(0)
  })
})
