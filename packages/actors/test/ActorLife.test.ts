import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as Actor from "../src/Actor.ts"
import { ActorStorage, StorageFailed } from "../src/ActorStorage.ts"
import * as ActorStorageMemory from "../src/ActorStorageMemory.ts"
import { ActorSystem } from "../src/ActorSystem.ts"

const Counter = Actor.actor("counter", {
  state: 0,
  add: (state, n: number) => state + n,
  get: (state) => state,
  wait: (state, latch: Deferred.Deferred<void>) => Effect.as(Deferred.await(latch), state + 100)
})

const address = (name: string) => `continuum://local/counter/${name}`

const stored = <A, E>(effect: Effect.Effect<A, E, ActorSystem | ActorStorage>) =>
  Effect.provide(effect, Layer.provideMerge(ActorSystem.layer(), ActorStorageMemory.layer))

describe("an actor whose name its type does not accept", () => {
  it.effect("is unknown to asks and tells, also when that is known at once", () =>
    Effect.gen(function* () {
      const Picky = Actor.actor("picky", { state: 0, get: (state) => state }, { accepts: (name) => name === "good" })
      const system = yield* ActorSystem
      const bad = system.ref(Picky, "bad")
      const unknown = { _tag: "AddressUnknown", address: "continuum://local/picky/bad" }
      expect(yield* system.ref(Picky, "good").get()).toBe(0)
      for (let i = 0; i < 3; i++) expect(yield* Effect.flip(bad.get())).toMatchObject(unknown)
      expect(yield* Effect.flip(bad.tell.get())).toMatchObject(unknown)
      expect((yield* system.deadLetters)[0]).toMatchObject({ address: unknown.address, messageName: "get" })
      expect(system.totals().activeActors).toBe(1)
    }).pipe(Effect.provide(ActorSystem.layerWithoutStorage()))
  )
})

describe("to stop an actor", () => {
  it.effect("needs no actor in memory; a restart brings it back with its state", () =>
    stored(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const counter = system.ref(Counter, "c")
        yield* counter.add(5)
        yield* TestClock.adjust("1 hour")
        expect(system.totals().activeActors).toBe(0)
        yield* system.stop(address("c"))
        const stopped = { _tag: "ActorStopped", reason: "it was stopped by hand" }
        expect(yield* Effect.flip(counter.get())).toMatchObject(stopped)
        expect(yield* system.watch(address("c"))).toMatchObject({ reason: stopped.reason, normal: false })
        yield* system.restart(address("c"))
        expect(yield* counter.get()).toBe(5)
        yield* system.stop(address("c"))
        expect(yield* Effect.flip(counter.get())).toMatchObject(stopped)
        expect(yield* Effect.flip(system.stop(address("none")))).toMatchObject({ _tag: "AddressUnknown" })
      })
    )
  )
})

describe("to forget an actor", () => {
  it.effect("stops it, refuses what waits and deletes its state: the next message finds the initial one", () =>
    stored(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const counter = system.ref(Counter, "c")
        expect(yield* counter.add(5)).toBe(5)
        const inProgress = yield* Effect.forkChild(Effect.flip(counter.wait(yield* Deferred.make<void>())))
        const waiting = yield* Effect.forkChild(Effect.flip(counter.add(1)))
        yield* Effect.yieldNow
        yield* system.forget(address("c"))
        expect(yield* Fiber.join(inProgress)).toMatchObject({ _tag: "ActorStopped" })
        expect(yield* Fiber.join(waiting)).toMatchObject({ _tag: "ActorStopped" })
        expect(yield* (yield* ActorStorage).load(address("c"))).toBeUndefined()
        expect(yield* system.list()).toEqual([])
        expect(system.totals().activeActors).toBe(0)
        // The same ref, whose actor is gone.
        expect(yield* counter.add(1)).toBe(1)
        expect(system.totals().activeActors).toBe(1)
      })
    )
  )

  it.effect("also deletes what is on its way to the storage, and its askers get their answers", () =>
    stored(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const counter = system.ref(Counter, "c")
        const adding = yield* Effect.forkChild(counter.add(5))
        yield* Effect.yieldNow
        yield* system.forget(address("c"))
        expect(yield* Fiber.join(adding)).toBe(5)
        expect(yield* counter.get()).toBe(0)
      })
    )
  )

  it.effect("needs no actor in memory, frees one that is quarantined, and knows what does not exist", () =>
    stored(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const storage = yield* ActorStorage
        yield* Effect.flatten(storage.commit([{ address: address("cold"), state: Uint8Array.of(7) }]))
        yield* Effect.flatten(storage.commit([{ address: address("bad"), state: Uint8Array.of(7) }]))
        yield* storage.quarantine(address("bad"), "it smells")
        yield* system.ref(Counter, "other").add(1)
        yield* system.forget(address("cold"))
        yield* system.forget(address("bad"))
        expect(yield* storage.list("", 10)).toEqual([address("other")])
        expect(yield* storage.quarantined).toEqual([])
        expect(yield* system.ref(Counter, "cold").get()).toBe(0)
        expect(yield* system.ref(Counter, "bad").get()).toBe(0)
        expect(yield* Effect.flip(system.forget(address("none")))).toMatchObject({ _tag: "AddressUnknown" })
      })
    )
  )

  it.effect("twice at once is one after the other: the second finds nothing to forget", () =>
    stored(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const counter = system.ref(Counter, "c")
        yield* counter.add(5)
        const both = yield* Effect.all(
          [Effect.exit(system.forget(address("c"))), Effect.exit(system.forget(address("c")))],
          {
            concurrency: 2
          }
        )
        expect(both.map(({ _tag }) => _tag)).toEqual(["Success", "Failure"])
        expect(yield* counter.get()).toBe(0)
      })
    )
  )

  it.effect("cannot be crossed by a restart: nobody finds the state that is being deleted", () => {
    const slow = Layer.effect(
      ActorStorage,
      Effect.map(ActorStorage, (storage) => ({
        ...storage,
        commit: (batch: Parameters<typeof storage.commit>[0]) => Effect.delay(storage.commit(batch), "1 second")
      }))
    ).pipe(Layer.provide(ActorStorageMemory.layer))
    return Effect.gen(function* () {
      const system = yield* ActorSystem
      const counter = system.ref(Counter, "c")
      const adding = yield* Effect.forkChild(counter.add(5))
      yield* TestClock.adjust("1 second")
      expect(yield* Fiber.join(adding)).toBe(5)
      const forgetting = yield* Effect.forkChild(system.forget(address("c")))
      yield* TestClock.adjust("500 millis")
      yield* system.restart(address("c"))
      expect(yield* Effect.flip(counter.get())).toMatchObject({ reason: "its state is being deleted" })
      yield* TestClock.adjust("500 millis")
      yield* Fiber.join(forgetting)
      expect(yield* counter.get()).toBe(0)
    }).pipe(Effect.provide(Layer.provideMerge(ActorSystem.layer(), slow)))
  })

  it.effect("that the storage refuses leaves the actor stopped with its state; a restart brings it back", () => {
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
      const counter = system.ref(Counter, "c")
      yield* counter.add(5)
      refuses = true
      expect(yield* Effect.flip(system.forget(address("c")))).toMatchObject({ _tag: "StorageFailed" })
      expect(yield* Effect.flip(counter.get())).toMatchObject({
        _tag: "ActorStopped",
        reason: "its state could not be deleted: the disk is full"
      })
      refuses = false
      yield* system.restart(address("c"))
      expect(yield* counter.get()).toBe(5)
    }).pipe(Effect.provide(Layer.provideMerge(ActorSystem.layer(), refusing)))
  })
})
