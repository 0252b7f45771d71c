import { describe, expect, it } from "@effect/vitest"
import * as Simulation from "../../src/testing/Simulation.ts"
import { programs } from "../simulation/Programs.ts"

// A hundred thousand in all. `tools/simulate.ts` runs as many as one likes.
const seedsEach = Math.ceil(100_000 / programs.length)

describe("the actor runtime", () => {
  for (const { name, run, ...faults } of programs) {
    it(`keeps its promises in many simulations of ${name}`, async () => {
      expect(await Simulation.check({ seeds: Simulation.seedsFrom(1_000_000, seedsEach), ...faults }, run)).toBe(
        seedsEach
      )
    })
  }
})
