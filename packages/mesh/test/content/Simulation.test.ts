import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { run } from "./Simulation.ts"

describe("a network of honest, lying, slow, silent and vanishing nodes", () => {
  it.effect("brings what an honest node has, never anything false, and always ends (25 seeds)", () =>
    Effect.forEach(
      Array.from({ length: 25 }, (_, seed) => seed),
      run,
      { discard: true }
    )
  )
})
