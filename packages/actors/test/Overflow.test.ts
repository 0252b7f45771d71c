import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber } from "effect"
import * as fc from "fast-check"
import * as Actor from "../src/Actor.ts"
import { ActorSystem } from "../src/ActorSystem.ts"

const run = <A, E>(effect: Effect.Effect<A, E, ActorSystem>) =>
  Effect.provide(effect, ActorSystem.layerWithoutStorage())

/** An actor that notes what it handles, and is busy until its latch opens. */
const busy = (overflow: Actor.Overflow, mailboxCapacity: number) => {
  const handled: Array<number> = []
  const Busy = Actor.actor(
    "busy",
    {
      state: 0,
      note: (state, n: number) => {
        handled.push(n)
        return state
      },
      wait: (state, latch: Deferred.Deferred<void>) => Effect.as(Deferred.await(latch), state)
    },
    { overflow, mailboxCapacity }
  )
  return Effect.gen(function* () {
    const system = yield* ActorSystem
    const ref = system.ref(Busy, "b")
    const latch = yield* Deferred.make<void>()
    const waiting = yield* Effect.forkChild(ref.wait(latch))
    yield* Effect.yieldNow
    const release = Effect.andThen(Deferred.succeed(latch, undefined), Fiber.join(waiting))
    return { system, ref, handled, release }
  })
}

const tagOf = (exit: Exit.Exit<unknown, { readonly _tag: string }>): string =>
  Exit.isSuccess(exit) ? "ok" : (Exit.findErrorOption(exit) as { readonly value: { readonly _tag: string } }).value._tag

/** What is handled and what each sender hears, by the words of the documentation. */
const model = (overflow: Actor.Overflow, capacity: number, asks: ReadonlyArray<boolean>) => {
  let box: Array<number> = []
  const outcomes = asks.map(() => "ok")
  let dead = 0
  for (const [n, ask] of asks.entries()) {
    if (box.length < capacity || overflow === "backpressure") box.push(n)
    else if (overflow === "dropOldest") {
      const [oldest] = box
      if (asks[oldest!]!) outcomes[oldest!] = "MailboxFull"
      box = [...box.slice(1), n]
      dead++
    } else {
      if (ask || overflow === "fail") outcomes[n] = "MailboxFull"
      dead++
    }
  }
  return { handled: box, outcomes, dead }
}

describe("a full mailbox", () => {
  it.effect("does with each message what its definition says, for tells and asks", () =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(
          fc.constantFrom<Actor.Overflow>("fail", "dropOldest", "dropNewest", "backpressure"),
          fc.integer({ min: 1, max: 40 }),
          fc.array(fc.boolean(), { maxLength: 100 }),
          (overflow, capacity, asks) =>
            Effect.runPromise(
              run(
                Effect.gen(function* () {
                  const { handled, ref, release, system } = yield* busy(overflow, capacity)
                  const senders = []
                  for (const [n, ask] of asks.entries()) {
                    senders.push(
                      yield* Effect.forkChild(Effect.exit<unknown, any, never>(ask ? ref.note(n) : ref.tell.note(n)))
                    )
                    yield* Effect.yieldNow
                  }
                  expect((yield* system.inspect(ref.address)).mailbox).toBeLessThanOrEqual(capacity)
                  yield* release
                  while ((yield* system.inspect(ref.address)).mailbox > 0) yield* Effect.yieldNow
                  const outcomes = []
                  for (const sender of senders) outcomes.push(tagOf(yield* Fiber.join(sender)))
                  const expected = model(overflow, capacity, asks)
                  expect(handled).toEqual(expected.handled)
                  expect(outcomes).toEqual(expected.outcomes)
                  expect(yield* system.deadLetters).toHaveLength(expected.dead)
                })
              )
            )
        ),
        { numRuns: 200 }
      )
    )
  )

  it.effect("lets senders wait, in order, but not those that gave up", () =>
    run(
      Effect.gen(function* () {
        const { handled, ref, release } = yield* busy("backpressure", 1)
        yield* ref.tell.note(0)
        const senders = []
        for (const n of [1, 2, 3]) {
          senders.push(yield* Effect.forkChild(ref.tell.note(n)))
          yield* Effect.yieldNow
        }
        expect(senders[0]!.pollUnsafe()).toBeUndefined()
        yield* Fiber.interrupt(senders[1]!)
        yield* release
        yield* Fiber.join(senders[2]!)
        yield* ref.note(4)
        expect(handled).toEqual([0, 1, 3, 4])
      })
    )
  )

  it.effect("lets nobody in before the senders that wait, not even one that goes on while the actor has its turn", () =>
    run(
      Effect.gen(function* () {
        const { handled, ref, release } = yield* busy("backpressure", 1)
        // Its answer lets it go on at once, when there is room and the other one still waits.
        const first = yield* Effect.forkChild(Effect.andThen(ref.note(0), ref.tell.note(9)))
        yield* Effect.yieldNow
        const second = yield* Effect.forkChild(ref.tell.note(1))
        yield* Effect.yieldNow
        yield* release
        yield* Fiber.join(first)
        yield* Fiber.join(second)
        yield* ref.note(10)
        expect(handled).toEqual([0, 1, 9, 10])
      })
    )
  )

  it.effect("refuses the senders that wait when its actor stops", () =>
    run(
      Effect.gen(function* () {
        const { ref, release, system } = yield* busy("backpressure", 1)
        yield* ref.tell.note(0)
        const telling = yield* Effect.forkChild(Effect.flip(ref.tell.note(1)))
        const asking = yield* Effect.forkChild(Effect.flip(ref.note(2)))
        yield* Effect.yieldNow
        const stopping = yield* Effect.forkChild(system.stop(ref.address))
        yield* Effect.yieldNow
        expect(yield* Fiber.join(telling)).toMatchObject({ _tag: "ActorStopped" })
        expect(yield* Fiber.join(asking)).toMatchObject({ _tag: "ActorStopped" })
        yield* release
        yield* Fiber.join(stopping)
        yield* system.restart(ref.address)
        yield* ref.tell.note(3)
        expect(yield* ref.note(4)).toBe(0)
      })
    )
  )

  it("refuses the tell of a PromiseRef, which cannot wait", async () => {
    const Slow = Actor.actor(
      "slow",
      { state: 0, wait: (state, until: Promise<void>) => until.then(() => state) },
      { overflow: "backpressure", mailboxCapacity: 1 }
    )
    const system = await ActorSystem.start({ freeze: false })
    let release = () => {}
    const until = new Promise<void>((resolve) => (release = resolve))
    const slow = system.ref(Slow, "s")
    const first = slow.wait(until)
    slow.tell.wait(until)
    expect(() => slow.tell.wait(until)).toThrow("is full (1 messages)")
    const waiting = slow.wait(until)
    release()
    expect(await Promise.all([first, waiting])).toEqual([0, 0])
    await system.stop()
  })
})
