import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Tracer } from "effect"
import { TestClock } from "effect/testing"
import * as Actor from "../src/Actor.ts"
import * as ActorStorageMemory from "../src/ActorStorageMemory.ts"
import { ActorSystem } from "../src/ActorSystem.ts"
import * as Limits from "../src/Limits.ts"

const Other = Actor.actor("other", { state: 0, add: (state, n: number) => state + n })

const Ledger = Actor.actor("ledger", { state: 0, add: (state, n: number) => state + n }, { mailbox: "durable" })

const Worker = Actor.actor(
  "worker",
  {
    state: 0,
    add: (state, n: number) => state + n,
    later: async (state) => Promise.resolve(state + 1),
    sleep: (state, ms: number) => Effect.as(Effect.sleep(ms), state),
    refuse: (): Effect.Effect<number, string> => Effect.fail("no"),
    boom: (): number => {
      throw new Error("boom")
    },
    askOther: (state) =>
      Effect.gen(function* () {
        const system = yield* ActorSystem
        return yield* Effect.withSpan(Effect.orDie(system.ref(Other, "o").add(state + 1)), "inside")
      }),
    tellOther: async (state, _: void, context) => {
      context.ref(Other, "o").tell.add(1)
      return state
    },
    tellLedger: (state, _: void, context) => {
      context.ref(Ledger, "l").tell.add(1)
      return state + 1
    },
    setTimer: (state, _: void, context) => {
      context.setTimer("t", { after: 10 }, "add", 5)
      return state
    }
  },
  { mailboxCapacity: 1, supervision: { backoffMin: 1, jitter: 0 } }
)

/** A system whose spans are kept here. */
const withSpans = <A, E>(
  ratio: number,
  use: (
    spans: ReadonlyArray<Tracer.NativeSpan>,
    named: (name: string) => Tracer.NativeSpan
  ) => Effect.Effect<A, E, ActorSystem>
) => {
  const spans: Array<Tracer.NativeSpan> = []
  const tracer = Tracer.make({
    span(options) {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })
  const named = (name: string) => spans.find((span) => span.name === name)!
  return use(spans, named).pipe(
    Effect.provide(
      ActorSystem.layer({ nodeName: "north", spans: { ratio } }).pipe(Layer.provide(ActorStorageMemory.layer))
    ),
    Effect.provideService(Tracer.Tracer, tracer)
  )
}

const worker = Effect.map(ActorSystem, (system) => system.ref(Worker, "w"))
const outcomeOf = (span: Tracer.NativeSpan) => span.attributes.get("actor.outcome")

describe("the span of a message", () => {
  it.effect("says which message of which actor it was, how it ended, and how long it waited", () =>
    withSpans(1, (spans, named) =>
      Effect.gen(function* () {
        const w = yield* worker
        yield* w.add(1)
        yield* w.later()
        yield* Effect.flip(w.refuse())
        const sleeping = yield* Effect.forkChild(w.sleep(30), { startImmediately: true })
        const waiting = yield* Effect.forkChild(w.add(2), { startImmediately: true })
        yield* TestClock.adjust(30)
        yield* Fiber.join(sleeping)
        yield* Fiber.join(waiting)
        yield* Effect.flip(w.boom())
        yield* TestClock.adjust(1)
        expect(spans.map(({ name }) => name)).toEqual([
          "worker.add",
          "worker.later",
          "worker.refuse",
          "worker.sleep",
          "worker.add",
          "worker.boom"
        ])
        expect(spans.map(outcomeOf)).toEqual(["handled", "handled", "failed", "handled", "handled", "crashed"])
        expect(Object.fromEntries(named("worker.add").attributes)).toMatchObject({
          "actor.address": "continuum://local/worker/w",
          "actor.message": "add",
          "actor.node": "north",
          "actor.queue_ms": 0
        })
        expect(spans[4]!.attributes.get("actor.queue_ms")).toBe(30)
        for (const span of spans) expect(span.status._tag).toBe("Ended")
      })
    )
  )

  it.effect("is below that of its asker; what the handler does and asks is below it", () =>
    withSpans(1, (_, named) =>
      Effect.gen(function* () {
        const w = yield* worker
        yield* Effect.withSpan(w.askOther(), "outside")
        const parentOf = (name: string) => {
          const { parent } = named(name)
          return parent._tag === "Some" ? parent.value.spanId : undefined
        }
        expect(parentOf("worker.askOther")).toBe(named("outside").spanId)
        expect(parentOf("inside")).toBe(named("worker.askOther").spanId)
        expect(parentOf("other.add")).toBe(named("inside").spanId)
        expect(named("other.add").traceId).toBe(named("outside").traceId)
      })
    )
  )

  it.effect("of a tell by an async handler, and of a timer, is there too", () =>
    withSpans(1, (spans, named) =>
      Effect.gen(function* () {
        const w = yield* worker
        yield* w.tellOther()
        yield* w.setTimer()
        yield* TestClock.adjust(10)
        const { parent } = named("other.add")
        expect(parent._tag === "Some" && parent.value.spanId).toBe(named("worker.tellOther").spanId)
        expect(spans.map(({ name }) => name)).toEqual([
          "worker.tellOther",
          "other.add",
          "worker.setTimer",
          "worker.add"
        ])
      })
    )
  )

  it.effect("of a stored message is below that of its sender", () =>
    withSpans(1, (spans, named) =>
      Effect.gen(function* () {
        const w = yield* worker
        yield* w.tellLedger()
        yield* TestClock.adjust(10)
        const { parent } = named("ledger.add")
        expect(parent._tag === "Some" && parent.value.spanId).toBe(named("worker.tellLedger").spanId)
        expect(outcomeOf(named("ledger.add"))).toBe("handled")
        expect(spans).toHaveLength(2)
      })
    )
  )

  it.effect("begins no trace without an end: actors that tell each other for ever leave it after a while", () =>
    withSpans(0, (spans) =>
      Effect.gen(function* () {
        const send: { on?: (context: Actor.ActorContext, left: number) => void } = {}
        const Ball = Actor.actor("ball", {
          state: 0,
          pass: (state, left: number, context) => {
            send.on?.(context, left)
            return state + 1
          },
          get: (state) => state
        })
        send.on = (context, left) => {
          if (left > 0) context.ref(Ball, "b").tell.pass(left - 1)
        }
        const system = yield* ActorSystem
        const ball = system.ref(Ball, "b")
        yield* Effect.withSpan(ball.pass(200), "outside")
        for (let turn = 0; turn < 10_000 && (yield* ball.get()) < 201; turn++) yield* Effect.yieldNow
        expect(yield* ball.get()).toBe(201)
        expect(spans.filter(({ name }) => name === "ball.pass")).toHaveLength(Limits.spanDepthMax + 1)
      })
    )
  )

  it.effect("ends as refused when its message finds no place, or its actor stops before it", () =>
    withSpans(1, (spans) =>
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const w = yield* worker
        yield* Effect.forkChild(Effect.exit(w.sleep(1_000)), { startImmediately: true })
        yield* Effect.forkChild(Effect.exit(w.add(1)), { startImmediately: true })
        expect(yield* Effect.flip(w.add(2))).toMatchObject({ _tag: "MailboxFull" })
        expect(spans.map(outcomeOf)).toEqual([undefined, undefined, "refused"])
        const stopping = yield* Effect.forkChild(system.stop(w.address))
        yield* TestClock.adjust("10 seconds")
        yield* Fiber.join(stopping)
        expect(spans.map(outcomeOf)).toEqual(["handled", "refused", "refused"])
      })
    )
  )

  it.effect("is made for a share of the messages, and for none below a span that is not sampled", () =>
    withSpans(0, (spans) =>
      Effect.gen(function* () {
        const w = yield* worker
        for (let i = 0; i < 100; i++) yield* w.add(1)
        expect(spans).toHaveLength(0)
        yield* Effect.withSpan(w.add(1), "outside")
        expect(spans.map(({ name }) => name)).toEqual(["outside", "worker.add"])
        yield* Effect.withSpan(w.add(1), "unsampled", { sampled: false })
        expect(spans.filter(({ sampled }) => sampled)).toHaveLength(2)
      })
    ).pipe(
      Effect.andThen(
        withSpans(0.5, (spans) =>
          Effect.gen(function* () {
            const w = yield* worker
            for (let i = 0; i < 1_000; i++) yield* w.add(1)
            expect(spans.length).toBeGreaterThan(350)
            expect(spans.length).toBeLessThan(650)
          })
        )
      )
    )
  )
})
