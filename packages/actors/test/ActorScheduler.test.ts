import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import * as Actor from "../src/Actor.ts"
import { ActorSystem } from "../src/ActorSystem.ts"
import * as Limits from "../src/Limits.ts"
import { weightOf } from "../src/RunQueue.ts"
import * as Quantum from "../src/thoughtstream/Quantum.ts"

const withSystem = <A, E>(use: (system: ActorSystem["Service"]) => Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.flatMap(ActorSystem, use).pipe(Effect.provide(ActorSystem.layerWithoutStorage()))

/** Runs an actor of each priority for ever, `step` after `step`, until so many steps are done; and gives the steps of each. */
const race = (priorities: ReadonlyArray<number>, stepsMax: number, step: Effect.Effect<void>) =>
  withSystem((system) =>
    Effect.gen(function* () {
      const steps = priorities.map(() => 0)
      let total = 0
      const runs = priorities.map((priority, index) => {
        const Busy = Actor.actor(
          `busy${index}`,
          {
            state: 0,
            run: (state) =>
              Effect.as(
                Effect.whileLoop({
                  while: () => total < stepsMax,
                  body: () => step,
                  step: () => {
                    if (total++ < stepsMax) steps[index] = steps[index]! + 1
                  }
                }),
                state
              )
          },
          { priority }
        )
        return system.ref(Busy, "one").run()
      })
      yield* Effect.all(runs, { concurrency: "unbounded" })
      return steps
    })
  )

const sharesOf = (steps: ReadonlyArray<number>) => {
  const total = steps.reduce((sum, count) => sum + count, 0)
  return steps.map((count) => count / total)
}
const theory = (priorities: ReadonlyArray<number>) => sharesOf(priorities.map(weightOf))

describe("actors whose Effects keep the thread busy", () => {
  it.effect("share it by their weights", () =>
    Effect.gen(function* () {
      const priorities = [96, 128, 160]
      const shares = sharesOf(
        yield* race(
          priorities,
          600_000,
          Effect.sync(() => {})
        )
      )
      for (const [index, share] of theory(priorities).entries()) expect(shares[index]).toBeCloseTo(share, 1)
    })
  )

  it.effect("share it by their weights also when what they use up is fuel", () =>
    Effect.gen(function* () {
      const priorities = [96, 128, 160]
      const shares = sharesOf(yield* race(priorities, 3_000, Quantum.fuel(10_000)))
      for (const [index, share] of theory(priorities).entries()) expect(shares[index]).toBeCloseTo(share, 1)
    })
  )

  it.effect("make way between two operations for a better one that wakes, and go on where they stopped", () =>
    withSystem((system) =>
      Effect.gen(function* () {
        const log: Array<string> = []
        const note = (text: string) => Effect.sync(() => log.push(text))
        const target = (kind: string, priority: number) =>
          Actor.actor(kind, { state: 0, hit: (state) => Effect.as(note(kind), state) }, { priority })
        const better = system.ref(target("better", 200), "one")
        const equal = system.ref(target("equal", 128), "one")
        const worse = system.ref(target("worse", 100), "one")
        const Busy = Actor.actor("busy", {
          state: 0,
          run: (state) =>
            Effect.gen(function* () {
              yield* note("begin")
              yield* worse.tell.hit()
              yield* equal.tell.hit()
              yield* better.tell.hit()
              yield* note("end")
              return state
            }) as Effect.Effect<number>
        })
        yield* system.ref(Busy, "one").tell.run()
        yield* worse.hit()
        yield* Effect.yieldNow
        expect(log).toEqual(["begin", "better", "end", "equal", "worse", "worse"])
        // Also where it was asked while nobody waited, and so has no turn to lose.
        log.length = 0
        yield* system.ref(Busy, "one").run()
        yield* Effect.yieldNow
        expect(log).toEqual(["begin", "better", "equal", "end", "worse"])
      })
    )
  )

  it.effect("have no longer turns for doing their work in many messages", () =>
    withSystem((system) =>
      Effect.gen(function* () {
        const steps = { messages: 0, one: 0 }
        const total = 200_000
        const loop = (name: keyof typeof steps, count: number) =>
          Effect.suspend(() => {
            let left = count
            return Effect.whileLoop({
              while: () => left-- > 0 && steps.messages + steps.one < total,
              body: () => Effect.void,
              step: () => steps[name]++
            })
          })
        const Messages = Actor.actor("messages", { state: 0, some: (state) => Effect.as(loop("messages", 500), state) })
        const One = Actor.actor("one", { state: 0, all: (state) => Effect.as(loop("one", total), state) })
        for (let i = 0; i < total / 500; i++) yield* system.ref(Messages, "a").tell.some()
        yield* system.ref(One, "a").all()
        expect(steps.messages / total).toBeGreaterThan(0.3)
        expect(steps.messages / total).toBeLessThan(0.7)
      })
    )
  )

  it.effect("are not held up by one that they wake: it goes on in a turn of its own", () =>
    withSystem((system) =>
      Effect.gen(function* () {
        const log: Array<string> = []
        const latch = yield* Deferred.make<void>()
        const Waiter = Actor.actor("waiter", {
          state: 0,
          wait: (state) =>
            Effect.gen(function* () {
              yield* Deferred.await(latch)
              log.push("woken")
              return state
            }) as Effect.Effect<number>
        })
        const Waker = Actor.actor("waker", {
          state: 0,
          wake: (state) =>
            Effect.gen(function* () {
              yield* Deferred.succeed(latch, undefined)
              log.push("goes on")
              return state
            }) as Effect.Effect<number>
        })
        const waiting = yield* Effect.forkChild(system.ref(Waiter, "one").wait())
        yield* Effect.yieldNow
        yield* system.ref(Waker, "one").wake()
        yield* Fiber.join(waiting)
        expect(log).toEqual(["goes on", "woken"])
      })
    )
  )

  it("let timers and I/O have their share", async () => {
    const system = await ActorSystem.start()
    let isDone = false
    const Busy = Actor.actor("busy", {
      state: 0,
      run: (state) =>
        Effect.as(Effect.whileLoop({ while: () => !isDone, body: () => Effect.void, step: () => {} }), state)
    })
    const timer = new Promise<void>((resolve) => setTimeout(resolve, 5)).then(() => (isDone = true))
    await system.ref(Busy, "one").run()
    await timer
    await system.stop()
  })

  it.effect("run the fibers that a handler forks in turns of the actor too, at most so many operations in one", () =>
    withSystem((system) =>
      Effect.gen(function* () {
        const log: Array<string> = []
        const burn = (name: string) =>
          Effect.whileLoop({
            while: () => log.length < 32 * Limits.turnOperations,
            body: () => Effect.sync(() => log.push(name)),
            step: () => {}
          })
        const forks = Effect.all([burn("many"), burn("many"), burn("many")], { concurrency: "unbounded" })
        const Many = Actor.actor("many", { state: 0, run: (state) => Effect.as(forks, state) })
        const One = Actor.actor("one", { state: 0, run: (state) => Effect.as(burn("one"), state) })
        yield* Effect.all([system.ref(Many, "a").run(), system.ref(One, "a").run()], { concurrency: "unbounded" })
        // Three fibers of one actor get no more than one fiber of another.
        const share = log.filter((name) => name === "many").length / log.length
        expect(share).toBeGreaterThan(0.35)
        expect(share).toBeLessThan(0.65)
      })
    )
  )
})
