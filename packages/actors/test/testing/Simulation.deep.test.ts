import { describe, expect, it } from "@effect/vitest"
import { checkProgram, programs } from "../simulation/Programs.ts"

// A hundred thousand in all. `tools/simulate.ts` runs as many as one likes.
const seedsEach = Math.ceil(100_000 / programs.length)

describe("the actor runtime", () => {
  for (const program of programs) {
    it(`keeps its promises in many simulations of ${program.name}`, async () => {
      expect(await checkProgram(program, 1_000_000, seedsEach)).toBe(seedsEach)
    })
  }
})
