import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Queue, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as ActorEvents from "../src/ActorEvents.ts"
import { actor } from "../src/Actor.ts"
import { ActorSystem } from "../src/ActorSystem.ts"
import { service } from "../src/Service.ts"
import * as Topic from "../src/Topic.ts"
import type { FeedItem } from "../src/TopicFeed.ts"

const Sold = Topic.make<number>("sold")
const Bought = Topic.make<number>("bought")

const started = Effect.map(Layer.build(ActorSystem.layerWithoutStorage()), (context) =>
  Context.get(context, ActorSystem)
)

/** A feed that is read one item at a time; what was taken. */
const reading = (stream: Stream.Stream<FeedItem>) =>
  Effect.gen(function* () {
    const queue = yield* Queue.bounded<FeedItem>(1)
    yield* Effect.forkScoped(Stream.runForEach(stream, (item) => Queue.offer(queue, item)))
    yield* TestClock.adjust(0)
    return Queue.take(queue)
  })

describe("a feed", () => {
  it.effect("has the events of its topics in their order, each with its time, and none of others", () =>
    Effect.gen(function* () {
      const system = yield* started
      const items = yield* Effect.forkChild(Stream.runCollect(Stream.take(system.feed([Sold, Bought, Sold]), 3)))
      yield* TestClock.adjust("1 second")
      yield* system.publish(Sold, 1)
      yield* system.publish(Topic.make<number>("other"), 9)
      yield* TestClock.adjust("1 second")
      yield* system.publish(Bought, 2)
      yield* system.publish(Sold, 3)
      expect(yield* Fiber.join(items)).toEqual([
        { _tag: "Event", topic: "sold", timeMs: 1_000, event: 1 },
        { _tag: "Event", topic: "bought", timeMs: 2_000, event: 2 },
        { _tag: "Event", topic: "sold", timeMs: 2_000, event: 3 }
      ])
      expect(system.isHeard(Sold)).toBe(false)
    })
  )

  for (const [events, missed] of [
    [4, 0],
    [5, 1],
    [4_003, 3_999]
  ] as const) {
    it.effect(
      `of 4 events that is not read while ${events} happen has lost the oldest ${missed}, and says so once`,
      () =>
        Effect.gen(function* () {
          const system = yield* started
          const take = yield* reading(system.feed([Sold], 4))
          // The reader holds one, and one waits for it.
          yield* system.publish(Sold, -2)
          yield* TestClock.adjust(0)
          yield* system.publish(Sold, -1)
          yield* TestClock.adjust(0)
          for (let n = 0; n < events; n++) yield* system.publish(Sold, n)
          expect([yield* take, yield* take]).toMatchObject([{ event: -2 }, { event: -1 }])
          yield* TestClock.adjust(0)
          if (missed > 0) expect(yield* take).toEqual({ _tag: "Missed", count: missed })
          for (let n = missed; n < events; n++) expect(yield* take).toMatchObject({ event: n })
          yield* system.publish(Sold, 77)
          expect(yield* take).toMatchObject({ event: 77 })
        })
    )
  }
})

describe("the topic of a system", () => {
  it.effect("tells how services begin, fail, restart and end, while somebody listens", () =>
    Effect.gen(function* () {
      const system = yield* started
      const events: Array<unknown> = []
      const listen = system
        .feed([ActorEvents.topic])
        .pipe(Stream.runForEach((item) => Effect.sync(() => events.push(item._tag === "Event" ? item.event : item))))
      yield* Effect.forkScoped(listen)
      yield* TestClock.adjust(0)
      let runs = 0
      const flaky = Effect.suspend(() => (++runs === 1 ? Effect.fail(new Error("at first")) : Effect.never))
      yield* system.run(service("flaky", flaky, { supervision: { backoffMin: "1 second", jitter: 0 } }))
      yield* TestClock.adjust("1 second")
      yield* system.stop("continuum://local/service/flaky")
      const Short = actor("short", {
        state: 0,
        end: (state: number, _: void, context) => {
          context.end()
          return state
        }
      })
      yield* system.ref(Short, "s").end()
      yield* TestClock.adjust(0)
      const [address, short] = ["continuum://local/service/flaky", "continuum://local/short/s"]
      expect(events).toEqual([
        { _tag: "Started", address },
        { _tag: "Failed", address, messageName: "run", cause: "Error: at first" },
        { _tag: "Restarted", address, delayMs: 1_000 },
        { _tag: "Started", address },
        { _tag: "Stopped", address, reason: "it was stopped by hand", normal: false },
        { _tag: "Started", address: short },
        { _tag: "Stopped", address: short, reason: "it ended normally", normal: true }
      ])
    })
  )
})
