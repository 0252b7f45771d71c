import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as Actor from "../src/Actor.ts"
import * as ActorStorageMemory from "../src/ActorStorageMemory.ts"
import { ActorSystem } from "../src/ActorSystem.ts"

interface Line {
  readonly open: boolean
  readonly sent: ReadonlyArray<string>
}

// Sends once it is open; what comes before waits.
const Line = Actor.actor(
  "line",
  {
    state: { open: false, sent: [] } as Line,
    send: (state, text: string, context) => {
      if (state.open) return Actor.reply({ ...state, sent: [...state.sent, text] }, `sent ${text}`)
      context.stash()
      return Actor.reply(state, "never seen")
    },
    open: (state, _: void, context) => {
      context.unstash()
      return { ...state, open: true }
    },
    boom: (): Line => {
      throw new Error("boom")
    },
    end: (state, _: void, context) => {
      context.end()
      return state
    },
    sent: (state) => Actor.reply(state, state.sent)
  },
  {
    mailboxCapacity: 4,
    supervision: { backoffMin: "1 second", jitter: 0 },
    passivateAfter: "20 seconds",
    askTimeout: "10 minutes"
  }
)

const run = <A, E>(effect: Effect.Effect<A, E, ActorSystem>) =>
  Effect.provide(effect, Layer.provide(ActorSystem.layer(), ActorStorageMemory.layer))

const line = Effect.map(ActorSystem, (system) => system.ref(Line, "l"))

/** Waits until all that is ready has run. */
const settled = TestClock.adjust(0)

describe("a message that was set aside", () => {
  it.effect(
    "is handled when its actor is ready for it, before those that came later, and its asker gets that answer",
    () =>
      run(
        Effect.gen(function* () {
          const l = yield* line
          const a = yield* Effect.forkChild(l.send("a"))
          const b = yield* Effect.forkChild(l.send("b"))
          yield* settled
          expect(a.pollUnsafe()).toBeUndefined()
          yield* l.tell.open()
          yield* l.tell.send("c")
          expect(yield* Fiber.join(a)).toBe("sent a")
          expect(yield* Fiber.join(b)).toBe("sent b")
          expect(yield* l.sent()).toEqual(["a", "b", "c"])
        })
      )
  )

  it.effect("is not handled when its asker has given up meanwhile", () =>
    run(
      Effect.gen(function* () {
        const l = yield* line
        const a = yield* Effect.forkChild(l.send("a"))
        yield* l.tell.send("b")
        yield* settled
        yield* Fiber.interrupt(a)
        yield* l.open()
        expect(yield* l.sent()).toEqual(["b"])
      })
    )
  )

  it.effect("keeps its deadline", () =>
    run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const l = system.ref(Line, "l", { timeout: "5 seconds" })
        const a = yield* Effect.forkChild(Effect.flip(l.send("a")))
        yield* TestClock.adjust("6 seconds")
        expect((yield* Fiber.join(a))._tag).toBe("AskTimeout")
      })
    )
  )

  it.effect("keeps its actor in memory, and is handled again after a restart", () =>
    run(
      Effect.gen(function* () {
        const l = yield* line
        const a = yield* Effect.forkChild(l.send("a"))
        yield* TestClock.adjust("1 minute")
        const system = yield* ActorSystem
        expect(system.totals().passivated).toBe(0)
        yield* l.tell.boom()
        yield* TestClock.adjust("2 seconds")
        expect(a.pollUnsafe()).toBeUndefined()
        yield* l.open()
        expect(yield* Fiber.join(a)).toBe("sent a")
      })
    )
  )

  it.effect("belongs to the next life when its actor ends, and is refused when it stops", () =>
    run(
      Effect.gen(function* () {
        const l = yield* line
        const a = yield* Effect.forkChild(l.send("a"))
        yield* settled
        yield* l.end()
        yield* settled
        expect(a.pollUnsafe()).toBeUndefined()
        const system = yield* ActorSystem
        yield* system.stop(l.address)
        const exit = yield* Effect.exit(Fiber.join(a))
        expect(Exit.isFailure(exit) && String(exit.cause)).toContain("ActorStopped")
      })
    )
  )

  it.effect("is one of at most as many as may wait in the mailbox; the next one crashes its handler", () =>
    run(
      Effect.gen(function* () {
        const l = yield* line
        for (const text of ["a", "b", "c", "d"]) {
          yield* l.tell.send(text)
          yield* settled
        }
        const error = yield* Effect.flip(l.send("e"))
        expect(error._tag).toBe("ActorFailed")
        expect(error.message).toContain("has set 4 messages aside, and may no more")
        yield* TestClock.adjust("2 seconds")
        yield* l.open()
        yield* settled
        expect(yield* l.sent()).toEqual(["a", "b", "c", "d"])
      })
    )
  )

  it.effect("still holds its asker up: an ask of its handler that would wait for that one is a cycle", () =>
    run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const ask = (address: string) =>
          Effect.flatMap(ActorSystem, (system) => system.askUnknown(`continuum://local/${address}`, "work", undefined))
        const tags: Array<string> = []
        const First = Actor.actor("first", { state: 0, work: (state) => Effect.as(ask("second/s"), state) })
        const Second = Actor.actor("second", {
          state: 0,
          work: (state, _: void, context) => {
            context.stash()
            return Effect.map(Effect.flip(ask("first/f")), ({ _tag }) => {
              tags.push(_tag)
              return state
            })
          }
        })
        yield* system.register(Second)
        const first = yield* Effect.forkChild(system.ref(First, "f").work())
        yield* settled
        expect(tags).toEqual(["AskCycle"])
        yield* Fiber.interrupt(first)
      })
    )
  )

  it.effect("cannot be the start of an actor", () =>
    Effect.gen(function* () {
      const Odd = Actor.actor(
        "odd",
        { state: 0, get: (state) => state },
        {
          start: (state, context) => {
            context.stash()
            return state
          },
          supervision: { intensity: 0 }
        }
      )
      const system = yield* ActorSystem
      const error = yield* Effect.flip(system.ref(Odd, "o").get())
      expect(error.message).toContain("no message that can be set aside now")
    }).pipe(Effect.provide(ActorSystem.layerWithoutStorage()))
  )

  it.effect("is handled once more, also when it is set aside again after it was brought back", () =>
    Effect.gen(function* () {
      let handled = 0
      const Again = Actor.actor("again", {
        state: 0,
        put: (state, _: void, context) => {
          handled++
          if (handled > 1) return state
          context.stash()
          context.unstash()
          context.stash()
          return state
        },
        free: (state, _: void, context) => {
          context.unstash()
          return state
        },
        get: (state) => state
      })
      const again = (yield* ActorSystem).ref(Again, "a")
      yield* again.tell.put()
      yield* again.get()
      yield* again.free()
      yield* again.get()
      expect(handled).toBe(2)
    }).pipe(Effect.provide(ActorSystem.layerWithoutStorage()))
  )

  it.effect(
    "that comes back to a full mailbox makes room for newer ones by the rule of the definition, and nothing vanishes",
    () =>
      Effect.gen(function* () {
        const gate = yield* Deferred.make<void>()
        let fifth: Effect.Effect<void> = Effect.void
        const Gate = Actor.actor(
          "gate",
          {
            state: { open: false, seen: [] as ReadonlyArray<number> },
            put: (state, n: number, context) => {
              if (state.open) return Actor.reply({ ...state, seen: [...state.seen, n] })
              context.stash()
              return Actor.reply(state)
            },
            open: (state, _: void, context) =>
              Effect.gen(function* () {
                yield* Deferred.await(gate)
                context.unstash()
                // The mailbox holds twice its capacity now.
                yield* fifth
                return { ...state, open: true }
              }),
            seen: (state) => Actor.reply(state, state.seen)
          },
          { mailboxCapacity: 2, overflow: "dropOldest" }
        )
        const system = yield* ActorSystem
        const ref = system.ref(Gate, "g")
        yield* ref.tell.put(1)
        yield* ref.tell.put(2)
        yield* ref.seen()
        const opened = yield* Effect.forkChild(ref.open())
        yield* settled
        yield* ref.tell.put(3)
        yield* ref.tell.put(4)
        fifth = Effect.orDie(ref.tell.put(5))
        yield* Deferred.succeed(gate, undefined)
        yield* Fiber.join(opened)
        const seen = yield* ref.seen()
        // Nothing vanishes: the newest is handled, and what is not handled is a dead letter.
        expect(seen).toContain(5)
        expect(seen.length + (yield* system.deadLetters).length).toBe(5)
      }).pipe(Effect.provide(ActorSystem.layerWithoutStorage()))
  )
})
