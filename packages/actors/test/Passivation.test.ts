import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"
import * as Actor from "../src/Actor.ts"
import * as ActorStorageMemory from "../src/ActorStorageMemory.ts"
import { ActorSystem, type Options } from "../src/ActorSystem.ts"

const handlers = {
  state: 0,
  add: (state: number, n: number) => state + n,
  get: (state: number) => state,
  boom: (): number => {
    throw new Error("boom")
  },
  wait: (state: number, latch: Deferred.Deferred<void>) => Effect.as(Deferred.await(latch), state)
}

const Counter = Actor.actor("counter", handlers, {
  passivateAfter: "10 seconds",
  askTimeout: "Infinity",
  supervision: { backoffMin: "1 second", period: "1 minute", jitter: 0 }
})
const Resident = Actor.actor("resident", handlers, { passivateAfter: "Infinity" })
const Volatile = Actor.actor("volatile", handlers, { durable: false })

const stored = <A, E>(effect: Effect.Effect<A, E, ActorSystem>, options: Options = {}) =>
  Effect.provide(effect, Layer.provide(ActorSystem.layer(options), ActorStorageMemory.layer))

const active = Effect.map(ActorSystem, (system) => system.totals().activeActors)

describe("an actor that is idle", () => {
  it.effect("leaves memory after its time and at most half as long again, and comes back with its state", () =>
    stored(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const counter = system.ref(Counter, "c")
        yield* counter.add(5)
        yield* TestClock.adjust("9999 millis")
        expect(yield* active).toBe(1)
        yield* TestClock.adjust("5001 millis")
        expect(yield* active).toBe(0)
        expect(system.totals().passivated).toBe(1)
        expect(yield* system.list()).toMatchObject([{ address: counter.address, state: "idle" }])
        // The same ref reaches the new activation, whose sweeps begin anew.
        expect(yield* counter.add(1)).toBe(6)
        expect(yield* active).toBe(1)
        yield* TestClock.adjust("15 seconds")
        expect(yield* active).toBe(0)
      })
    )
  )

  it.effect("does not leave before its time, though it was first used just before a sweep", () =>
    stored(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        yield* system.ref(Counter, "first").add(1)
        yield* TestClock.adjust("4999 millis")
        yield* system.ref(Counter, "later").add(1)
        // Sweeps at 5, 10 and 15 seconds: the later one was idle for 10 seconds at 14,999 ms.
        yield* TestClock.adjust("9999 millis")
        expect(yield* active).toBe(2)
        yield* TestClock.adjust(2)
        expect(yield* active).toBe(0)
      })
    )
  )

  it.effect("stays while it is used, while it handles a message, and while its restarts of a period count", () =>
    stored(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const latch = yield* Deferred.make<void>()
        const waiting = yield* Effect.forkChild(system.ref(Counter, "waits").wait(latch))
        yield* Effect.flip(system.ref(Counter, "failed").boom())
        for (let second = 0; second < 50; second += 5) {
          yield* system.ref(Counter, "used").get()
          yield* TestClock.adjust("5 seconds")
        }
        const names = yield* Effect.map(system.list(), (all) => all.map(({ address }) => address.split("/").at(-1)))
        expect(names.toSorted()).toEqual(["failed", "used", "waits"])
        yield* Deferred.succeed(latch, undefined)
        yield* Fiber.join(waiting)
        yield* TestClock.adjust("80 seconds")
        expect(yield* active).toBe(0)
      })
    )
  )

  it.effect("stays if its definition says so, or if its state would be lost", () =>
    stored(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        yield* system.ref(Resident, "r").add(1)
        yield* system.ref(Volatile, "v").add(2)
        yield* TestClock.adjust("1 day")
        expect(yield* active).toBe(2)
        expect(yield* system.ref(Volatile, "v").get()).toBe(2)
      })
    )
  )

  it("cannot be told to leave in no time", () => {
    expect(() => Actor.actor("hasty", { state: 0 }, { passivateAfter: 1 })).toThrow("at least 2 ms")
    expect(() => Actor.actor("hasty", { state: 0 }, { passivateAfter: 2 })).not.toThrow()
  })
})

describe("a system with as many active actors as it may have", () => {
  it.effect("refuses one more while none may leave, and takes it when one has become idle", () =>
    stored(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const latch = yield* Deferred.make<void>()
        const busy = yield* Effect.forkChild(system.ref(Counter, "busy").wait(latch))
        yield* system.ref(Resident, "r").add(1)
        yield* Effect.yieldNow
        expect(yield* Effect.flip(system.ref(Counter, "more").add(1))).toMatchObject({
          _tag: "ActorStopped",
          reason: "the system already has 2 active actors, and none of them may leave memory"
        })
        yield* Deferred.succeed(latch, undefined)
        yield* Fiber.join(busy)
        expect(yield* system.ref(Counter, "more").add(1)).toBe(1)
        expect(yield* active).toBe(2)
        expect(yield* system.ref(Resident, "r").get()).toBe(1)
      }),
      { activeActorsMax: 2 }
    )
  )

  it.effect("lets the least recently used one leave, whatever is used in whatever order, and loses no state", () =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(fc.array(fc.tuple(fc.nat(7), fc.nat(9)), { maxLength: 60 }), (uses) =>
          Effect.runPromise(
            stored(
              Effect.gen(function* () {
                const system = yield* ActorSystem
                const states = new Map<string, number>()
                let inMemory: Array<string> = []
                for (const [which, n] of uses) {
                  const name = `c${which}`
                  states.set(name, (states.get(name) ?? 0) + n)
                  expect(yield* system.ref(Counter, name).add(n)).toBe(states.get(name))
                  inMemory = [...inMemory.filter((other) => other !== name), name].slice(-3)
                  // Stored ones are listed after those in memory.
                  const listed = yield* Effect.map(system.list(), (all) => all.slice(0, inMemory.length))
                  expect(listed.map(({ address }) => address.split("/").at(-1)).toSorted()).toEqual(inMemory.toSorted())
                  expect(yield* active).toBe(inMemory.length)
                }
              }),
              { activeActorsMax: 3 }
            )
          )
        ),
        { numRuns: 100 }
      )
    )
  )

  it.effect("keeps counting right with many actors that come and go at once", () =>
    stored(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const names = Array.from({ length: 500 }, (_, i) => `c${i}`)
        for (let round = 1; round <= 3; round++) {
          for (const name of names) expect(yield* system.ref(Counter, name).add(1)).toBe(round)
          expect(yield* active).toBeLessThanOrEqual(64)
        }
        expect(system.totals().passivated).toBeGreaterThan(1_000)
      }),
      { activeActorsMax: 64 }
    )
  )
})
