/** Timers against a model of them: whatever an actor sets, cancels and misses, whenever it crashes or is busy. */
import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"
import * as Actor from "../src/Actor.ts"
import * as ActorStorageMemory from "../src/ActorStorageMemory.ts"
import { ActorSystem } from "../src/ActorSystem.ts"

type Step =
  | { readonly _tag: "Set"; readonly key: string; readonly ms: number; readonly isPeriodic: boolean }
  | { readonly _tag: "Cancel"; readonly key: string }
  | { readonly _tag: "Pass"; readonly ms: number }
  | { readonly _tag: "Hold" | "Release" | "Crash" }

const key = fc.constantFrom("a", "b", "c")
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ _tag: fc.constant("Set" as const), key, ms: fc.nat(20), isPeriodic: fc.boolean() })
  },
  { weight: 1, arbitrary: fc.record({ _tag: fc.constant("Cancel" as const), key }) },
  { weight: 4, arbitrary: fc.record({ _tag: fc.constant("Pass" as const), ms: fc.nat(30) }) },
  { weight: 3, arbitrary: fc.record({ _tag: fc.constantFrom("Hold" as const, "Release", "Crash") }) }
)

const backoffMs = 7

interface ModelTimer {
  readonly id: number
  readonly key: string
  readonly everyMs: number | undefined
  /** Undefined: it has gone off for good. */
  timeMs: number | undefined
  order: number
  waits: boolean
}

/** What an actor with timers does, by the words of its documentation. */
class Model {
  readonly rang: Array<number> = []
  private nowMs = 0
  private order = 0
  private held: object | undefined
  private restartMs: number | undefined
  private readonly released = new Set<object>()
  private readonly mailbox: Array<() => void> = []
  private readonly timers = new Map<string, ModelTimer>()

  send(handle: () => void): void {
    this.mailbox.push(handle)
    this.handleAll()
  }

  private handleAll(): void {
    while (this.held === undefined && this.restartMs === undefined && this.mailbox.length > 0) this.mailbox.shift()!()
  }

  set(id: number, key: string, ms: number, everyMs: number | undefined): void {
    this.timers.set(key, { id, key, everyMs, timeMs: this.nowMs + ms, order: this.order++, waits: false })
  }

  cancel(key: string): void {
    this.timers.delete(key)
  }

  /** A handler that is busy until it is released, which may be before it begins. */
  hold(latch: object): void {
    if (!this.released.has(latch)) this.held = latch
  }

  release(latch: object): void {
    this.released.add(latch)
    if (this.held === latch) this.held = undefined
    this.handleAll()
  }

  /** Its timers are gone, what waits is handled in the next life. */
  crash(): void {
    this.timers.clear()
    this.restartMs = this.nowMs + backoffMs
  }

  /** A millisecond passes. */
  tick(): void {
    this.nowMs++
    const due = [...this.timers.values()].filter(({ timeMs }) => timeMs !== undefined && timeMs <= this.nowMs)
    for (const timer of due.sort((a, b) => a.timeMs! - b.timeMs! || a.order - b.order)) {
      if (timer.everyMs === undefined) timer.timeMs = undefined
      else {
        timer.timeMs! += timer.everyMs
        timer.order = this.order++
      }
      if (timer.waits) continue
      timer.waits = true
      this.mailbox.push(() => this.ring(timer))
    }
    if (this.restartMs !== undefined && this.restartMs <= this.nowMs) this.restartMs = undefined
    this.handleAll()
  }

  private ring(timer: ModelTimer): void {
    if (this.timers.get(timer.key) !== timer) return
    timer.waits = false
    if (timer.everyMs === undefined) this.timers.delete(timer.key)
    this.rang.push(timer.id)
  }
}

interface Setting {
  readonly id: number
  readonly key: string
  readonly when: Actor.TimerOptions
}

const clockOf = (rang: Array<number>) =>
  Actor.actor(
    "clock",
    {
      state: 0,
      set: (state, { id, key, when }: Setting, context) => {
        context.setTimer(key, when, "rang", id)
        return state
      },
      cancel: (state, key: string, context) => {
        context.cancelTimer(key)
        return state
      },
      rang: (state, id: number) => {
        rang.push(id)
        return state
      },
      hold: (state, latch: Deferred.Deferred<void>) => Effect.as(Deferred.await(latch), state),
      crash: (): number => {
        throw new Error("crashed as told")
      }
    },
    {
      durable: false,
      supervision: { backoffMin: backoffMs, backoffMax: backoffMs, jitter: 0, intensity: Number.POSITIVE_INFINITY }
    }
  )

const follows = (steps: ReadonlyArray<Step>) =>
  Effect.gen(function* () {
    const system = yield* ActorSystem
    const rang: Array<number> = []
    const { tell } = system.ref(clockOf(rang), "c")
    const model = new Model()
    let latch: Deferred.Deferred<void> | undefined
    const release = Effect.suspend(() => {
      if (latch === undefined) return Effect.void
      model.release(latch)
      const open = Deferred.succeed(latch, undefined)
      latch = undefined
      return open
    })
    const pass = Effect.gen(function* () {
      yield* TestClock.adjust(1)
      yield* settled
      model.tick()
    })
    for (const [id, step] of steps.entries()) {
      if (step._tag === "Set") {
        const { isPeriodic, key, ms } = step
        const everyMs = isPeriodic ? ms + 1 : undefined
        model.send(() => model.set(id, key, everyMs ?? ms, everyMs))
        yield* tell.set({ id, key, when: everyMs === undefined ? { after: ms } : { every: everyMs } })
      } else if (step._tag === "Cancel") {
        model.send(() => model.cancel(step.key))
        yield* tell.cancel(step.key)
      } else if (step._tag === "Crash") {
        model.send(() => model.crash())
        yield* tell.crash()
      } else if (step._tag === "Hold" && latch === undefined) {
        const made = yield* Deferred.make<void>()
        latch = made
        model.send(() => model.hold(made))
        yield* tell.hold(made)
      } else if (step._tag === "Release") {
        yield* release
      } else if (step._tag === "Pass") {
        for (let ms = 0; ms < step.ms; ms++) yield* pass
      }
      yield* settled
      expect(rang).toEqual(model.rang)
    }
    yield* release
    for (let ms = 0; ms < 60; ms++) yield* pass
    expect(rang).toEqual(model.rang)
  })

/** Handlers that made way for the host's own work have gone on. */
const settled = Effect.promise(() => new Promise<void>((resume) => setImmediate(resume)))

describe("timers", () => {
  it.effect("go off as their model says, whatever is set, cancelled and missed by whoever is busy or crashes", () =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 40 }), (steps) =>
          follows(steps).pipe(
            Effect.provide(Layer.provide(ActorSystem.layer(), ActorStorageMemory.layer)),
            Effect.provide(TestClock.layer()),
            Effect.runPromise
          )
        ),
        { numRuns: 150 }
      )
    )
  )
})
