import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"
import * as Actor from "../src/Actor.ts"
import { ActorStorage } from "../src/ActorStorage.ts"
import * as ActorStorageMemory from "../src/ActorStorageMemory.ts"
import { ActorSystem } from "../src/ActorSystem.ts"

interface Setting {
  readonly isTimer: boolean
  readonly key: string
  readonly isPeriodic: boolean
  readonly seconds: number
  readonly payload: string
}

const Clock = Actor.actor(
  "clock",
  {
    state: [] as ReadonlyArray<string>,
    set: (state, { isPeriodic, isTimer, key, payload, seconds }: Setting, context) => {
      const when = isPeriodic ? { every: `${seconds} seconds` as const } : { after: `${seconds} seconds` as const }
      if (isTimer) context.setTimer(key, when, "rang", payload)
      else context.setReminder(key, when, "rang", payload)
      return state
    },
    cancel: (state, { isTimer, key }: Pick<Setting, "isTimer" | "key">, context) => {
      if (isTimer) context.cancelTimer(key)
      else context.cancelReminder(key)
      return state
    },
    rang: (state, payload: string) => [...state, payload],
    get: (state) => state,
    boom: (): ReadonlyArray<string> => {
      throw new Error("boom")
    }
  },
  {
    supervision: { intensity: 1_000, backoffMin: "1 millis", backoffFactor: 1, jitter: 0 },
    passivateAfter: "5 seconds"
  }
)

const address = "continuum://local/clock/c"

type Step =
  | (Omit<Setting, "payload"> & { readonly _tag: "Set" })
  | { readonly _tag: "Cancel"; readonly isTimer: boolean; readonly key: string }
  | { readonly _tag: "Pass"; readonly seconds: number }
  | { readonly _tag: "Crash" }
  /** Its actor, or the whole system, is down for a while. */
  | { readonly _tag: "Stop" | "Restart"; readonly seconds: number }

const key = fc.constantFrom("a", "b", "c")
const seconds = fc.integer({ min: 1, max: 9 })
const tag = <const Tag extends string>(value: Tag) => fc.constant(value)

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ _tag: tag("Set"), isTimer: fc.boolean(), key, isPeriodic: fc.boolean(), seconds })
  },
  { weight: 1, arbitrary: fc.record({ _tag: tag("Cancel"), isTimer: fc.boolean(), key }) },
  { weight: 4, arbitrary: fc.record({ _tag: tag("Pass"), seconds: fc.integer({ min: 1, max: 15 }) }) },
  { weight: 1, arbitrary: fc.record({ _tag: tag("Crash") }) },
  { weight: 1, arbitrary: fc.record({ _tag: fc.constantFrom("Stop" as const, "Restart" as const), seconds }) }
)

interface Item {
  readonly payload: string
  readonly everyMs: number | undefined
  dueMs: number
}

/** What timers and reminders do, in the simplest words. */
class Model {
  nowMs = 0
  readonly timers = new Map<string, Item>()
  readonly reminders = new Map<string, Item>()
  readonly rang: Array<string> = []

  set({ isPeriodic, isTimer, key, payload, seconds }: Setting): void {
    const items = isTimer ? this.timers : this.reminders
    const everyMs = isPeriodic ? seconds * 1_000 : undefined
    items.set(key, { payload, everyMs, dueMs: this.nowMs + seconds * 1_000 })
  }

  /** Everything rings at its time. */
  pass(ms: number): void {
    this.nowMs += ms
    for (const items of [this.timers, this.reminders]) {
      for (const [key, item] of items) {
        while (items.get(key) === item && item.dueMs <= this.nowMs) this.ring(items, key, item, item.dueMs)
      }
    }
  }

  /** Nobody is there to hear it. */
  passDown(ms: number): void {
    this.timers.clear()
    this.nowMs += ms
  }

  /** What was missed rings once. */
  back(): void {
    for (const [key, item] of this.reminders)
      if (item.dueMs <= this.nowMs) this.ring(this.reminders, key, item, this.nowMs)
  }

  private ring(items: Map<string, Item>, key: string, item: Item, atMs: number): void {
    this.rang.push(item.payload)
    if (item.everyMs === undefined) items.delete(key)
    else item.dueMs += item.everyMs * (Math.floor((atMs - item.dueMs) / item.everyMs) + 1)
  }
}

const life = (states: Map<string, Uint8Array>) =>
  Effect.gen(function* () {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const storage = Layer.succeed(ActorStorage, ActorStorageMemory.make(states))
    const context = yield* Layer.buildWithScope(Layer.provide(ActorSystem.layer(), storage), scope)
    const system = Context.get(context, ActorSystem)
    yield* system.register(Clock)
    return { system, clock: system.ref(Clock, "c"), stop: Scope.close(scope, Exit.void) }
  })

const agrees = (steps: ReadonlyArray<Step>) =>
  Effect.gen(function* () {
    const states = new Map<string, Uint8Array>()
    const model = new Model()
    let present = yield* life(states)
    let count = 0
    for (const step of steps) {
      switch (step._tag) {
        case "Set": {
          const setting = { ...step, payload: `${count++}` }
          yield* present.clock.set(setting)
          model.set(setting)
          break
        }
        case "Cancel":
          yield* present.clock.cancel(step)
          ;(step.isTimer ? model.timers : model.reminders).delete(step.key)
          break
        case "Pass":
          for (let second = 0; second < step.seconds; second++) {
            yield* TestClock.adjust(1_000)
            // The clock does not wait until what it woke has had its turns.
            for (let turn = 0; turn < 20; turn++) yield* Effect.yieldNow
          }
          model.pass(step.seconds * 1_000)
          break
        case "Crash":
          yield* Effect.flip(present.clock.boom())
          model.timers.clear()
          yield* TestClock.adjust(1)
          model.pass(1)
          break
        case "Stop":
          yield* present.clock.get()
          yield* present.system.stop(address)
          yield* TestClock.adjust(step.seconds * 1_000)
          model.passDown(step.seconds * 1_000)
          yield* present.system.restart(address)
          model.back()
          break
        case "Restart":
          yield* present.stop
          yield* TestClock.adjust(step.seconds * 1_000)
          present = yield* life(states)
          yield* TestClock.adjust(1)
          model.passDown(step.seconds * 1_000 + 1)
          model.back()
          break
      }
      const rang = (yield* present.clock.get()).toSorted()
      expect(rang).toEqual(model.rang.toSorted())
      expect(present.system.totals().reminders).toBe(model.reminders.size)
    }
    yield* present.stop
  }).pipe(Effect.scoped, Effect.provide(TestClock.layer()))

describe("timers and reminders", () => {
  it.effect(
    "ring as a model says, whatever is set, cancelled, crashed, stopped and started again",
    () =>
      Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(fc.array(step, { maxLength: 40 }), (steps) => Effect.runPromise(agrees(steps))),
          { numRuns: 100 }
        )
      ),
    60_000
  )
})
