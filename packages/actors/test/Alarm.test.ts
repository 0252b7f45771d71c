import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"
import { Alarm, type Due } from "../src/Alarm.ts"

type Step =
  | { readonly _tag: "Set"; readonly afterMs: number }
  | { readonly _tag: "Cancel"; readonly which: number }
  | { readonly _tag: "Pass"; readonly ms: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ _tag: fc.constant("Set" as const), afterMs: fc.integer({ min: -5, max: 50 }) }),
  fc.record({ _tag: fc.constant("Cancel" as const), which: fc.nat(30) }),
  fc.record({ _tag: fc.constant("Pass" as const), ms: fc.nat(30) })
)

describe("an alarm", () => {
  it.effect("runs what is due in the order of its time, then of its setting, and nothing that was cancelled", () =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 60 }), (steps) =>
          Effect.runPromise(
            Effect.gen(function* () {
              const context = yield* Effect.context<never>()
              const clock = yield* Effect.clockWith(Effect.succeed)
              const nowMs = () => clock.currentTimeMillisUnsafe()
              const alarm = new Alarm({ nowMs, fork: Effect.runForkWith(context) })
              const ran: Array<number> = []
              const dues: Array<Due> = []
              let model: Array<{ readonly id: number; readonly timeMs: number }> = []
              const expected: Array<number> = []
              for (const step of steps) {
                if (step._tag === "Set") {
                  const id = dues.length
                  // A time that is past is due after a millisecond, so that others get the thread.
                  const timeMs = nowMs() + step.afterMs
                  dues.push(alarm.set(timeMs, () => ran.push(id)))
                  model.push({ id, timeMs })
                } else if (step._tag === "Cancel") {
                  const due = dues[step.which]
                  if (due !== undefined) alarm.cancel(due)
                  model = model.filter(({ id }) => id !== step.which)
                } else {
                  // In steps of a millisecond, or what is due at different times would run together.
                  for (let ms = 0; ms < step.ms; ms++) {
                    yield* TestClock.adjust(1)
                    const due = model.filter(({ timeMs }) => timeMs <= nowMs())
                    expected.push(...due.toSorted((a, b) => a.timeMs - b.timeMs || a.id - b.id).map(({ id }) => id))
                    model = model.filter((other) => !due.includes(other))
                  }
                }
                expect(ran).toEqual(expected)
                expect(alarm.size).toBe(model.length)
              }
              alarm.stop()
              alarm.set(nowMs(), () => ran.push(-1))
              yield* TestClock.adjust(100)
              expect(ran).toEqual(expected)
            }).pipe(Effect.provide(TestClock.layer()))
          )
        ),
        { numRuns: 100 }
      )
    )
  )
})
