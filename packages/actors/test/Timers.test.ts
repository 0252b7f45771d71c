import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as Actor from "../src/Actor.ts"
import * as ActorStorageMemory from "../src/ActorStorageMemory.ts"
import { ActorSystem } from "../src/ActorSystem.ts"
import * as Limits from "../src/Limits.ts"

interface Setting {
  readonly key: string
  readonly when: Actor.TimerOptions
  readonly messageName?: string
  readonly payload?: string
}

const Clock = Actor.actor(
  "clock",
  {
    state: [] as ReadonlyArray<string>,
    set: (state, { key, messageName, payload, when }: Setting, context) => {
      context.setTimer(key, when, messageName ?? "rang", payload)
      return state
    },
    cancel: (state, key: string, context) => {
      context.cancelTimer(key)
      return state
    },
    rang: (state, payload: string) => [...state, payload],
    wait: (state, latch: Deferred.Deferred<void>) => Effect.as(Deferred.await(latch), state),
    get: (state) => state,
    boom: (): ReadonlyArray<string> => {
      throw new Error("boom")
    }
  },
  { supervision: { backoffMin: "1 second", jitter: 0 }, passivateAfter: "20 seconds", askTimeout: "Infinity" }
)

const run = <A, E>(effect: Effect.Effect<A, E, ActorSystem>) =>
  Effect.provide(effect, Layer.provide(ActorSystem.layer(), ActorStorageMemory.layer))

const clock = Effect.map(ActorSystem, (system) => system.ref(Clock, "c"))

describe("a timer", () => {
  it.effect("goes off once after its duration, or again and again, in order", () =>
    run(
      Effect.gen(function* () {
        const c = yield* clock
        yield* c.set({ key: "once", when: { after: "10 seconds" }, payload: "once" })
        yield* c.set({ key: "tick", when: { every: "4 seconds" }, payload: "tick" })
        yield* c.set({ key: "now", when: { after: 0 }, payload: "now" })
        yield* TestClock.adjust("9999 millis")
        expect(yield* c.get()).toEqual(["now", "tick", "tick"])
        yield* TestClock.adjust("2001 millis")
        expect(yield* c.get()).toEqual(["now", "tick", "tick", "once", "tick"])
        yield* c.cancel("tick")
        yield* TestClock.adjust("1 minute")
        expect(yield* c.get()).toHaveLength(5)
      })
    )
  )

  it.effect(
    "takes the place of an earlier one of its key, and is not handled once it is cancelled, though it waits",
    () =>
      run(
        Effect.gen(function* () {
          const c = yield* clock
          yield* c.set({ key: "k", when: { after: "1 second" }, payload: "first" })
          yield* c.set({ key: "k", when: { after: "2 seconds" }, payload: "second" })
          yield* TestClock.adjust("1 second")
          expect(yield* c.get()).toEqual([])
          const latch = yield* Deferred.make<void>()
          const waiting = yield* Effect.forkChild(c.wait(latch))
          yield* Effect.yieldNow
          const cancelling = yield* Effect.forkChild(c.cancel("k"))
          yield* Effect.yieldNow
          // It goes off behind the message that cancels it.
          yield* TestClock.adjust("5 seconds")
          yield* Deferred.succeed(latch, undefined)
          yield* Fiber.join(waiting)
          yield* Fiber.join(cancelling)
          expect(yield* c.get()).toEqual([])
        })
      )
  )

  it.effect("that is periodic never has two messages waiting, and goes on in its rhythm", () =>
    run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const c = yield* clock
        yield* c.set({ key: "tick", when: { every: "1 second" }, payload: "tick" })
        const latch = yield* Deferred.make<void>()
        const waiting = yield* Effect.forkChild(c.wait(latch))
        yield* TestClock.adjust("5500 millis")
        expect((yield* system.inspect(c.address)).waiting).toEqual(["rang"])
        yield* Deferred.succeed(latch, undefined)
        yield* Fiber.join(waiting)
        yield* TestClock.adjust("499 millis")
        expect(yield* c.get()).toHaveLength(1)
        yield* TestClock.adjust(1)
        expect(yield* c.get()).toHaveLength(2)
      })
    )
  )

  it.effect("ends with the life of its actor, and keeps it in memory until then", () =>
    run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const c = yield* clock
        yield* c.set({ key: "far", when: { after: "1 hour" }, payload: "far" })
        yield* TestClock.adjust("10 minutes")
        expect(system.totals().activeActors).toBe(1)
        yield* Effect.flip(c.boom())
        yield* TestClock.adjust("1 hour")
        expect(yield* c.get()).toEqual([])
        yield* c.set({ key: "near", when: { after: "1 second" }, payload: "near" })
        yield* system.stop(c.address)
        yield* TestClock.adjust("1 minute")
        expect(yield* system.deadLetters).toEqual([])
      })
    )
  )

  it.effect("is refused for a message that nobody handles, a period of nothing, and one too many", () =>
    run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const causeOf = (name: string, setting: Setting) =>
          Effect.map(Effect.flip(system.ref(Clock, name).set(setting)), (error) =>
            error._tag === "ActorFailed" ? error.cause : error._tag
          )
        expect(yield* causeOf("a", { key: "k", when: { after: 1 }, messageName: "nothing" })).toContain(
          'no message "nothing"'
        )
        expect(yield* causeOf("b", { key: "k", when: { every: 0 } })).toContain("a period of at least 1 ms, not 0 ms")
        expect(yield* causeOf("c", { key: "k", when: { after: "Infinity" } })).toContain("a finite duration")
        const full = system.ref(Clock, "full")
        for (let i = 0; i < Limits.timersMax; i++) yield* full.set({ key: `${i}`, when: { after: "1 hour" } })
        yield* full.set({ key: "0", when: { after: "2 hours" } })
        expect(yield* causeOf("full", { key: "more", when: { after: 1 } })).toContain("has 1000 timers already")
      })
    )
  )
})
