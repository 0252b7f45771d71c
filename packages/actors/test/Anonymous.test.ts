import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"
import * as Actor from "../src/Actor.ts"
import type { ActorCell } from "../src/ActorCell.ts"
import * as ActorStorageMemory from "../src/ActorStorageMemory.ts"
import { ActorSystem } from "../src/ActorSystem.ts"
import { Anonymous } from "../src/Anonymous.ts"

const run = <A, E>(effect: Effect.Effect<A, E, ActorSystem>, options = {}) =>
  Effect.provide(effect, ActorSystem.layerWithoutStorage(options))

const Counter = Actor.actor(
  "counter",
  {
    state: 0,
    add: (state, n: number) => state + n,
    boom: (): number => {
      throw new Error("boom")
    },
    end: (state, _: void, context) => {
      context.end()
      return state
    }
  },
  { supervision: { backoffMin: "1 second", backoffMax: "1 second", jitter: 0 } }
)

describe("an actor without a name", () => {
  it.effect("is another one at each spawn, and begins with the state that it is given", () =>
    run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const [one, other] = [system.spawn(Counter), system.spawn(Counter, { state: 100 })]
        expect(yield* one.add(1)).toBe(1)
        expect(yield* other.add(1)).toBe(101)
        expect(system.totals().activeActors).toBe(2)
      })
    )
  )

  it.effect("is listed, and found by the address that it gets when someone asks for it", () =>
    run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const [one, other] = [system.spawn(Counter), system.spawn(Counter)]
        yield* one.add(1)
        yield* other.add(2)
        const { address } = other
        expect(address).toMatch(/^continuum:\/\/local\/counter\/~/)
        expect(other.address).toBe(address)
        expect(one.address).not.toBe(address)
        expect((yield* system.list()).map((summary) => summary.address).sort()).toEqual([one.address, address].sort())
        expect((yield* system.inspect(address)).stateValue).toBe(2)
        expect(yield* system.askUnknown(address, "add", 3)).toBe(5)
        expect(yield* system.at(Counter, address).add(1)).toBe(6)
        expect(system.totals().activeActors).toBe(2)
      })
    )
  )

  it.effect("is gone once it has ended: what is sent to it fails, and its address leads to nobody", () =>
    run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const counter = system.spawn(Counter)
        const { address } = counter
        const watched = yield* Effect.forkChild(system.watch(address), { startImmediately: true })
        yield* counter.end()
        expect(yield* Effect.flip(counter.add(1))).toMatchObject({ _tag: "ActorStopped", address })
        expect(yield* Effect.flip(counter.tell.add(1))).toMatchObject({ _tag: "ActorStopped" })
        expect(yield* Effect.flip(system.at(Counter, address).add(1))).toMatchObject({ _tag: "ActorStopped" })
        expect(yield* Effect.flip(system.inspect(address))).toMatchObject({ _tag: "AddressUnknown" })
        expect(yield* system.watch(address)).toMatchObject({ address, normal: true })
        expect(yield* watched.pollUnsafe()!).toMatchObject({ address, normal: true })
        expect(yield* system.list()).toEqual([])
        expect(system.totals().activeActors).toBe(0)
      })
    )
  )

  it.effect("takes no name away that an actor can have, though it begins with ~ like its own", () =>
    run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        for (const name of ["~", "~a", "~a-B", "~-", "~a-b-c"]) expect(yield* system.ref(Counter, name).add(1)).toBe(1)
      })
    )
  )

  it.effect("refuses what waits when it ends, for it has no next life", () =>
    run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const counter = system.spawn(Counter)
        yield* counter.tell.end()
        yield* counter.tell.add(1)
        expect(yield* Effect.flip(counter.add(1))).toMatchObject({ _tag: "ActorStopped" })
        expect((yield* system.deadLetters).map(({ messageName }) => messageName)).toEqual(["add", "add"])
      })
    )
  )

  it.effect("is restarted with the state that it was given, and gone when it fails too often", () =>
    run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const counter = system.spawn(Counter, { state: 7 })
        yield* counter.add(1)
        yield* Effect.flip(counter.boom())
        yield* TestClock.adjust("1 second")
        expect(yield* counter.add(1)).toBe(8)
        for (let i = 0; i < 10; i++) {
          yield* Effect.flip(counter.boom())
          yield* TestClock.adjust("1 second")
        }
        const error = yield* Effect.flip(counter.add(1))
        expect(error).toMatchObject({ _tag: "ActorStopped" })
        expect(error.message).toContain("boom")
        expect(system.totals()).toMatchObject({ restarts: 10, activeActors: 0 })
      })
    )
  )

  it.effect("of a type whose states are stored is refused, since nobody would find it again", () =>
    Effect.gen(function* () {
      const system = yield* ActorSystem
      expect(() => system.spawn(Counter)).toThrow(/needs a name/)
      const Mortal = Actor.actor("mortal", { state: 0, get: (state) => state }, { durable: false })
      expect(yield* system.spawn(Mortal, { state: 3 }).get()).toBe(3)
    }).pipe(Effect.provide(ActorSystem.layer()), Effect.provide(ActorStorageMemory.layer))
  )

  it.effect("counts among the active ones, and is refused where there is no room", () =>
    run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const first = system.spawn(Counter)
        system.spawn(Counter)
        expect(() => system.spawn(Counter)).toThrow(/2 active actors/)
        yield* first.end()
        expect(yield* system.spawn(Counter).add(1)).toBe(1)
      }),
      { activeActorsMax: 2 }
    )
  )

  it.effect("never leaves memory because it is idle: nobody could bring its state back", () =>
    run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const Brief = Actor.actor(
          "brief",
          { state: 0, add: (state, n: number) => state + n },
          { passivateAfter: 1_000 }
        )
        yield* system.ref(Brief, "named").add(1)
        const brief = system.spawn(Brief)
        expect(brief.address).toContain("~")
        yield* brief.add(1)
        yield* TestClock.adjust("10 seconds")
        expect(system.totals()).toMatchObject({ activeActors: 1, passivated: 1 })
        expect(yield* brief.add(1)).toBe(2)
      })
    )
  )
})

describe("a child without a name", () => {
  const Parent = Actor.actor("parent", {
    state: 0,
    spawn: async (state: number, given: number, context) => {
      const child = context.spawn(Counter, { state: given })
      return Actor.reply(state, { address: child.address, value: await child.add(1) })
    },
    boom: (): number => {
      throw new Error("boom")
    }
  })

  it.effect("is supervised by its parent and stops with it", () =>
    run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const parent = system.ref(Parent, "p")
        const one = yield* parent.spawn(1)
        const other = yield* parent.spawn(10)
        expect([one.value, other.value]).toEqual([2, 11])
        const child = system.at(Counter, one.address)
        yield* Effect.flip(child.boom())
        yield* TestClock.adjust("1 second")
        expect(yield* child.add(1)).toBe(2)
        expect(system.totals().activeActors).toBe(3)
        yield* system.stop("continuum://local/parent/p")
        expect(yield* Effect.flip(child.add(1))).toMatchObject({ _tag: "ActorStopped" })
        expect(yield* Effect.flip(system.inspect(other.address))).toMatchObject({ _tag: "AddressUnknown" })
        // The parent has a name and stays, stopped.
        expect(system.totals().activeActors).toBe(1)
      })
    )
  )

  it.effect("leaves its parent when it ends", () =>
    run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const Temporary = Actor.actor(
          "temporary",
          {
            state: 0,
            end: (state, _: void, context) => {
              context.end()
              return state
            }
          },
          { supervision: { restart: "temporary" } }
        )
        const Busy = Actor.actor("busy", {
          state: 0,
          // More one after the other than an actor may have at a time.
          work: async (state: number, times: number, context) => {
            for (let i = 0; i < times; i++) await context.spawn(Temporary).end()
            return state + times
          }
        })
        expect(yield* system.ref(Busy, "b").work(10_001)).toBe(10_001)
        expect(system.totals().activeActors).toBe(1)
      })
    )
  )
})

describe("the list of actors without a name", () => {
  it("holds those that were added and not removed, oldest first, whoever leaves while it is walked", () => {
    const step = fc.oneof(fc.constant("add" as const), fc.nat({ max: 20 }))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const list = new Anonymous(0)
        const model: Array<ActorCell> = []
        for (const step of steps) {
          if (step === "add") {
            const cell = { previous: undefined, next: undefined } as ActorCell
            list.add(cell)
            model.push(cell)
          } else if (step < model.length) list.remove(model.splice(step, 1)[0]!)
          expect([...list].map((cell) => model.indexOf(cell))).toEqual(model.map((_, index) => index))
        }
        for (const cell of list) list.remove(cell)
        expect([...list]).toEqual([])
      })
    )
  })
})
