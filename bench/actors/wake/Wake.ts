/**
 * How long an actor waits that wakes while others keep the thread busy, and how those share it.
 *
 * Three actors run Effects without end. A fourth is woken some hundred times by a timer, and as often by one of the three in the
 * middle of its work; the time until it handles the message is measured.
 */
import * as Actor from "@continuum/actors/Actor"
import { ActorSystem } from "@continuum/actors/ActorSystem"
import { weightOf } from "@continuum/actors/RunQueue"
import { Effect } from "effect"
import { check, finish, quick, record } from "../../Measure.ts"

const wakes = quick ? 3 : 300
const everyMs = quick ? 1 : 4
/** Steps of a busy actor between two wakes of the fourth. */
const everySteps = 20_000

export interface Priorities {
  readonly woken: number
  readonly busy: ReadonlyArray<number>
}

export const measureWakes = async ({ busy, woken }: Priorities): Promise<never> => {
  const system = await ActorSystem.start()
  const latencies: Record<"timer" | "actor", Array<number>> = { timer: [], actor: [] }
  const Woken = Actor.actor(
    "woken",
    {
      state: 0,
      wake: (state, { by, sinceMs }: { readonly by: "timer" | "actor"; readonly sinceMs: number }) => {
        latencies[by].push(performance.now() - sinceMs)
        return state + 1
      },
      count: (state) => state
    },
    { priority: woken }
  )
  const target = system.ref(Woken, "one")
  await target.count()
  let isOver = false
  const steps = busy.map(() => 0)
  const running = busy.map((priority, index) => {
    const Busy = Actor.actor(
      `busy${index}`,
      {
        state: 0,
        run: (state) =>
          Effect.as(
            Effect.whileLoop({
              while: () => !isOver,
              body: () => Effect.void,
              step: () => {
                steps[index] = steps[index]! + 1
                if (index === 0 && steps[0]! % everySteps === 0 && latencies.actor.length < wakes) {
                  target.tell.wake({ by: "actor", sinceMs: performance.now() })
                }
              }
            }),
            state
          )
      },
      { priority }
    )
    return system.ref(Busy, "one").run()
  })
  for (let wake = 0; wake < wakes || latencies.actor.length < wakes; wake++) {
    await new Promise((resolve) => setTimeout(resolve, everyMs))
    if (wake < wakes) target.tell.wake({ by: "timer", sinceMs: performance.now() })
  }
  const shares = sharesOf(steps)
  isOver = true
  await Promise.all(running)
  check("The number of wakes", await target.count(), latencies.timer.length + latencies.actor.length)
  await system.stop()
  for (const by of ["timer", "actor"] as const) {
    const sorted = latencies[by].toSorted((a, b) => a - b)
    record({ case: `${by}-p50`, wallNs: sorted[Math.floor(sorted.length * 0.5)]! * 1e6 })
    record({ case: `${by}-p99`, wallNs: sorted[Math.floor(sorted.length * 0.99)]! * 1e6 })
  }
  return finish({ priorities: busy, shares, theory: sharesOf(busy.map(weightOf)) })
}

const sharesOf = (parts: ReadonlyArray<number>): ReadonlyArray<number> => {
  const total = parts.reduce((sum, part) => sum + part, 0)
  return parts.map((part) => part / total)
}
