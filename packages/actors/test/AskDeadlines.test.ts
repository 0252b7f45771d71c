import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as Actor from "../src/Actor.ts"
import { ActorSystem } from "../src/ActorSystem.ts"
import * as Limits from "../src/Limits.ts"

const Sleeper = Actor.actor(
  "sleeper",
  {
    state: 0,
    sleep: (state, ms: number) => Effect.as(Effect.sleep(ms), state + 1),
    get: (state) => state
  },
  { askTimeout: "10 seconds" }
)
const Patient = Actor.actor("patient", {
  state: 0,
  sleep: (state, ms: number) => Effect.as(Effect.sleep(ms), state + 1)
})

// Handlers that still sleep at the end must not hold up a clock that nobody moves any more.
const run = <A, E>(effect: Effect.Effect<A, E, ActorSystem>) =>
  Effect.provide(effect, ActorSystem.layerWithoutStorage({ stopTimeout: 0 }))

/** What became of an ask after each of the times. */
const after = (ask: Effect.Effect<unknown, unknown>, ...times: ReadonlyArray<number>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(Effect.flip(ask))
    const seen: Array<unknown> = []
    for (const time of times) {
      yield* TestClock.adjust(time)
      const exit = fiber.pollUnsafe()
      seen.push(exit === undefined ? "waiting" : exit._tag === "Success" ? exit.value : "answered")
    }
    return seen
  })

describe("an ask", () => {
  it.effect("fails with AskTimeout at its deadline and not before; the handler goes on", () =>
    run(
      Effect.gen(function* () {
        const sleeper = (yield* ActorSystem).ref(Sleeper, "s")
        const seen = yield* after(sleeper.sleep(11_000), 9_999, 1)
        expect(seen[0]).toBe("waiting")
        expect(seen[1]).toMatchObject({
          _tag: "AskTimeout",
          address: sleeper.address,
          messageName: "sleep",
          timeoutMs: 10_000
        })
        yield* TestClock.adjust(1_000)
        expect(yield* sleeper.get()).toBe(1)
      })
    )
  )

  it.effect("that is answered in time does not fail later", () =>
    run(
      Effect.gen(function* () {
        const sleeper = (yield* ActorSystem).ref(Sleeper, "s")
        expect(yield* after(sleeper.sleep(9_999), 9_999, 60_000)).toEqual(["answered", "answered"])
      })
    )
  )

  it.effect("waits as long as its ref says, for ever if that is infinite, and else as long as the default", () =>
    run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const brief = yield* after(system.ref(Sleeper, "a", { timeout: 5 }).sleep(1_000), 4, 1)
        expect(brief[0]).toBe("waiting")
        expect(brief[1]).toMatchObject({ timeoutMs: 5 })
        expect(yield* after(system.ref(Sleeper, "b", { timeout: "Infinity" }).sleep(1e9), 9e8)).toEqual(["waiting"])
        const standard = yield* after(system.ref(Patient, "c").sleep(1e9), Limits.askTimeoutMs - 1, 1)
        expect(standard[0]).toBe("waiting")
        expect(standard[1]).toMatchObject({ timeoutMs: Limits.askTimeoutMs })
      })
    )
  )

  it.effect("keeps its own deadline among many, answered in any order", () =>
    run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const results: Array<string> = []
        const asks = Array.from({ length: 100 }, (_, i) =>
          system
            .ref(Sleeper, `s${i}`)
            .sleep(i % 3 === 0 ? 20_000 : 5_000 + i)
            .pipe(
              Effect.match({
                onFailure: (error) => results.push(`${i} ${error._tag}`),
                onSuccess: () => results.push(`${i} ok`)
              })
            )
        )
        const all = yield* Effect.forkChild(Effect.all(asks, { concurrency: "unbounded", discard: true }))
        yield* TestClock.adjust(30_000)
        yield* Fiber.join(all)
        expect(results.toSorted()).toEqual(
          Array.from({ length: 100 }, (_, i) => (i % 3 === 0 ? `${i} AskTimeout` : `${i} ok`)).toSorted()
        )
      })
    )
  )
})
