import { describe, expect, it } from "@effect/vitest"
import { Context, Deferred, Effect, Exit, Fiber, Layer, Schema, Scope } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { TestClock } from "effect/testing"
import * as Actor from "../src/Actor.ts"
import { ActorStorage, StorageFailed } from "../src/ActorStorage.ts"
import * as ActorStorageMemory from "../src/ActorStorageMemory.ts"
import { ActorSystem } from "../src/ActorSystem.ts"
import * as Limits from "../src/Limits.ts"
import * as Simulation from "../src/testing/Simulation.ts"
import * as DeliveryPair from "./support/DeliveryPair.ts"

interface Setting {
  readonly key: string
  readonly when: Actor.ReminderOptions
  readonly messageName?: string
  readonly payload?: unknown
}

const ids: Array<string> = []

const Diary = Actor.actor(
  "diary",
  {
    state: [] as ReadonlyArray<string>,
    set: (state, { key, messageName, payload, when }: Setting, context) => {
      context.setReminder(key, when, messageName ?? "rang", payload)
      return state
    },
    cancel: (state, key: string, context) => {
      context.cancelReminder(key)
      return state
    },
    rang: (state, payload: string, { reminder }) => {
      if (reminder !== undefined) ids.push(reminder.id)
      return [...state, `${payload}@${reminder?.dueMs}`]
    },
    broken: (_, __: unknown, { reminder }): ReadonlyArray<string> => {
      ids.push(reminder!.id)
      throw new Error("broken")
    },
    refuse: (_, __: unknown, context) => {
      context.setReminder("more", { after: 0 }, "rang", "more")
      return Effect.fail("refused" as const)
    },
    setAndCrash: (_, setting: Setting, context): ReadonlyArray<string> => {
      context.setReminder(setting.key, setting.when, "rang", setting.payload)
      throw new Error("after all")
    },
    later: (state, _: unknown, context) => {
      context.stash()
      return state
    },
    open: (state, _: void, context) => {
      context.unstash()
      return state
    },
    wait: (state, latch: Deferred.Deferred<void>) => Effect.as(Deferred.await(latch), state),
    get: (state) => state
  },
  {
    supervision: { backoffMin: "1 second", backoffFactor: 1, jitter: 0 },
    passivateAfter: "20 seconds",
    askTimeout: "Infinity",
    mailboxCapacity: 4
  }
)

type Storage = ActorStorage["Service"]

/** A life of a system over these states. */
const life = (states: Map<string, Uint8Array>, change: (storage: Storage) => Storage = (it) => it) =>
  Effect.gen(function* () {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const storage = Layer.sync(ActorStorage, () => change(ActorStorageMemory.make(states)))
    const context = yield* Layer.buildWithScope(Layer.provide(ActorSystem.layer(), storage), scope)
    const system = Context.get(context, ActorSystem)
    return { system, diary: system.ref(Diary, "d"), stop: Scope.close(scope, Exit.void) }
  })

const stored = (states: Map<string, Uint8Array>) => [...states.keys()].filter((key) => key.startsWith("~remind/"))
const address = "continuum://local/diary/d"

describe("a reminder", () => {
  it.effect("is due once at its time or after its duration, or again and again, and is gone when it was handled", () =>
    Effect.gen(function* () {
      const states = new Map<string, Uint8Array>()
      const { diary, system } = yield* life(states)
      yield* diary.set({ key: "at", when: { at: new Date(10_000) }, payload: "at" })
      yield* diary.set({ key: "after", when: { after: "2 seconds" }, payload: "after" })
      yield* diary.set({ key: "every", when: { every: "4 seconds" }, payload: "every" })
      yield* diary.set({ key: "past", when: { at: -5 }, payload: "past" })
      expect(system.totals()).toMatchObject({ reminders: 4, reminded: 0 })
      yield* TestClock.adjust("3999 millis")
      expect(yield* diary.get()).toEqual(["past@-5", "after@2000"])
      yield* TestClock.adjust("6001 millis")
      expect(yield* diary.get()).toEqual(["past@-5", "after@2000", "every@4000", "every@8000", "at@10000"])
      expect(stored(states)).toEqual([`~remind/${address}/every`])
      expect(system.totals()).toMatchObject({ reminders: 1, reminded: 5 })
    })
  )

  it.effect("survives its system; what was missed is due once, and the rhythm stays", () =>
    Effect.gen(function* () {
      const states = new Map<string, Uint8Array>()
      const first = yield* life(states)
      yield* first.diary.set({ key: "once", when: { after: "1 minute" }, payload: "once" })
      yield* first.diary.set({ key: "every", when: { every: "10 seconds" }, payload: "every" })
      yield* first.diary.set({ key: "far", when: { after: "10 minutes" }, payload: "far" })
      yield* first.diary.set({ key: "cancelled", when: { after: "1 minute" }, payload: "cancelled" })
      yield* first.diary.cancel("cancelled")
      yield* first.stop
      yield* TestClock.adjust("65 seconds")
      const { diary } = yield* life(states)
      yield* TestClock.adjust(1)
      expect(yield* diary.get()).toEqual(["every@10000", "once@60000"])
      yield* TestClock.adjust("4999 millis")
      expect(yield* diary.get()).toEqual(["every@10000", "once@60000", "every@70000"])
      yield* TestClock.adjust("10 minutes")
      expect(yield* diary.get()).toContain("far@600000")
    })
  )

  it.effect("waits until its type is known", () =>
    Effect.gen(function* () {
      const states = new Map<string, Uint8Array>()
      const first = yield* life(states)
      yield* first.diary.set({ key: "once", when: { after: "1 second" }, payload: "once" })
      yield* first.stop
      yield* TestClock.adjust("1 minute")
      const scope = yield* Effect.scope
      const storage = Layer.succeed(ActorStorage, ActorStorageMemory.make(states))
      const system = Context.get(
        yield* Layer.buildWithScope(Layer.provide(ActorSystem.layer(), storage), scope),
        ActorSystem
      )
      yield* TestClock.adjust("1 hour")
      expect(system.totals()).toMatchObject({ reminders: 1, activeActors: 0 })
      yield* system.register(Diary)
      yield* TestClock.adjust(1)
      expect(yield* system.ref(Diary, "d").get()).toEqual(["once@1000"])
    })
  )

  it.effect("brings an actor back that has left memory", () =>
    Effect.gen(function* () {
      const { diary, system } = yield* life(new Map())
      yield* diary.set({ key: "far", when: { after: "1 hour" }, payload: "far" })
      yield* TestClock.adjust("5 minutes")
      expect(system.totals()).toMatchObject({ activeActors: 0, passivated: 1 })
      yield* TestClock.adjust("55 minutes")
      expect(system.totals()).toMatchObject({ activeActors: 1, reminded: 1, reminders: 0 })
      expect(yield* diary.get()).toEqual(["far@3600000"])
    })
  )

  it.effect(
    "takes the place of an earlier one of its key, and is not handled once it is cancelled, though it waits",
    () =>
      Effect.gen(function* () {
        const states = new Map<string, Uint8Array>()
        const { diary } = yield* life(states)
        yield* diary.set({ key: "k", when: { after: "1 second" }, payload: "first" })
        yield* diary.set({ key: "k", when: { after: "2 seconds" }, payload: "second" })
        yield* TestClock.adjust("1 second")
        expect(yield* diary.get()).toEqual([])
        const latch = yield* Deferred.make<void>()
        const waiting = yield* Effect.forkChild(diary.wait(latch))
        yield* Effect.yieldNow
        const cancelling = yield* Effect.forkChild(diary.cancel("k"))
        yield* Effect.yieldNow
        yield* TestClock.adjust("5 seconds")
        yield* Deferred.succeed(latch, undefined)
        yield* Fiber.join(waiting)
        yield* Fiber.join(cancelling)
        expect(yield* diary.get()).toEqual([])
        expect(stored(states)).toEqual([])
      })
  )

  it.effect("that an actor sets anew in the same rhythm goes on in it", () =>
    Effect.gen(function* () {
      const { diary } = yield* life(new Map())
      yield* diary.set({ key: "k", when: { every: "10 seconds" }, payload: "a" })
      yield* TestClock.adjust("6 seconds")
      yield* diary.set({ key: "k", when: { every: "10 seconds" }, payload: "a" })
      yield* TestClock.adjust("4 seconds")
      expect(yield* diary.get()).toEqual(["a@10000"])
      yield* TestClock.adjust("6 seconds")
      yield* diary.set({ key: "k", when: { every: "10 seconds" }, payload: "b" })
      yield* TestClock.adjust("4 seconds")
      expect(yield* diary.get()).toEqual(["a@10000"])
      yield* TestClock.adjust("6 seconds")
      expect(yield* diary.get()).toEqual(["a@10000", "b@26000"])
    })
  )

  it.effect("is not set by a handler that fails or crashes, and is handled when its own handler fails", () =>
    Effect.gen(function* () {
      const states = new Map<string, Uint8Array>()
      const { diary, system } = yield* life(states)
      yield* Effect.flip(diary.refuse(undefined))
      yield* Effect.flip(diary.setAndCrash({ key: "k", when: { after: 0 }, payload: "k" }))
      yield* TestClock.adjust("1 second")
      expect(stored(states)).toEqual([])
      yield* diary.set({ key: "k", when: { after: 0 }, messageName: "refuse" })
      yield* TestClock.adjust("1 minute")
      expect(stored(states)).toEqual([])
      expect(system.totals().reminded).toBe(1)
      expect(yield* diary.get()).toEqual([])
      const [letter] = yield* system.deadLetters
      expect(letter!.reason).toContain("its handler failed")
    })
  )

  it.effect("whose handler crashes comes again with the same id, and is given up after the third crash", () =>
    Effect.gen(function* () {
      ids.length = 0
      const states = new Map<string, Uint8Array>()
      const { diary, system } = yield* life(states)
      yield* diary.set({ key: "bad", when: { after: "1 second" }, messageName: "broken" })
      yield* diary.set({ key: "good", when: { after: "1 second" }, payload: "good" })
      yield* TestClock.adjust("1 minute")
      expect(ids.filter((id) => id === ids[0])).toHaveLength(Limits.reminderCrashesMax)
      expect(yield* diary.get()).toEqual(["good@1000"])
      expect(stored(states)).toEqual([])
      expect((yield* system.deadLetters).map(({ reason }) => reason)).toEqual([
        'the reminder "bad" is given up: its handler crashed 3 times'
      ])
    })
  )

  it.effect("in a rhythm goes on in it after one of its handlings was given up", () =>
    Effect.gen(function* () {
      ids.length = 0
      const { diary, system } = yield* life(new Map())
      yield* diary.set({ key: "bad", when: { every: "1 minute" }, messageName: "broken" })
      yield* TestClock.adjust("2 minutes")
      expect(ids).toHaveLength(4)
      expect(new Set(ids).size).toBe(2)
      yield* TestClock.adjust("10 seconds")
      expect(system.totals()).toMatchObject({ reminders: 1, deadLetters: 2 })
    })
  )

  it.effect("that was set aside is there until it is handled", () =>
    Effect.gen(function* () {
      const states = new Map<string, Uint8Array>()
      const { diary, stop } = yield* life(states)
      yield* diary.set({ key: "k", when: { after: "1 second" }, messageName: "later" })
      yield* TestClock.adjust("1 second")
      expect(yield* diary.get()).toEqual([])
      expect(stored(states)).toHaveLength(1)
      yield* stop
      expect(stored(states)).toHaveLength(1)
    })
  )

  it.effect("comes when its stopped actor starts again, and when its full mailbox has room", () =>
    Effect.gen(function* () {
      const { diary, system } = yield* life(new Map())
      yield* diary.set({ key: "k", when: { after: "1 second" }, payload: "k" })
      yield* system.stop(address)
      yield* TestClock.adjust("1 hour")
      expect(system.totals()).toMatchObject({ reminders: 1, reminded: 0 })
      yield* system.restart(address)
      expect(yield* diary.get()).toEqual(["k@1000"])
      yield* diary.set({ key: "k", when: { after: "1 second" }, payload: "again" })
      const latch = yield* Deferred.make<void>()
      const waiting = yield* Effect.forkChild(diary.wait(latch))
      yield* Effect.yieldNow
      for (let i = 0; i < 4; i++) yield* diary.tell.get()
      yield* TestClock.adjust("5 seconds")
      yield* Deferred.succeed(latch, undefined)
      yield* Fiber.join(waiting)
      yield* TestClock.adjust("1 second")
      expect(yield* diary.get()).toHaveLength(2)
      expect(yield* system.deadLetters).toEqual([])
    })
  )

  it.effect("that waits in the mailbox of an actor that is stopped comes when it starts again", () =>
    Effect.gen(function* () {
      const { diary, system } = yield* life(new Map())
      yield* diary.set({ key: "k", when: { after: "1 second" }, payload: "k" })
      const latch = yield* Deferred.make<void>()
      const waiting = yield* Effect.forkChild(Effect.exit(diary.wait(latch)))
      yield* TestClock.adjust("2 seconds")
      const stopping = yield* Effect.forkChild(system.stop(address))
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(stopping)
      yield* Fiber.join(waiting)
      yield* system.restart(address)
      expect(yield* diary.get()).toEqual(["k@1000"])
    })
  )

  it.effect("is there again when the storage refuses what its handler did, and gone when it refuses its setting", () =>
    Effect.gen(function* () {
      const states = new Map<string, Uint8Array>()
      let refuses = false
      const { diary, system } = yield* life(states, (storage) =>
        ActorStorage.of({
          ...storage,
          commit: (batch) =>
            refuses ? Effect.fail(new StorageFailed({ reason: "full for now" })) : storage.commit(batch)
        })
      )
      ids.length = 0
      yield* diary.set({ key: "once", when: { after: "1 second" }, payload: "once" })
      yield* diary.set({ key: "every", when: { every: "20 seconds" }, payload: "every" })
      refuses = true
      yield* Effect.flip(diary.set({ key: "never", when: { after: "2 seconds" }, payload: "never" }))
      yield* TestClock.adjust("4 seconds")
      refuses = false
      yield* TestClock.adjust("6 seconds")
      expect(yield* diary.get()).toEqual(["once@1000"])
      expect(ids.length).toBeGreaterThan(1)
      expect(new Set(ids).size).toBe(1)
      expect(system.totals().reminders).toBe(1)
      yield* TestClock.adjust("10 seconds")
      expect(yield* diary.get()).toEqual(["once@1000", "every@20000"])
      expect(yield* system.deadLetters).toHaveLength(1)
    })
  )

  it("is due by the wall clock: within a minute after a jump ahead, and as late as a jump back", async () => {
    const rangAfter = (jumpMs: number, sleeps: ReadonlyArray<number>) =>
      Simulation.run({ seed: 1 }, (world) =>
        Effect.gen(function* () {
          const node = yield* world.start("n")
          const diary = node.system.ref(Diary, "d")
          yield* node.run(Effect.suspend(() => diary.set({ key: "k", when: { after: "30 minutes" }, payload: "k" })))
          node.jumpClock(jumpMs)
          const rang: Array<number> = []
          for (const ms of sleeps) {
            yield* Effect.sleep(ms)
            rang.push((yield* node.run(Effect.suspend(() => diary.get()))).length)
          }
          return rang
        })
      )
    expect((await rangAfter(3_600_000, [1_000, 60_000])).exit).toEqual(Exit.succeed([0, 1]))
    expect((await rangAfter(-3_600_000, [80 * 60_000, 12 * 60_000])).exit).toEqual(Exit.succeed([0, 1]))
  })

  it.effect("is deleted with the state of its actor, shown by the inspector, and keeps its actor from being lent", () =>
    Effect.gen(function* () {
      const states = new Map<string, Uint8Array>()
      const [ant] = DeliveryPair.make()
      const storage = Layer.succeed(ActorStorage, ActorStorageMemory.make(states))
      const layer = Layer.provide(ActorSystem.layer({ delivery: ant.delivery, nodeName: "ant" }), storage)
      const system = Context.get(yield* Layer.build(layer), ActorSystem)
      const diary = system.ref(Diary, "d")
      yield* diary.set({ key: "b", when: { every: "1 hour" }, payload: "b" })
      yield* diary.set({ key: "a/ü", when: { after: "1 minute" }, payload: "a" })
      const shown = [
        { key: "a/ü", messageName: "rang", due: "1970-01-01T00:01:00.000Z" },
        { key: "b", messageName: "rang", due: "1970-01-01T01:00:00.000Z", everyMs: 3_600_000 }
      ]
      expect((yield* system.inspect(address)).reminders).toEqual(shown)
      expect((yield* Effect.flip(system.migrate(address, "bee"))).message).toContain("it has reminders")
      yield* TestClock.adjust("50 seconds")
      expect(system.totals().activeActors).toBe(0)
      expect((yield* system.inspect(address)).reminders).toEqual(shown)
      yield* system.forget(address)
      expect(states.size).toBe(0)
      yield* TestClock.adjust("2 hours")
      expect(system.totals()).toMatchObject({ reminders: 0, reminded: 0 })
    })
  )

  it.effect("that no message, payload or time fits is refused, as is one too many", () =>
    Effect.gen(function* () {
      const { system } = yield* life(new Map())
      const causeOf = (name: string, setting: Setting) =>
        Effect.map(Effect.flip(system.ref(Diary, name).set(setting)), (error) =>
          error._tag === "ActorFailed" ? error.cause : error._tag
        )
      const when = { after: "1 hour" } as const
      expect(yield* causeOf("a", { key: "k", when, messageName: "nothing" })).toContain('no message "nothing"')
      expect(yield* causeOf("b", { key: "k", when, payload: new Map() })).toContain("payload is a Map")
      expect(yield* causeOf("c", { key: "k", when: { every: 999 } })).toContain("at least 1000 ms, not 999 ms")
      expect(yield* causeOf("d", { key: "k", when: { after: "Infinity" } })).toContain("a finite time")
      expect(yield* causeOf("e", { key: "k".repeat(101), when })).toContain("at most 100 characters")
      expect(yield* causeOf("f", { key: "k", when, payload: "x".repeat(2_000) })).toContain("the limit of 1024")
      const full = system.ref(Diary, "full")
      for (let i = 0; i < Limits.remindersMax; i++) yield* full.set({ key: `${i}`, when })
      yield* full.set({ key: "0", when })
      expect(yield* causeOf("full", { key: "more", when })).toContain("has 1000 reminders already")
      const Fleeting = Actor.actor(
        "fleeting",
        {
          state: 0,
          set: (state, _: void, context) => {
            context.setReminder("k", { after: 0 }, "set")
            return state
          }
        },
        { durable: false }
      )
      const error = yield* Effect.flip(system.ref(Fleeting, "f").set())
      expect(error).toMatchObject({ _tag: "ActorFailed" })
      expect(error.message).toContain("is not durable")
    })
  )

  it.effect("of a message that is gone or a payload that fits no more is a dead letter", () =>
    Effect.gen(function* () {
      class Rpcs extends RpcGroup.make(
        Rpc.make("begin", { success: Schema.Number }),
        Rpc.make("wake", { payload: { on: Schema.Date }, success: Schema.Number })
      ) {}
      const typed = Actor.fromRpcs("typed", Rpcs, {
        state: { schema: Schema.Number, initial: 0 },
        handlers: {
          begin: (state, _, context) => {
            context.setReminder("k", { after: "1 second" }, "wake", { on: new Date(7) })
            context.setReminder("l", { after: "1 minute" }, "wake", { on: new Date(8) })
            return state
          },
          wake: (state, { on }) => state + on.getTime()
        }
      })
      const states = new Map<string, Uint8Array>()
      const first = yield* life(states)
      yield* first.system.ref(typed, "t").begin()
      yield* TestClock.adjust("1 second")
      expect((yield* first.system.inspect("continuum://local/typed/t")).stateValue).toBe(7)
      yield* first.stop
      const { system } = yield* life(states)
      yield* system.register(Actor.actor("typed", { state: 0, other: (state) => state }))
      yield* TestClock.adjust("1 minute")
      expect((yield* system.deadLetters).map(({ reason }) => reason)).toEqual([
        'the reminder "l" is given up: there is no such message any more'
      ])
      expect(stored(states)).toEqual([])
    })
  )

  it.effect("that is damaged is set aside and named; the others are there", () =>
    Effect.gen(function* () {
      const states = new Map<string, Uint8Array>()
      const first = yield* life(states)
      yield* first.diary.set({ key: "a", when: { after: "1 second" }, payload: "a" })
      yield* first.diary.set({ key: "b", when: { after: "1 second" }, payload: "b" })
      yield* first.stop
      states.set(`~remind/${address}/a`, new Uint8Array([1, 2, 3]))
      const { diary, system } = yield* life(states)
      yield* TestClock.adjust("1 second")
      expect(yield* diary.get()).toEqual(["b@1000"])
      expect((yield* system.quarantined).map((record) => record.address)).toEqual([`~remind/${address}/a`])
    })
  )
})
