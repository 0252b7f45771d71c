import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Random } from "effect"
import { TestClock } from "effect/testing"
import * as Actor from "../src/Actor.ts"
import { ActorSystem } from "../src/ActorSystem.ts"

const run = <A, E>(effect: Effect.Effect<A, E, ActorSystem>) =>
  Effect.provide(effect, ActorSystem.layerWithoutStorage())

const Counter = Actor.actor(
  "counter",
  {
    state: 0,
    add: (state, n: number) => state + n,
    get: (state) => state,
    boom: (): number => {
      throw new Error("boom")
    },
    reject: () => Promise.reject<number>(new Error("rejected")),
    die: () => Effect.die(new Error("defect")) as Effect.Effect<number>,
    wait: (state, latch: Deferred.Deferred<void>) => Effect.as(Deferred.await(latch), state)
  },
  { supervision: { intensity: 3, period: "10 seconds", backoffMin: "1 second", backoffMax: "5 seconds", jitter: 0 } }
)

describe("an actor", () => {
  it.effect("handles one message at a time, also across awaits, and in the order of each sender", () => {
    const log: Array<string> = []
    const step = (name: string) => Effect.sync(() => log.push(name))
    const Slow = Actor.actor("slow", {
      state: [] as ReadonlyArray<number>,
      effect: (state, n: number) =>
        Effect.gen(function* () {
          yield* step(`begin ${n}`)
          yield* Effect.sleep(10)
          yield* step(`end ${n}`)
          return [...state, n]
        }),
      promise: async (state, n: number) => {
        log.push(`begin ${n}`)
        await Promise.resolve()
        await Promise.resolve()
        log.push(`end ${n}`)
        return [...state, n]
      },
      plain: (state, n: number) => {
        log.push(`begin ${n}`, `end ${n}`)
        return [...state, n]
      }
    })
    return run(
      Effect.gen(function* () {
        const slow = (yield* ActorSystem).ref(Slow, "s")
        const numbers = Array.from({ length: 9 }, (_, i) => i)
        const asks = numbers.map((n) => slow[(["effect", "promise", "plain"] as const)[n % 3]!](n))
        const all = yield* Effect.forkChild(Effect.all(asks, { concurrency: "unbounded" }))
        yield* TestClock.adjust(100)
        const replies = yield* Fiber.join(all)
        expect(replies.at(-1)).toEqual(numbers)
        expect(log).toEqual(numbers.flatMap((n) => [`begin ${n}`, `end ${n}`]))
      })
    )
  })

  it.effect("answers asks of many senders while none of them waits for another actor", () =>
    run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const latch = yield* Deferred.make<void>()
        const blocked = yield* Effect.forkChild(system.ref(Counter, "blocked").wait(latch))
        for (let i = 0; i < 20; i++) expect(yield* system.ref(Counter, `free${i}`).add(i)).toBe(i)
        yield* Deferred.succeed(latch, undefined)
        expect(yield* Fiber.join(blocked)).toBe(0)
      })
    )
  )

  for (const crash of ["boom", "reject", "die"] as const) {
    it.effect(
      `that crashes (${crash}) fails the asker, loses what was not stored, and is restarted after its backoff`,
      () =>
        run(
          Effect.gen(function* () {
            const system = yield* ActorSystem
            const counter = system.ref(Counter, "c")
            yield* counter.add(5)
            const error = yield* Effect.flip(counter[crash]())
            expect(error).toMatchObject({ _tag: "ActorFailed", address: counter.address, messageName: crash })
            expect(yield* system.inspect(counter.address)).toMatchObject({
              state: "restarting",
              restarts: 1,
              failures: [{ messageName: crash, time: "1970-01-01T00:00:00.000Z" }]
            })
            // A message that comes meanwhile waits.
            const later = yield* Effect.forkChild(counter.add(1))
            yield* TestClock.adjust(999)
            expect((yield* system.inspect(counter.address)).waiting).toEqual(["add"])
            yield* TestClock.adjust(1)
            expect(yield* Fiber.join(later)).toBe(1)
            expect(yield* system.inspect(counter.address)).toMatchObject({ state: "idle", processed: 2 })
          })
        )
    )
  }

  it.effect("does not get the message that crashed it again", () => {
    let calls = 0
    const Once = Actor.actor("once", {
      state: 0,
      boom: (): number => {
        calls++
        throw new Error("boom")
      }
    })
    return run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        yield* Effect.flip(system.ref(Once, "o").boom())
        yield* TestClock.adjust("1 minute")
        expect(calls).toBe(1)
      })
    )
  })

  it.effect("that crashes too often stops with the cause, refuses messages, and comes back by hand", () =>
    run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const counter = system.ref(Counter, "c")
        for (const backoff of [1, 2, 4]) {
          yield* Effect.flip(counter.boom())
          expect((yield* system.inspect(counter.address)).state).toBe("restarting")
          yield* TestClock.adjust(`${backoff} seconds`)
        }
        // The fourth within ten seconds is one too many; a message behind it is refused too.
        const [, behind] = yield* Effect.all([Effect.flip(counter.boom()), Effect.flip(counter.add(1))], {
          concurrency: 2
        })
        expect(behind).toMatchObject({ _tag: "ActorStopped" })
        expect(behind.message).toContain('more than 3 restarts in 10s; last failure in "boom": Error: boom')
        expect(yield* system.inspect(counter.address)).toMatchObject({ state: "stopped", restarts: 3, mailbox: 0 })
        expect((yield* system.inspect(counter.address)).failures).toHaveLength(4)
        expect(yield* Effect.flip(counter.tell.add(1))).toMatchObject({ _tag: "ActorStopped" })
        expect(yield* system.restart(counter.address)).toMatchObject({ state: "idle", restarts: 4 })
        expect(yield* counter.add(1)).toBe(1)
        // And its intensity counts anew.
        yield* Effect.flip(counter.boom())
        yield* TestClock.adjust("1 second")
        expect(yield* counter.add(1)).toBe(1)
      })
    )
  )

  it.effect("that is restarted by hand while it handles a message gives that message up and keeps the others", () =>
    run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const counter = system.ref(Counter, "c")
        const never = yield* Deferred.make<void>()
        const stuck = yield* Effect.forkChild(Effect.flip(counter.wait(never)))
        const waiting = yield* Effect.forkChild(counter.add(7))
        yield* Effect.yieldNow
        expect(yield* system.inspect(counter.address)).toMatchObject({ state: "running", waiting: ["add"] })
        yield* system.restart(counter.address)
        expect(yield* Fiber.join(stuck)).toMatchObject({ _tag: "ActorFailed", cause: "it was restarted by hand" })
        expect(yield* Fiber.join(waiting)).toBe(7)
      })
    )
  )

  it.effect("takes no notice of an async handler that ends after its actor was restarted", () => {
    let finish: (state: number) => void = () => undefined
    const Late = Actor.actor("late", {
      state: 0,
      wait: () => new Promise<number>((resolve) => (finish = resolve)),
      get: (state) => state
    })
    return run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const late = system.ref(Late, "l")
        const stuck = yield* Effect.forkChild(Effect.flip(late.wait()))
        yield* Effect.yieldNow
        yield* system.restart(late.address)
        expect(yield* Fiber.join(stuck)).toMatchObject({ _tag: "ActorFailed" })
        finish(99)
        yield* Effect.yieldNow
        expect(yield* late.get()).toBe(0)
        expect((yield* system.inspect(late.address)).processed).toBe(1)
      })
    )
  })

  it.effect("gives each handler that makes something of its context a context of its own", () => {
    const contexts: Array<Actor.ActorContext> = []
    const Keeper = Actor.actor("keeper", {
      state: 0,
      ref: (state, _: void, context) => {
        contexts.push(context)
        context.ref(Counter, "c")
        return state
      },
      signal: (state, _: void, context) => {
        contexts.push(context)
        return context.signal.aborted ? -1 : state
      }
    })
    return run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        for (const name of ["a", "b"]) {
          yield* system.ref(Keeper, name).ref()
          yield* system.ref(Keeper, name).signal()
        }
        expect(contexts.map(({ messageName, name }) => `${name} ${messageName}`)).toEqual([
          "a ref",
          "a signal",
          "b ref",
          "b signal"
        ])
      })
    )
  })

  it.effect("refuses what its mailbox has no room for, and takes more once it has", () => {
    const Small = Actor.actor(
      "small",
      {
        state: 0,
        wait: (state, latch: Deferred.Deferred<void>) => Effect.as(Deferred.await(latch), state),
        add: (state, n: number) => state + n
      },
      { mailboxCapacity: 2 }
    )
    return run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const small = system.ref(Small, "s")
        const latch = yield* Deferred.make<void>()
        yield* Effect.forkChild(small.wait(latch))
        yield* Effect.yieldNow
        yield* small.tell.add(1)
        yield* small.tell.add(1)
        expect(yield* Effect.flip(small.tell.add(1))).toMatchObject({ _tag: "MailboxFull", capacity: 2 })
        expect(yield* Effect.flip(small.add(1))).toMatchObject({ _tag: "MailboxFull" })
        expect((yield* system.deadLetters).map(({ messageName }) => messageName)).toEqual(["add", "add"])
        yield* Deferred.succeed(latch, undefined)
        yield* Effect.yieldNow
        expect(yield* small.add(1)).toBe(3)
      })
    )
  })

  it.effect("whose asker is interrupted has its handler interrupted, and lives on with its state", () =>
    run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const counter = system.ref(Counter, "c")
        yield* counter.add(3)
        const asker = yield* Effect.forkChild(counter.wait(yield* Deferred.make<void>()))
        yield* Effect.yieldNow
        expect((yield* system.inspect(counter.address)).state).toBe("running")
        yield* Fiber.interrupt(asker)
        expect(yield* counter.add(1)).toBe(4)
        expect(yield* system.inspect(counter.address)).toMatchObject({ restarts: 0, failures: [] })
      })
    )
  )

  it.effect("does not handle an ask whose asker has given up before its turn", () =>
    run(
      Effect.gen(function* () {
        const counter = (yield* ActorSystem).ref(Counter, "c")
        const latch = yield* Deferred.make<void>()
        yield* Effect.forkChild(counter.wait(latch))
        yield* Effect.yieldNow
        const asker = yield* Effect.forkChild(counter.add(100))
        yield* Effect.yieldNow
        yield* Fiber.interrupt(asker)
        yield* Deferred.succeed(latch, undefined)
        yield* Effect.yieldNow
        expect(yield* counter.add(1)).toBe(1)
      })
    )
  )

  it.effect("aborts the signal of an async handler whose asker is interrupted", () => {
    let aborted = false
    const Fetcher = Actor.actor("fetcher", {
      state: 0,
      fetch: (state, _: void, { signal }) =>
        new Promise<number>((resolve) => {
          signal.addEventListener("abort", () => {
            aborted = true
            resolve(state)
          })
        })
    })
    return run(
      Effect.gen(function* () {
        const fetcher = (yield* ActorSystem).ref(Fetcher, "f")
        const asker = yield* Effect.forkChild(fetcher.fetch())
        yield* Effect.yieldNow
        yield* Fiber.interrupt(asker)
        expect(aborted).toBe(true)
      })
    )
  })

  it.effect("puts a tell that its handler fails or crashes on among the dead letters", () =>
    run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const Failing = Actor.actor("failing", {
          state: 0,
          fail: () => Effect.fail("expected") as Effect.Effect<number, string>,
          boom: (): number => {
            throw new Error("crash")
          }
        })
        const failing = system.ref(Failing, "f")
        yield* failing.tell.fail()
        yield* failing.tell.boom()
        yield* Effect.yieldNow
        const reasons = (yield* system.deadLetters).map(({ reason }) => reason)
        expect(reasons).toEqual([
          "its handler crashed: Error: crash",
          "its handler failed, and a tell has no asker: expected"
        ])
      })
    )
  )

  it.effect("jitters its backoff by the randomness of the system, so that a seed replays it", () => {
    const Jittery = Actor.actor(
      "jittery",
      {
        state: 0,
        boom: (): number => {
          throw new Error("boom")
        },
        get: (state) => state
      },
      { supervision: { backoffMin: "1 second", jitter: 1 } }
    )
    const backAfter = (seed: number) =>
      run(
        Effect.gen(function* () {
          const system = yield* ActorSystem
          const jittery = system.ref(Jittery, "j")
          yield* Effect.flip(jittery.boom())
          for (let ms = 0; ms < 1_000; ms++) {
            if ((yield* system.inspect(jittery.address)).state === "idle") return ms
            yield* TestClock.adjust(1)
          }
          return -1
        })
      ).pipe(Random.withSeed(seed), Effect.provide(TestClock.layer()))
    return Effect.gen(function* () {
      const waits = [yield* backAfter(1), yield* backAfter(1), yield* backAfter(2), yield* backAfter(3)]
      expect(waits[0]).toBe(waits[1])
      expect(new Set(waits).size).toBeGreaterThan(1)
      for (const wait of waits) expect(wait).toBeGreaterThanOrEqual(0)
    })
  })
})
