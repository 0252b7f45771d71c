import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as Actor from "../src/Actor.ts"
import * as ActorStorageMemory from "../src/ActorStorageMemory.ts"
import { ActorSystem } from "../src/ActorSystem.ts"
import * as Limits from "../src/Limits.ts"

class Refused extends Error {
  readonly _tag = "Refused"
}

let interrupted = 0

const Job = Actor.actor(
  "job",
  {
    state: 0,
    work: (state, latch: Deferred.Deferred<void>) => Effect.as(Deferred.await(latch), state + 1),
    progress: (state) => Actor.reply(state, `step ${state}`),
    slowly: (state, latch: Deferred.Deferred<void>) =>
      Deferred.await(latch).pipe(
        Effect.onInterrupt(() => Effect.sync(() => interrupted++)),
        Effect.as(Actor.reply(state, state))
      ),
    refuse: () => Effect.fail(new Refused()),
    change: (state: number) => state + 100,
    boom: (): number => {
      throw new Error("boom")
    },
    // Asks another one, which asks back for the progress of this one.
    roundTrip: (state) =>
      Effect.gen(function* () {
        const system = yield* ActorSystem
        return Actor.reply(state, yield* Effect.orDie(system.ref(Watcher, "w").look("continuum://local/job/j")))
      })
  },
  { reentrant: ["progress", "slowly", "refuse", "change", "boom"], askTimeout: "1 minute" }
)

const Watcher: Actor.Actor<"watcher", number, { readonly look: Actor.MessageType<string, unknown, any> }, never> =
  Actor.actor("watcher", {
    state: 0,
    look: (state, address: string) =>
      Effect.gen(function* () {
        const system = yield* ActorSystem
        return Actor.reply(state, yield* system.askUnknown(address, "progress", undefined))
      })
  }) as never

const run = <A, E>(effect: Effect.Effect<A, E, ActorSystem>) =>
  Effect.provide(effect, Layer.provide(ActorSystem.layer(), ActorStorageMemory.layer))

const busy = Effect.gen(function* () {
  const system = yield* ActorSystem
  const job = system.ref(Job, "j")
  const latch = yield* Deferred.make<void>()
  const work = yield* Effect.forkChild(job.work(latch))
  yield* TestClock.adjust(0)
  return { system, job, latch, work }
})

describe("a reentrant message", () => {
  it.effect("is handled while another one is, with the last state that was reached", () =>
    run(
      Effect.gen(function* () {
        const { job, latch, work } = yield* busy
        expect(yield* job.progress()).toBe("step 0")
        yield* Deferred.succeed(latch, undefined)
        expect(yield* Fiber.join(work)).toBe(1)
        expect(yield* job.progress()).toBe("step 1")
      })
    )
  )

  it.effect("may take its time, and does not hold up the handler that it runs beside", () =>
    run(
      Effect.gen(function* () {
        const { job, latch, work } = yield* busy
        const slow = yield* Deferred.make<void>()
        const answer = yield* Effect.forkChild(job.slowly(slow))
        yield* TestClock.adjust(0)
        yield* Deferred.succeed(latch, undefined)
        expect(yield* Fiber.join(work)).toBe(1)
        yield* Deferred.succeed(slow, undefined)
        expect(yield* Fiber.join(answer)).toBe(0)
      })
    )
  )

  it.effect("must not change the state, may fail as expected and may crash, and its actor goes on", () =>
    run(
      Effect.gen(function* () {
        const { job, latch, system, work } = yield* busy
        const changed = yield* Effect.flip(job.change())
        expect(changed.message).toContain("must not change the state")
        expect((yield* Effect.flip(job.refuse()))._tag).toBe("Refused")
        expect((yield* Effect.flip(job.boom()))._tag).toBe("ActorFailed")
        yield* Deferred.succeed(latch, undefined)
        expect(yield* Fiber.join(work)).toBe(1)
        expect((yield* system.inspect(job.address)).restarts).toBe(0)
      })
    )
  )

  it.effect("closes no cycle of asks: what is asked further down the chain may ask back", () =>
    run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        yield* system.register(Watcher)
        expect(yield* system.ref(Job, "j").roundTrip()).toBe("step 0")
      })
    )
  )

  it.effect("is interrupted when its asker gives up, and ends with the life in which it began", () =>
    run(
      Effect.gen(function* () {
        const { job, system } = yield* busy
        interrupted = 0
        const latch = yield* Deferred.make<void>()
        const one = yield* Effect.forkChild(job.slowly(latch))
        yield* TestClock.adjust(0)
        yield* Fiber.interrupt(one)
        expect(interrupted).toBe(1)
        const other = yield* Effect.forkChild(Effect.flip(job.slowly(latch)))
        yield* TestClock.adjust(0)
        yield* system.stop(job.address).pipe(Effect.forkChild)
        yield* TestClock.adjust("10 seconds")
        expect((yield* Fiber.join(other))._tag).toBe("ActorStopped")
        expect(interrupted).toBe(2)
      })
    )
  )

  it.effect("does not wait behind a message that has not begun, which would keep it waiting", () =>
    run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const job = system.ref(Job, "early")
        const latch = yield* Deferred.make<void>()
        yield* job.tell.work(latch)
        expect(yield* job.progress()).toBe("step 0")
        yield* Deferred.succeed(latch, undefined)
        yield* TestClock.adjust(0)
        expect(yield* job.progress()).toBe("step 1")
      })
    )
  )

  it.effect("is one of a bounded number, and the next one is refused", () =>
    run(
      Effect.gen(function* () {
        const { job, latch: working } = yield* busy
        const latch = yield* Deferred.make<void>()
        for (let i = 0; i < Limits.reentrantMax; i++) yield* Effect.forkChild(job.slowly(latch))
        yield* TestClock.adjust(0)
        const refused = yield* Effect.flip(job.progress())
        yield* Deferred.succeed(working, undefined)
        expect(refused._tag).toBe("MailboxFull")
      })
    )
  )

  it("names a message that the definition has", () => {
    expect(() =>
      Actor.actor("x", { state: 0, get: (state: number) => state }, { reentrant: ["git" as "get"] })
    ).toThrow('no message "git"')
  })
})

describe("an urgent message", () => {
  it.effect("is handled before those that wait, and behind urgent ones", () =>
    run(
      Effect.gen(function* () {
        const Log = Actor.actor(
          "log",
          {
            state: [] as ReadonlyArray<string>,
            wait: (state, latch: Deferred.Deferred<void>) => Effect.as(Deferred.await(latch), state),
            add: (state, text: string) => [...state, text],
            now: (state, text: string) => [...state, text]
          },
          { urgent: ["now"] }
        )
        const system = yield* ActorSystem
        const log = system.ref(Log, "l")
        const latch = yield* Deferred.make<void>()
        yield* log.tell.wait(latch)
        yield* TestClock.adjust(0)
        for (const text of ["a", "b"]) yield* log.tell.add(text)
        for (const text of ["u", "v"]) yield* log.tell.now(text)
        yield* Deferred.succeed(latch, undefined)
        expect(yield* log.add("c")).toEqual(["u", "v", "a", "b", "c"])
      })
    )
  )
})
