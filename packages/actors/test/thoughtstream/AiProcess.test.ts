import { describe, expect, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import * as AiProcess from "../../src/thoughtstream/AiProcess.ts"

const input = {
  personaId: "6f1c0a52-6f0e-4c8a-9a51-0d6f5b8b2c11",
  priority: 128,
  confidence: 0.5,
  latencyMs: 800,
  costTokens: 300
}
const process = Result.getOrThrow(AiProcess.make(input))
const isRefused = (change: object) => Result.isFailure(AiProcess.make({ ...input, ...change }))

describe("a process", () => {
  it("takes its persona by UUID, and nothing else for one", () => {
    expect(process).toEqual({ ...input, state: "sleeping" })
    expect(isRefused({ personaId: "ada" })).toBe(true)
  })

  it("has a priority from 0 to 255: what is beyond is cut off at both ends", () => {
    const priorities = [-1, 0, 255, 256, 1e9, 127.6].map((priority) => AiProcess.make({ ...input, priority }))
    expect(priorities.map((made) => Result.getOrThrow(made).priority)).toEqual([0, 0, 255, 255, 255, 128])
    expect(isRefused({ priority: Number.NaN })).toBe(true)
  })

  it("has a confidence from 0 to 1, and a latency and a cost above 0", () => {
    expect([0, 1].map((confidence) => isRefused({ confidence }))).toEqual([false, false])
    expect([-0.001, 1.001, Number.NaN].map((confidence) => isRefused({ confidence }))).toEqual([true, true, true])
    expect([0, -1, Number.POSITIVE_INFINITY].map((latencyMs) => isRefused({ latencyMs }))).toEqual([true, true, true])
    expect(isRefused({ costTokens: 0 })).toBe(true)
  })

  it("changes its state only along the arrows, whatever is tried", () => {
    const states = AiProcess.State.literals
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...states), { maxLength: 50 }), (tried) => {
        let current = process
        for (const to of tried) {
          const next = AiProcess.transition(current, to)
          if (AiProcess.transitions[current.state].includes(to)) {
            current = Result.getOrThrow(next)
            expect(current.state).toBe(to)
          } else {
            expect(Result.isFailure(next) && next.failure._tag).toBe("TransitionIllegal")
          }
        }
      })
    )
    const illegal = states.flatMap((from) =>
      states.filter((to) => !AiProcess.transitions[from].includes(to)).map((to) => `${from} to ${to}`)
    )
    expect(illegal).toEqual([
      "ready to ready",
      "ready to blocked",
      "running to running",
      "blocked to running",
      "blocked to blocked",
      "sleeping to running",
      "sleeping to blocked",
      "sleeping to sleeping"
    ])
  })

  it("says where it could go instead", () => {
    const failure = AiProcess.transition(process, "running")
    expect(Result.isFailure(failure) && failure.failure.message).toContain("from sleeping it can go to: ready")
  })

  it("moves its latency and cost a fifth of the way to what was measured", () => {
    expect(AiProcess.measured(process, 1_800, 0)).toMatchObject({ latencyMs: 1_000, costTokens: 240.2 })
  })
})
