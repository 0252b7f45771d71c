import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Random } from "effect"
import { TestClock } from "effect/testing"
import * as Actor from "../src/Actor.ts"
import { ActorSystem } from "../src/ActorSystem.ts"
import * as Limits from "../src/Limits.ts"
import * as Pool from "../src/Pool.ts"

const Worker = Actor.actor("worker", {
  state: 0,
  name: (state, _: void, context) => Actor.reply(state, context.name),
  count: (state, n: number) => state + n,
  wait: (state, latch: Deferred.Deferred<void>) => Effect.as(Deferred.await(latch), state),
  /** Answers after a second for each number in its name; the first worker fails. */
  late: (state, _: void, { name }) =>
    name.endsWith("0")
      ? Effect.fail("no" as const)
      : Effect.delay(Effect.succeed(Actor.reply(state + 1, name)), `${Number(name.at(-1))} seconds`)
})

const pool = (size: number) => Effect.map(ActorSystem, (system) => Pool.make(system, Worker, "w", size))
const names = (size: number) => Array.from({ length: size }, (_, index) => `w-${index}`)

const run = <A, E>(effect: Effect.Effect<A, E, ActorSystem>) =>
  Effect.provide(effect, ActorSystem.layerWithoutStorage())

describe("a pool", () => {
  it.effect("chooses its workers one after the other, or by chance all of them alike", () =>
    run(
      Effect.gen(function* () {
        const workers = yield* pool(3)
        const chosen = []
        for (let i = 0; i < 7; i++) chosen.push(yield* workers.roundRobin().name())
        expect(chosen).toEqual(["w-0", "w-1", "w-2", "w-0", "w-1", "w-2", "w-0"])
        const seed = "a pool of three"
        const counts = new Map<string, number>()
        const choices = Effect.all(Array.from({ length: 3_000 }, () => workers.random))
        for (const worker of yield* Random.withSeed(choices, seed)) {
          const name = yield* worker.name()
          counts.set(name, (counts.get(name) ?? 0) + 1)
        }
        expect([...counts.keys()].toSorted()).toEqual(names(3))
        // Six standard deviations of a binomial distribution.
        for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(155)
      })
    )
  )

  it.effect(
    "sends the same key to the same worker, and one that grows moves only the keys that the new worker gets",
    () =>
      run(
        Effect.gen(function* () {
          const [before, same, after] = [yield* pool(9), yield* pool(9), yield* pool(10)]
          const counts = new Map<string, number>()
          let moved = 0
          for (let i = 0; i < 10_000; i++) {
            const { address } = before.hashed(`key ${i}`)
            expect(same.hashed(`key ${i}`).address).toBe(address)
            counts.set(address, (counts.get(address) ?? 0) + 1)
            const later = after.hashed(`key ${i}`).address
            if (later === address) continue
            expect(later.endsWith("w-9")).toBe(true)
            moved++
          }
          expect(counts.size).toBe(9)
          for (const count of counts.values()) expect(Math.abs(count - 1_111)).toBeLessThan(190)
          expect(Math.abs(moved - 1_000)).toBeLessThan(180)
        })
      )
  )

  it.effect("chooses the worker with the least to do, the message in hand included", () =>
    run(
      Effect.gen(function* () {
        const workers = yield* pool(3)
        const latch = yield* Deferred.make<void>()
        const asks = []
        for (const index of [0, 0, 1, 2, 2]) asks.push(yield* Effect.forkChild(workers.workers[index]!.wait(latch)))
        yield* Effect.yieldNow
        expect(workers.smallestMailbox().address).toMatch(/w-1$/)
        asks.push(yield* Effect.forkChild(workers.smallestMailbox().wait(latch)))
        yield* Effect.yieldNow
        expect(workers.smallestMailbox().address).toMatch(/w-0$/)
        yield* Deferred.succeed(latch, undefined)
        for (const ask of asks) yield* Fiber.join(ask)
      })
    )
  )

  it.effect("asks all its workers, or takes the first answer and interrupts the rest", () =>
    run(
      Effect.gen(function* () {
        const workers = yield* pool(4)
        expect(yield* workers.broadcast((worker) => worker.name())).toEqual(names(4))
        const first = yield* Effect.forkChild(workers.first((worker) => worker.late()))
        yield* TestClock.adjust("1 second")
        expect(yield* Fiber.join(first)).toBe("w-1")
        yield* TestClock.adjust("1 minute")
        expect(yield* workers.broadcast((worker) => worker.count(0))).toEqual([0, 1, 0, 0])
        const alone = yield* pool(1)
        expect(yield* Effect.flip(alone.first((worker) => worker.late()))).toBe("no")
      })
    )
  )

  it.effect("has a size within its limits", () =>
    run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        for (const size of [0, -1, 1.5, Limits.poolSizeMax + 1])
          expect(() => Pool.make(system, Worker, "w", size)).toThrow("A pool has 1 to 1000 workers")
        expect(Pool.make(system, Worker, "w", Limits.poolSizeMax).workers).toHaveLength(1_000)
      })
    )
  )
})
