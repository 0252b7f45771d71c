import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"
import * as Actor from "../src/Actor.ts"
import * as ActorStorageMemory from "../src/ActorStorageMemory.ts"
import { ActorSystem } from "../src/ActorSystem.ts"

const run = <A, E>(effect: Effect.Effect<A, E, ActorSystem>) =>
  Effect.provide(effect, ActorSystem.layerWithoutStorage())

type Restart = "permanent" | "transient" | "temporary"
type Order = "one_for_one" | "one_for_all" | "rest_for_one"

const supervision = { backoffMin: "1 second", backoffMax: "1 second", jitter: 0 } as const

/** A family whose actors note each of their starts. */
const family = (options: {
  readonly order?: Order
  readonly intensity?: number
  readonly types?: ReadonlyArray<Restart>
}) => {
  const starts: Array<string> = []
  const child = (restart: Restart) =>
    Actor.actor(
      restart,
      {
        state: 0,
        add: (state, n: number) => state + n,
        boom: (): number => {
          throw new Error("boom")
        },
        end: (state, _: void, context) => {
          context.end()
          return state
        },
        wait: (state, latch: Deferred.Deferred<void>) => Effect.as(Deferred.await(latch), state)
      },
      {
        supervision: { ...supervision, restart },
        start: (state, { name }) => {
          starts.push(name)
          return state
        }
      }
    )
  const children = { permanent: child("permanent"), transient: child("transient"), temporary: child("temporary") }
  const types = options.types ?? ["permanent", "permanent", "permanent"]
  const Parent = Actor.actor(
    "parent",
    {
      state: 0,
      get: (state) => state,
      boom: (): number => {
        throw new Error("boom")
      }
    },
    {
      supervision: { ...supervision, intensity: Number.POSITIVE_INFINITY },
      children: { order: options.order ?? "one_for_one", intensity: options.intensity ?? 3, period: "1 hour" },
      start: (state, context) => {
        starts.push("parent")
        for (const [index, type] of types.entries()) context.spawn(children[type], `c${index}`)
        return state
      }
    }
  )
  return { Parent, children, types, starts }
}

const address = (kind: string, name: string) => `continuum://local/${kind}/${name}`

describe("children", () => {
  it.effect("are started by their parent, in order, and restarted after their backoff, each for itself", () => {
    const { Parent, children, starts } = family({})
    return run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        yield* system.ref(Parent, "p").get()
        expect(starts).toEqual(["parent", "c0", "c1", "c2"])
        yield* system.ref(children.permanent, "c0").add(5)
        yield* Effect.flip(system.ref(children.permanent, "c1").boom())
        const waiting = yield* Effect.forkChild(system.ref(children.permanent, "c1").add(1))
        yield* TestClock.adjust("999 millis")
        expect(starts).toHaveLength(4)
        yield* TestClock.adjust(1)
        expect(starts.slice(4)).toEqual(["c1"])
        expect(yield* Fiber.join(waiting)).toBe(1)
        expect(yield* system.ref(children.permanent, "c0").add(1)).toBe(6)
        expect(yield* system.inspect(address("permanent", "c1"))).toMatchObject({
          restarts: 1,
          failures: [{ messageName: "boom" }]
        })
      })
    )
  })

  for (const [order, again, lost] of [
    ["one_for_all", ["c0", "c1", "c2"], ["c0", "c2"]],
    ["rest_for_one", ["c1", "c2"], ["c2"]]
  ] as const) {
    it.effect(
      `are restarted together, oldest first: ${order}; what the others were handling fails with the reason`,
      () => {
        const { Parent, children, starts } = family({ order })
        return run(
          Effect.gen(function* () {
            const system = yield* ActorSystem
            yield* system.ref(Parent, "p").get()
            const latch = yield* Deferred.make<void>()
            const asks = []
            for (const name of ["c0", "c2"] as const) {
              asks.push(yield* Effect.forkChild(Effect.exit(system.ref(children.permanent, name).wait(latch))))
            }
            yield* Effect.yieldNow
            yield* Effect.flip(system.ref(children.permanent, "c1").boom())
            yield* TestClock.adjust("1 second")
            expect(starts.slice(4)).toEqual(again)
            yield* Deferred.succeed(latch, undefined)
            const failed = (yield* Effect.all(asks.map((ask) => Fiber.join(ask)))).map((exit) => exit._tag)
            expect(failed).toEqual(
              ["c0", "c2"].map((name) => ((lost as ReadonlyArray<string>).includes(name) ? "Failure" : "Success"))
            )
          })
        )
      }
    )
  }

  it.effect("that fail too often make their parent fail, which keeps the cause and begins anew", () => {
    const { Parent, children, starts } = family({ intensity: 1 })
    return run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        yield* system.ref(Parent, "p").get()
        yield* Effect.flip(system.ref(children.permanent, "c0").boom())
        yield* TestClock.adjust("1 second")
        yield* Effect.flip(system.ref(children.permanent, "c1").boom())
        const { failures, state } = yield* system.inspect(address("parent", "p"))
        expect(state).toBe("restarting")
        expect(failures[0]!.messageName).toBe("children")
        expect(failures[0]!.cause).toContain("c1 failed too often: more than 1 restarts in 1h")
        expect(failures[0]!.cause).toContain("boom")
        expect(yield* Effect.flip(system.ref(children.permanent, "c2").add(1))).toMatchObject({
          _tag: "ActorStopped",
          reason: "its parent continuum://local/parent/p stopped"
        })
        yield* TestClock.adjust("1 second")
        expect(starts).toEqual(["parent", "c0", "c1", "c2", "c0", "parent", "c0", "c1", "c2"])
        // The count begins anew as well.
        yield* Effect.flip(system.ref(children.permanent, "c0").boom())
        expect((yield* system.inspect(address("parent", "p"))).state).toBe("idle")
      })
    )
  })

  it.effect(
    "stop with their parent, the youngest first, once its handler and theirs have ended or used their time",
    () =>
      run(
        Effect.gen(function* () {
          const system = yield* ActorSystem
          const { Parent, children } = family({})
          yield* system.ref(Parent, "p").get()
          const stopped: Array<string> = []
          for (const name of ["c0", "c1", "c2"]) {
            yield* Effect.forkChild(
              Effect.map(system.watch(address("permanent", name)), (terminated) =>
                stopped.push(terminated.address.slice(-2))
              )
            )
          }
          const endless = yield* Effect.forkChild(
            Effect.flip(system.ref(children.permanent, "c1").wait(yield* Deferred.make<void>()))
          )
          yield* Effect.yieldNow
          const stopping = yield* Effect.forkChild(system.stop(address("parent", "p")))
          yield* TestClock.adjust("4999 millis")
          expect(stopped).toEqual(["c2"])
          expect(yield* Effect.flip(system.ref(Parent, "p").get())).toMatchObject({ _tag: "ActorStopped" })
          yield* TestClock.adjust(1)
          yield* Fiber.join(stopping)
          yield* Effect.yieldNow
          expect(stopped).toEqual(["c2", "c1", "c0"])
          expect(yield* Fiber.join(endless)).toMatchObject({
            _tag: "ActorStopped",
            reason: "its parent continuum://local/parent/p stopped, and stopped before the handler ended"
          })
        })
      )
  )

  it.effect("cannot have two parents or be spawned below themselves", () => {
    const Node = Actor.actor("node", {
      state: 0,
      adopt: (state, name: string, context) => {
        context.spawn(Other, name)
        return state
      }
    })
    const Other: typeof Node = Node
    return run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        yield* system.ref(Node, "a").adopt("b")
        yield* system.ref(Node, "b").adopt("c")
        expect(yield* Effect.flip(system.ref(Node, "x").adopt("c"))).toMatchObject({
          cause: expect.stringContaining("has another parent: continuum://local/node/b")
        })
        expect(yield* Effect.flip(system.ref(Node, "c").adopt("a"))).toMatchObject({
          cause: expect.stringContaining("cannot be spawned below itself")
        })
      })
    )
  })

  it.effect("are refused under a name that their type does not accept, and that leaves nothing behind", () => {
    const Picky = Actor.actor("picky", { state: 0 }, { accepts: (name) => name !== "bad" })
    const Parent = Actor.actor("parent", {
      state: 0,
      adopt: (state, name: string, context) => {
        context.spawn(Picky, name)
        return state
      }
    })
    return run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        expect(yield* Effect.flip(system.ref(Parent, "p").adopt("bad"))).toMatchObject({
          cause: expect.stringContaining("No actor answers to continuum://local/picky/bad")
        })
        expect(system.totals().activeActors).toBe(1)
      })
    )
  })

  it.effect("behave as OTP's, whatever fails and ends in whatever order", () =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(
          fc.constantFrom<Order>("one_for_one", "one_for_all", "rest_for_one"),
          fc.nat(3),
          fc.array(fc.constantFrom<Restart>("permanent", "transient", "temporary"), { minLength: 1, maxLength: 5 }),
          fc.array(fc.tuple(fc.nat(4), fc.boolean()), { maxLength: 20 }),
          (order, intensity, types, ends) =>
            Effect.runPromise(
              Effect.gen(function* () {
                const { Parent, children, starts } = family({ order, intensity, types })
                const system = yield* ActorSystem
                yield* system.ref(Parent, "p").get()
                const model = new FamilyModel(order, intensity, types)
                for (const [which, crashes] of ends) {
                  if (!model.alive.includes(which)) continue
                  const child = system.ref(children[types[which]!], `c${which}`)
                  yield* crashes ? Effect.flip(child.boom()) : child.end()
                  yield* TestClock.adjust("10 seconds")
                  model.ended(which, crashes)
                  const idle = (yield* system.list()).filter(({ kind, state }) => kind !== "parent" && state === "idle")
                  expect(idle.map(({ address }) => address.slice(-2)).toSorted()).toEqual(
                    model.alive.map((index) => `c${index}`)
                  )
                  expect(starts).toEqual(model.starts)
                }
              }).pipe(Effect.provide(ActorSystem.layerWithoutStorage()), Effect.provide(TestClock.layer()))
            )
        ),
        { numRuns: 200 }
      )
    )
  )
})

/** Which children are alive and which starts there were, by the rules of OTP's supervisor. */
class FamilyModel {
  readonly starts: Array<string> = []
  alive: Array<number> = []
  private restarts = 0
  private readonly order: Order
  private readonly intensity: number
  private readonly types: ReadonlyArray<Restart>

  constructor(order: Order, intensity: number, types: ReadonlyArray<Restart>) {
    this.order = order
    this.intensity = intensity
    this.types = types
    this.begin()
  }

  private begin(): void {
    this.restarts = 0
    this.alive = [...this.types.keys()]
    this.starts.push("parent", ...this.alive.map((index) => `c${index}`))
  }

  ended(which: number, crashed: boolean): void {
    const type = this.types[which]!
    if (type === "temporary" || (type === "transient" && !crashed)) {
      this.alive = this.alive.filter((index) => index !== which)
      return
    }
    if (this.restarts >= this.intensity) return this.begin()
    this.restarts++
    const affected = this.alive.filter(
      (index) => index === which || this.order === "one_for_all" || (this.order === "rest_for_one" && index > which)
    )
    const restarted = affected.filter((index) => this.types[index] !== "temporary")
    this.alive = this.alive.filter((index) => !affected.includes(index) || restarted.includes(index))
    this.starts.push(...restarted.map((index) => `c${index}`))
  }
}

describe("an actor that ends by its own wish", () => {
  const Door = Actor.actor("door", {
    state: 0,
    add: (state, n: number) => state + n,
    addAndEnd: (state, n: number, context) => {
      context.end()
      return state + n
    }
  })

  it.effect("has stored its state and answered; what waited is handled in its next life", () =>
    Effect.gen(function* () {
      const system = yield* ActorSystem
      const door = system.ref(Door, "d")
      const ended = yield* Effect.forkChild(system.watch(door.address))
      yield* Effect.yieldNow
      const both = yield* Effect.forkChild(Effect.all([door.addAndEnd(5), door.add(1)], { concurrency: 2 }))
      expect(yield* Fiber.join(both)).toEqual([5, 6])
      expect(yield* Fiber.join(ended)).toEqual({ address: door.address, reason: "it ended normally", normal: true })
      expect(yield* door.addAndEnd(1)).toBe(7)
      yield* Effect.yieldNow
      expect(system.totals().activeActors).toBe(0)
      expect(yield* door.add(1)).toBe(8)
    }).pipe(Effect.provide(Layer.provide(ActorSystem.layer(), ActorStorageMemory.layer)))
  )
})

describe("an actor that watches or is linked", () => {
  const Watcher = Actor.actor(
    "watcher",
    {
      state: [] as ReadonlyArray<Actor.Terminated>,
      watch: (state, address: string, context) => {
        context.watch(address, "ended")
        return state
      },
      unwatch: (state, address: string, context) => {
        context.unwatch(address)
        return state
      },
      link: (state, address: string, context) => {
        context.link(address)
        return state
      },
      ended: (state, terminated: Actor.Terminated) => [...state, terminated],
      get: (state) => state,
      boom: (): ReadonlyArray<Actor.Terminated> => {
        throw new Error("boom")
      }
    },
    { supervision: { ...supervision, intensity: 1 } }
  )

  it.effect("hears once of an end for good, and not of a restart; of one long past at once", () =>
    run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const one = system.ref(Watcher, "one")
        const two = system.ref(Watcher, "two")
        const watched = system.ref(Watcher, "watched")
        yield* one.watch(watched.address)
        yield* two.watch(watched.address)
        yield* two.unwatch(watched.address)
        yield* Effect.flip(watched.boom())
        yield* TestClock.adjust("1 second")
        expect(yield* one.get()).toEqual([])
        yield* Effect.flip(watched.boom())
        const reason = expect.stringContaining("more than 1 restarts")
        expect(yield* one.get()).toEqual([{ address: watched.address, reason, normal: false }])
        expect(yield* two.get()).toEqual([])
        yield* two.watch(watched.address)
        expect(yield* two.get()).toHaveLength(1)
        yield* system.restart(watched.address)
        yield* system.stop(watched.address)
        expect(yield* one.get()).toHaveLength(1)
        expect(yield* Effect.flip(one.watch("continuum://local/nobody/n"))).toMatchObject({
          cause: expect.stringContaining("is no actor of this node")
        })
      })
    )
  )

  it.effect("fails when the other fails, whichever it was, with the cause; and once only", () =>
    run(
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const one = system.ref(Watcher, "one")
        const two = system.ref(Watcher, "two")
        const three = system.ref(Watcher, "three")
        yield* one.link(two.address)
        yield* two.link(three.address)
        yield* Effect.flip(three.boom())
        for (const { address } of [one, two, three]) {
          expect(yield* system.inspect(address)).toMatchObject({ state: "restarting", restarts: 1 })
        }
        expect((yield* system.inspect(one.address)).failures[0]).toMatchObject({
          messageName: "link",
          cause: expect.stringContaining("continuum://local/watcher/two, which it is linked to, failed")
        })
        yield* TestClock.adjust("1 second")
        // A restart has ended the links.
        yield* Effect.flip(three.boom())
        expect((yield* system.inspect(two.address)).state).toBe("idle")
      })
    )
  )
})

describe("the stop of a system", () => {
  it.effect("stops families in order, and cuts short what takes too long", () =>
    Effect.gen(function* () {
      const { Parent, children } = family({})
      const ended = yield* Effect.gen(function* () {
        const system = yield* ActorSystem
        yield* system.ref(Parent, "p").get()
        const waiting = yield* Effect.forkDetach(
          Effect.flip(system.ref(children.permanent, "c2").wait(yield* Deferred.make<void>()))
        )
        yield* Effect.yieldNow
        return waiting
      }).pipe(Effect.provide(ActorSystem.layerWithoutStorage({ stopTimeout: "2 seconds" })), Effect.forkChild)
      yield* TestClock.adjust("2 seconds")
      const waiting = yield* Fiber.join(ended)
      expect(yield* Fiber.join(waiting)).toMatchObject({
        _tag: "ActorStopped",
        reason: "its parent continuum://local/parent/p stopped"
      })
    })
  )
})
