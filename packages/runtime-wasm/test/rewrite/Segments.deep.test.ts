import { describe, it } from "@effect/vitest"
import fc from "fast-check"
import { judge } from "../support/Judge.ts"
import * as Programs from "../support/Programs.ts"

const argument = fc.integer({ min: -5, max: 9 })

describe("Segments, at length", () => {
  it("charge exactly the instructions that 20,000 programs execute", { timeout: 600_000 }, () => {
    fc.assert(
      fc.property(Programs.program, argument, argument, (program, left, right) => void judge(program, left, right)),
      { numRuns: 20_000 }
    )
  })
})
