import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { run } from "./Simulation.ts"

describe("a network of honest, lying, slow, silent and vanishing nodes, at length", () => {
  it.effect(
    "brings what an honest node has, never anything false, and always ends (300 seeds)",
    () =>
      Effect.forEach(
        Array.from({ length: 300 }, (_, i) => 1_000 + i),
        run,
        { discard: true }
      ),
    { timeout: 1_800_000 }
  )
})
