import { describe, expect, it } from "@effect/vitest"
import { Context, Deferred, Effect, Exit, Fiber, Layer, Scheduler, Scope } from "effect"
import { TestClock } from "effect/testing"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Actor from "../src/Actor.ts"
import { ActorSystem, type Options } from "../src/ActorSystem.ts"
import { Drain, drainByScheduler } from "../src/RunQueue.ts"
import { service } from "../src/Service.ts"
import { randomOf } from "./storage/Random.ts"

const Counter = Actor.actor("counter", {
  state: 0,
  add: (state, n: number) => state + n,
  get: (state) => state,
  refuse: () => Effect.fail(new RangeError("too much")) as Effect.Effect<number, RangeError>,
  wait: (state, latch: Deferred.Deferred<void>) => Effect.as(Deferred.await(latch), state + 100)
})

/** A system, and the effect that stops it. */
const started = (options: Options = {}) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const context = yield* Layer.buildWithScope(ActorSystem.layerWithoutStorage(options), scope)
    return { system: Context.get(context, ActorSystem), stop: Scope.close(scope, Exit.void) }
  })

describe("the stop of a system", () => {
  it.effect("lets handlers in progress end, and makes what waits dead letters", () =>
    Effect.gen(function* () {
      const { stop, system } = yield* started()
      const counter = system.ref(Counter, "c")
      const latch = yield* Deferred.make<void>()
      const inProgress = yield* Effect.forkChild(counter.wait(latch))
      const waiting = yield* Effect.forkChild(Effect.flip(counter.add(1)))
      yield* Effect.yieldNow
      yield* counter.tell.add(1)
      const stopping = yield* Effect.forkChild(stop)
      yield* Effect.yieldNow
      expect(yield* Fiber.join(waiting)).toMatchObject({ _tag: "ActorStopped", reason: "the system stops" })
      expect((yield* system.deadLetters).map(({ messageName }) => messageName)).toEqual(["add", "add"])
      expect(stopping.pollUnsafe()).toBeUndefined()
      // New messages are refused at once, to this actor and to others.
      expect(yield* Effect.flip(counter.add(1))).toMatchObject({ _tag: "ActorStopped" })
      expect(yield* Effect.flip(system.ref(Counter, "another").add(1))).toMatchObject({ _tag: "ActorStopped" })
      yield* Deferred.succeed(latch, undefined)
      yield* Fiber.join(stopping)
      expect(yield* Fiber.join(inProgress)).toBe(100)
    })
  )

  it.effect("interrupts a handler that takes longer than it may", () =>
    Effect.gen(function* () {
      const { stop, system } = yield* started({ stopTimeout: "3 seconds" })
      const stuck = yield* Effect.forkChild(Effect.flip(system.ref(Counter, "c").wait(yield* Deferred.make<void>())))
      yield* Effect.yieldNow
      const stopping = yield* Effect.forkChild(stop)
      yield* TestClock.adjust("2999 millis")
      expect(stopping.pollUnsafe()).toBeUndefined()
      yield* TestClock.adjust(1)
      yield* Fiber.join(stopping)
      expect((yield* Fiber.join(stuck)).message).toContain("the system stopped before the handler ended")
    })
  )

  it.effect("ends services first, the last one first", () =>
    Effect.gen(function* () {
      const { stop, system } = yield* started()
      const log: Array<string> = []
      for (const name of ["first", "second"]) {
        yield* system.run(
          service(
            name,
            Effect.ensuring(
              Effect.never,
              Effect.sync(() => log.push(name))
            )
          )
        )
      }
      yield* Effect.yieldNow
      yield* stop
      expect(log).toEqual(["second", "first"])
    })
  )

  it.effect("leaves no fiber that waits for the deadlines of asks", () =>
    Effect.gen(function* () {
      const { stop, system } = yield* started()
      const ask = yield* Effect.forkChild(Effect.exit(system.ref(Counter, "c").wait(yield* Deferred.make<void>())))
      yield* Effect.yieldNow
      const stopping = yield* Effect.forkChild(stop)
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(stopping)
      expect(Exit.isFailure(yield* Fiber.join(ask))).toBe(true)
    })
  )
})

describe("a system", () => {
  it.effect("has one definition of each kind", () =>
    Effect.gen(function* () {
      const { system } = yield* started()
      const Other = Actor.actor("counter", { state: "", get: (state) => state })
      system.ref(Counter, "c")
      expect(() => system.ref(Other, "c")).toThrow('already has another actor of kind "counter"')
      // The same one again, with or without services provided, is no other.
      const provided = yield* system.register(Counter)
      expect(yield* system.ref(provided, "c").get()).toBe(0)
      expect(() => system.ref(Counter, "")).toThrow("its name is empty")
    })
  )

  it.effect("keeps actors of different names apart", () =>
    Effect.gen(function* () {
      const { system } = yield* started()
      const names = ["a", "b", "a b", "ä", "a/b", "%"]
      for (const [index, name] of names.entries()) yield* system.ref(Counter, name).add(index)
      for (const [index, name] of names.entries()) expect(yield* system.ref(Counter, name).get()).toBe(index)
      expect(system.totals()).toMatchObject({ activeActors: names.length, processed: 2 * names.length })
    })
  )

  it.effect("has only the actors that their type accepts, asking it once for each", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const Picky = Actor.actor(
        "picky",
        { state: 0, get: (state) => state },
        { accepts: (name) => (asked.push(name), Effect.as(Effect.sleep(10), name.startsWith("good"))) }
      )
      const { system } = yield* started()
      const good = yield* Effect.forkChild(
        Effect.all([system.ref(Picky, "good").get(), system.ref(Picky, "good").get()])
      )
      const bad = yield* Effect.forkChild(Effect.flip(system.ref(Picky, "bad").get()))
      yield* TestClock.adjust(10)
      expect(yield* Fiber.join(good)).toEqual([0, 0])
      expect(yield* Fiber.join(bad)).toMatchObject({ _tag: "AddressUnknown", address: "continuum://local/picky/bad" })
      expect(asked).toEqual(["good", "bad"])
      expect(system.totals().activeActors).toBe(1)
      // Its name is free again: it may exist another time.
      const again = yield* Effect.forkChild(Effect.flip(system.ref(Picky, "bad").get()))
      yield* TestClock.adjust(10)
      yield* Fiber.join(again)
      expect(asked).toEqual(["good", "bad", "bad"])
    })
  )

  it.effect("replays the interleaving of actors and fibers from the seed of a scheduler", () => {
    /** Runs its tasks in an order that the seed decides, and fibers for a random number of operations. */
    const seeded = (below: (bound: number) => number): Scheduler.Scheduler => {
      const tasks: Array<() => void> = []
      const drain = () => {
        while (tasks.length > 0) tasks.splice(below(tasks.length), 1)[0]!()
      }
      return {
        executionMode: "async",
        shouldYield: (fiber) => fiber.currentOpCount > 1 + below(32),
        makeDispatcher: () => ({
          scheduleTask: (task) => {
            if (tasks.push(task) === 1) setImmediate(drain)
          },
          flush: drain
        })
      }
    }
    const Log = Actor.actor("log", {
      state: [] as ReadonlyArray<string>,
      add: (state, text: string) => [...state, text],
      all: (state) => state
    })
    const Worker = Actor.actor("worker", {
      state: 0,
      work: (state, _: void, { name }) =>
        Effect.gen(function* () {
          yield* (yield* ActorSystem).ref(Log, "log").add(`${name}${state}`)
          yield* Effect.yieldNow
          return state + 1
        }) as Effect.Effect<number>
    })
    const trace = (seed: number) => {
      const chance = randomOf(seed)
      const scheduler = seeded(chance)
      const program = Effect.gen(function* () {
        const { stop, system } = yield* started()
        const works = ["a", "b", "c"].flatMap((name) =>
          Array.from({ length: 4 }, () => system.ref(Worker, name).work())
        )
        yield* Effect.all(works, { concurrency: "unbounded" })
        const all = yield* system.ref(Log, "log").all()
        yield* stop
        return all.join(" ")
      })
      return Effect.promise(() =>
        // The test's clock too: by a real one, the host's share would depend on how fast the machine is.
        Effect.runPromise(
          program.pipe(
            Effect.provideService(Drain, { ...drainByScheduler(scheduler), chance }),
            Effect.provide(TestClock.layer())
          ),
          {
            scheduler
          }
        )
      )
    }
    return Effect.gen(function* () {
      const traces = new Set<string>()
      for (let seed = 1; seed <= 10; seed++) {
        const first = yield* trace(seed)
        expect(yield* trace(seed), `seed ${seed}`).toBe(first)
        expect(first.split(" ").toSorted()).toEqual([
          "a0",
          "a1",
          "a2",
          "a3",
          "b0",
          "b1",
          "b2",
          "b3",
          "c0",
          "c1",
          "c2",
          "c3"
        ])
        traces.add(first)
      }
      expect(traces.size).toBeGreaterThan(1)
    })
  })
})

describe("for code that uses Promises", () => {
  it("there is the same system: replies, errors, tells, services, inspection, stop", async () => {
    const system = await ActorSystem.start({ nodeName: "here" })
    const counter = system.ref(Counter, "c")
    expect(await counter.add(1)).toBe(1)
    counter.tell.add(1)
    expect(await counter.get()).toBe(2)
    await expect(counter.refuse()).rejects.toEqual(new RangeError("too much"))
    let runs = 0
    system.run(
      service(
        "once",
        Effect.andThen(
          Effect.sync(() => runs++),
          Effect.never
        )
      )
    )
    expect(await system.askUnknown(counter.address, "add", 5)).toBe(7)
    expect((await system.list()).map(({ kind, node }) => `${kind} on ${node}`)).toEqual([
      "service on here",
      "counter on here"
    ])
    expect((await system.inspect(counter.address)).stateValue).toBe(7)
    expect(runs).toBe(1)
    expect((await system.restart(counter.address)).restarts).toBe(1)
    expect(await counter.get()).toBe(0)
    await Promise.all([system.stop(), system.stop()])
    await expect(counter.get()).rejects.toMatchObject({ _tag: "ActorStopped" })
    expect(() => counter.tell.add(1)).toThrow("is stopped")
    expect((await system.deadLetters()).map(({ messageName }) => messageName)).toEqual(["add", "get"])
  })

  it("a directory makes actors durable, and belongs to one system at a time", async () => {
    const dir = mkdtempSync(join(tmpdir(), "actor-system-"))
    const first = await ActorSystem.start({ dir })
    expect(await first.ref(Counter, "c").add(41)).toBe(41)
    await expect(ActorSystem.start({ dir })).rejects.toMatchObject({ _tag: "StorageInUse", pid: process.pid })
    await first.stop()
    const second = await ActorSystem.start({ dir })
    expect(second.system.openReport).toEqual({ cleanStop: true, losses: [] })
    expect(await second.ref(Counter, "c").add(1)).toBe(42)
    await second.stop()
    rmSync(dir, { recursive: true })
  })

  it("timers and I/O get their turn while actors are kept busy by asks without end", async () => {
    const system = await ActorSystem.start({ freeze: false })
    const counter = system.ref(Counter, "c")
    let isDone = false
    const timer = new Promise<void>((resolve) => setTimeout(resolve, 5)).then(() => (isDone = true))
    // Without a share for the host this would never end.
    while (!isDone) await counter.add(1)
    await timer
    await system.stop()
  })

  it("and while they keep each other busy by tells without end", async () => {
    const system = await ActorSystem.start({ freeze: false })
    let isDone = false
    const Echo: Actor.Actor<"echo", number, { readonly ping: Actor.MessageType<string, number, never> }> = Actor.actor(
      "echo",
      {
        state: 0,
        ping: (state, to: string) => {
          if (!isDone) system.ref(Echo, to).tell.ping(to === "a" ? "b" : "a")
          return state + 1
        }
      }
    )
    system.ref(Echo, "a").tell.ping("b")
    await new Promise<void>((resolve) => setTimeout(resolve, 5))
    isDone = true
    await system.stop()
    expect(system.totals().processed).toBeGreaterThan(1)
  })
})
