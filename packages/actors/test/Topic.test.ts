import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as Actor from "../src/Actor.ts"
import { ActorStorage, StorageFailed } from "../src/ActorStorage.ts"
import * as ActorStorageMemory from "../src/ActorStorageMemory.ts"
import { ActorSystem } from "../src/ActorSystem.ts"
import * as Topic from "../src/Topic.ts"

const Sold = Topic.make<number>("sold")
const Other = Topic.make<number>("other")

const Shop = Actor.actor("shop", {
  state: 0,
  sell: (state, n: number, context) => {
    context.publish(Sold, n)
    return state + n
  }
})

const Ledger = Actor.actor(
  "ledger",
  {
    state: [] as ReadonlyArray<number>,
    open: (state, _: void, context) => {
      context.subscribe(Sold, "sold")
      return state
    },
    close: (state, _: void, context) => {
      context.unsubscribe(Sold)
      return state
    },
    sold: (state, n: number) => [...state, n],
    get: (state) => state,
    boom: (): ReadonlyArray<number> => {
      throw new Error("boom")
    }
  },
  { durable: false, supervision: { backoffMin: "1 second", jitter: 0 } }
)

const run = <A, E>(effect: Effect.Effect<A, E, ActorSystem>) =>
  Effect.provide(effect, ActorSystem.layerWithoutStorage())

describe("a topic", () => {
  it.effect("tells all that listen, streams and actors, in order, and nobody else", () =>
    run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const shop = system.ref(Shop, "s")
        const [one, two] = [system.ref(Ledger, "one"), system.ref(Ledger, "two")]
        yield* shop.sell(1)
        yield* one.open()
        yield* one.open()
        const stream = yield* Effect.forkChild(Stream.runCollect(Stream.take(system.events(Sold), 3)))
        yield* Effect.yieldNow
        yield* shop.sell(2)
        yield* system.publish(Sold, 3)
        yield* system.publish(Other, 99)
        yield* shop.sell(4)
        expect(yield* Fiber.join(stream)).toEqual([2, 3, 4])
        expect(yield* one.get()).toEqual([2, 3, 4])
        expect(yield* two.get()).toEqual([])
        yield* one.close()
        yield* shop.sell(5)
        expect(yield* one.get()).toEqual([2, 3, 4])
      })
    )
  )

  it.effect("is forgotten by an actor that restarts", () =>
    run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const ledger = system.ref(Ledger, "l")
        yield* ledger.open()
        yield* Effect.flip(ledger.boom())
        yield* TestClock.adjust("1 second")
        yield* system.publish(Sold, 1)
        expect(yield* ledger.get()).toEqual([])
      })
    )
  )

  it.effect("does not wait for a stream that is read slowly: that loses its oldest events", () =>
    run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const reading = yield* Effect.forkChild(
          Stream.runCollect(
            Stream.take(
              Stream.tap(system.events(Sold, 2), () => Effect.sleep("1 second")),
              3
            )
          )
        )
        yield* Effect.yieldNow
        yield* system.publish(Sold, 0)
        yield* TestClock.adjust(1)
        for (let n = 1; n <= 9; n++) yield* system.publish(Sold, n)
        yield* TestClock.adjust("10 seconds")
        expect(yield* Fiber.join(reading)).toEqual([0, 8, 9])
      })
    )
  )

  it.effect("hears of a durable actor only what is stored", () => {
    let refuses = false
    const refusing = Layer.effect(
      ActorStorage,
      Effect.map(ActorStorage, (storage) => ({
        ...storage,
        commit: (batch: Parameters<typeof storage.commit>[0]) =>
          refuses ? Effect.fail(new StorageFailed({ reason: "the disk is full" })) : storage.commit(batch)
      }))
    ).pipe(Layer.provide(ActorStorageMemory.layer))
    return Effect.gen(function* () {
      const system = yield* ActorSystem
      const ledger = system.ref(Ledger, "l")
      yield* ledger.open()
      yield* system.ref(Shop, "s").sell(1)
      refuses = true
      expect(yield* Effect.flip(system.ref(Shop, "s").sell(2))).toMatchObject({ _tag: "StateNotStored" })
      refuses = false
      yield* system.ref(Shop, "t").sell(3)
      expect(yield* ledger.get()).toEqual([1, 3])
    }).pipe(Effect.provide(Layer.provide(ActorSystem.layer(), refusing)))
  })
})
