import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as Actor from "../src/Actor.ts"
import { ActorSystem } from "../src/ActorSystem.ts"
import { waitBound } from "../src/RunQueue.ts"

const busy = { state: 0, count: (state: number) => state + 1 }
const Low = Actor.actor("low", busy, { priority: 64 })
const High = Actor.actor("high", busy, { priority: 192 })

describe("the scheduler of a system", () => {
  it.live("says who waits for a turn, the best first, and how long that takes at most", () =>
    Effect.gen(function* () {
      const system = yield* ActorSystem
      const looks: Array<ReturnType<typeof system.scheduler.queue>> = []
      const Looking = Actor.actor("looking", {
        state: 0,
        look: (state: number) => {
          looks.push(system.scheduler.queue())
          return state
        }
      })
      // All are ready when the first of them looks.
      yield* Effect.all(
        [
          system.ref(Looking, "l").tell.look(),
          system.ref(Low, "a").tell.count(),
          system.ref(High, "b").tell.count(),
          system.ref(Low, "c").tell.count()
        ],
        { discard: true }
      )
      yield* system.ref(Low, "c").count()
      const [look] = looks
      expect(look!.readyCount).toBe(look!.ready.length)
      expect(look!.ready.map(({ address, priority }) => [address, priority])).toEqual(
        expect.arrayContaining([["continuum://local/low/c", 64]])
      )
      const lows = look!.ready.filter(({ priority }) => priority === 64)
      const others = look!.ready.slice(0, -1).map(({ priority }) => priority)
      expect(lows.at(-1)!.waitBound).toBe(Math.ceil(waitBound(64, others)))
      expect(system.scheduler.queue()).toMatchObject({ ready: [], readyCount: 0 })
      expect(system.scheduler.queue().turns).toBeGreaterThan(2)
    }).pipe(Effect.provide(ActorSystem.layerWithoutStorage()))
  )

  it.live("records turns while somebody wants them, by several at a time, and not after", () =>
    Effect.gen(function* () {
      const system = yield* ActorSystem
      const { scheduler } = system
      // An ask of an idle actor needs no turn, and is on record, too.
      const work = Effect.forEach([Low, High], (kind) => system.ref(kind, "a").tell.count())
      yield* work
      const long = yield* Effect.forkChild(scheduler.record("80 millis"))
      yield* Effect.sleep(5)
      yield* work
      yield* Effect.sleep(5)
      const [short] = yield* Effect.all([scheduler.record("10 millis"), Effect.delay(work, 2)], {
        concurrency: "unbounded"
      })
      const direct = yield* Effect.all(
        [scheduler.record("10 millis"), Effect.delay(system.ref(High, "direct").count(), 2)],
        { concurrency: "unbounded" }
      )
      expect(direct[0].turns.map(({ address }) => address)).toContain("continuum://local/high/direct")
      const addresses = (some: typeof short) => new Set(some.turns.map(({ address }) => address))
      expect(addresses(short).has("continuum://local/low/a")).toBe(true)
      const all = yield* Fiber.join(long)
      expect(all.turns.length).toBeGreaterThan(short.turns.length)
      for (const { fromMs, toMs } of all.turns) expect(toMs).toBeGreaterThanOrEqual(fromMs)
      expect((yield* scheduler.record(1)).turns).toEqual([])
    }).pipe(Effect.provide(ActorSystem.layerWithoutStorage()))
  )
})
