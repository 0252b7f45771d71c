import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as Limits from "../src/Limits.ts"
import * as SupervisionStrategy from "../src/SupervisionStrategy.ts"
import * as Supervisor from "../src/Supervisor.ts"

const strategy = SupervisionStrategy.make({
  intensity: 3,
  period: "10 seconds",
  backoffMin: 100,
  backoffMax: "1 second",
  jitter: 0
})
const failedAt = (timeMs: number) => ({ timeMs, messageName: "add", cause: "Error: no\n    at somewhere" })

describe("a supervisor", () => {
  it("restarts with a wait that doubles up to its limit, and stops at one failure too many in a period", () => {
    const history = Supervisor.makeHistory()
    expect(Supervisor.ended(strategy, history, failedAt(0), 0)).toEqual({ _tag: "Restart", delayMs: 100 })
    expect(Supervisor.ended(strategy, history, failedAt(1_000), 0)).toEqual({ _tag: "Restart", delayMs: 200 })
    expect(Supervisor.ended(strategy, history, failedAt(2_000), 0)).toEqual({ _tag: "Restart", delayMs: 400 })
    expect(Supervisor.ended(strategy, history, failedAt(9_999), 0)).toEqual({
      _tag: "Stop",
      reason: 'more than 3 restarts in 10s; last failure in "add": Error: no',
      tooOften: true
    })
    expect(history.restarts).toBe(3)
  })

  it("forgets a restart once it is a period old: one less is enough, one more is not", () => {
    for (const [timeMs, tag] of [
      [10_000, "Restart"],
      [9_999, "Stop"]
    ] as const) {
      const history = Supervisor.makeHistory()
      for (const earlier of [0, 1, 2]) Supervisor.ended(strategy, history, failedAt(earlier), 0)
      expect(Supervisor.ended(strategy, history, failedAt(timeMs), 0)._tag).toBe(tag)
    }
  })

  it("begins again at the shortest wait after a period without failures", () => {
    const history = Supervisor.makeHistory()
    for (const timeMs of [0, 1, 2]) Supervisor.ended(strategy, history, failedAt(timeMs), 0)
    expect(Supervisor.ended(strategy, history, failedAt(60_000), 0)).toEqual({ _tag: "Restart", delayMs: 100 })
  })

  it("restarts a permanent actor after every end, a transient one after failures, a temporary one never", () => {
    const endings = { failure: failedAt(0), normal: { timeMs: 0, messageName: "run" } }
    const decide = (restart: "permanent" | "transient" | "temporary", end: "failure" | "normal") =>
      Supervisor.ended(SupervisionStrategy.make({ restart }), Supervisor.makeHistory(), endings[end], 0)._tag
    expect([decide("permanent", "failure"), decide("permanent", "normal")]).toEqual(["Restart", "Restart"])
    expect([decide("transient", "failure"), decide("transient", "normal")]).toEqual(["Restart", "Stop"])
    expect([decide("temporary", "failure"), decide("temporary", "normal")]).toEqual(["Stop", "Stop"])
  })

  it("keeps the last failures, newest first, cut to their limit", () => {
    const history = Supervisor.makeHistory()
    for (let i = 0; i < Limits.failuresKept + 5; i++) {
      Supervisor.noteFailure(history, { timeMs: i * 1_000, messageName: `m${i}`, cause: "x".repeat(5_000) })
    }
    expect(history.failures).toHaveLength(Limits.failuresKept)
    expect(history.failures[0]).toMatchObject({ messageName: "m14", time: "1970-01-01T00:00:14.000Z" })
    expect(history.failures[0]!.cause).toHaveLength(Limits.causeCharactersMax)
  })

  it("never gives up with an infinite intensity, and does not grow", () => {
    const forever = SupervisionStrategy.make({
      intensity: Number.POSITIVE_INFINITY,
      jitter: 0,
      backoffMax: "30 seconds"
    })
    const history = Supervisor.makeHistory()
    let last: Supervisor.Decision | undefined
    for (let i = 0; i < 10_000; i++) last = Supervisor.ended(forever, history, failedAt(i), 0)
    expect(last).toEqual({ _tag: "Restart", delayMs: 30_000 })
    expect(history.recent.length).toBeLessThanOrEqual(64)
  })

  it("allows no more restarts in any period than its intensity, whatever the times of the failures", () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 60 })
    fc.assert(
      fc.property(gaps, fc.integer({ min: 0, max: 5 }), (gaps, intensity) => {
        const limited = SupervisionStrategy.make({ intensity, period: "10 seconds" })
        const history = Supervisor.makeHistory()
        const restarts: Array<number> = []
        let now = 0
        for (const gap of gaps) {
          now += gap
          const decision = Supervisor.ended(limited, history, failedAt(now), 0.5)
          if (decision._tag === "Restart") restarts.push(now)
          const inPeriod = restarts.filter((time) => now - time < 10_000).length
          expect(inPeriod).toBeLessThanOrEqual(intensity)
          // And it stops only when it has to.
          if (decision._tag === "Stop") expect(inPeriod).toBe(intensity)
        }
        expect(history.restarts).toBe(restarts.length)
      })
    )
  })

  it("waits between (1 - jitter) times the computed wait and the computed wait", () => {
    const chances = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 80 }), chances, chances, (earlier, chance, jitter) => {
        const jittered = SupervisionStrategy.make({ backoffMin: 10, backoffMax: "30 seconds", jitter })
        const full = Math.min(30_000, 10 * 2 ** earlier)
        const wait = SupervisionStrategy.backoffMs(jittered, earlier, chance)
        expect(wait).toBeLessThanOrEqual(full)
        expect(wait).toBeGreaterThanOrEqual(full * (1 - jitter) - 1e-9)
      })
    )
  })

  it("begins its period anew after a restart by hand", () => {
    const history = Supervisor.makeHistory()
    for (const timeMs of [0, 1, 2]) Supervisor.ended(strategy, history, failedAt(timeMs), 0)
    Supervisor.restartedByHand(history)
    expect(history.restarts).toBe(4)
    expect(Supervisor.ended(strategy, history, failedAt(3), 0)).toEqual({ _tag: "Restart", delayMs: 100 })
  })
})
