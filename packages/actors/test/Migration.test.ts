import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, References, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { actor, fromRpcs, reply } from "../src/Actor.ts"
import { ActorSystem } from "../src/ActorSystem.ts"
import * as LeaseProtocol from "../src/LeaseProtocol.ts"
import type { Router } from "../src/Router.ts"
import { register, scenarios } from "../src/testing/RouterScenarios.ts"
import { node, pair } from "./support/TwoSystems.ts"

const quiet = Effect.provideService(References.MinimumLogLevel, "None")

/** Time of a lease whose end is waited for. */
const leaseTtl = 500

class Full extends Schema.TaggedError<Full>()("Full", { limit: Schema.Number }) {}

class Rpcs extends RpcGroup.make(
  Rpc.make("add", { payload: { by: Schema.Number }, success: Schema.Number }),
  Rpc.make("get", { success: Schema.Number }),
  Rpc.make("limited", { payload: { by: Schema.Number }, success: Schema.Number, error: Full }),
  Rpc.make("slow", { payload: { ms: Schema.Number }, success: Schema.Number }),
  Rpc.make("crash", { success: Schema.Number }),
  Rpc.make("where", { success: Schema.String })
) {}

/** A counter that says on which system it runs: each system registers one of its own. */
const counterOf = (where: string) =>
  fromRpcs("counter", Rpcs, {
    state: { schema: Schema.Number, initial: 0 },
    handlers: {
      add: (state, { by }) => state + by,
      get: (state) => state,
      limited: (state, { by }) => (by > 10 ? Effect.fail(new Full({ limit: 10 })) : Effect.succeed(state + by)),
      slow: (state, { ms }) => Effect.as(Effect.sleep(ms), state + 1),
      crash: () => {
        throw new Error("crashed on purpose")
      },
      where: (state) => reply(state, where)
    }
  })

const Counter = counterOf("ant")
const CounterOfBee = counterOf("bee")
const address = "continuum://local/counter/a"

const lent = (options: Parameters<typeof pair>[0] = {}) =>
  Effect.gen(function* () {
    const both = yield* pair(options)
    yield* both.host.system.register(CounterOfBee)
    const counter = both.home.system.ref(Counter, "a")
    expect(yield* counter.add({ by: 2 })).toBe(2)
    yield* both.home.system.migrate(address, "bee")
    return { ...both, counter }
  })

describe("an actor that is moved to another node", () => {
  it.live("runs there with its state, which stays here; asks, tells, errors and crashes are as before", () =>
    Effect.gen(function* () {
      const { bee, counter, home, host } = yield* lent()
      expect(yield* counter.where()).toBe("bee")
      yield* counter.tell.add({ by: 3 })
      expect(yield* counter.get()).toBe(5)
      const error = yield* Effect.flip(counter.limited({ by: 11 }))
      expect(error).toBeInstanceOf(Full)
      expect(error).toMatchObject({ limit: 10 })
      const crash = yield* Effect.flip(counter.crash())
      expect(crash).toMatchObject({ _tag: "ActorFailed", messageName: "crash" })
      expect(yield* counter.add({ by: 1 })).toBe(6)
      // Here it is listed with the node where it is, and its stored state is to be seen.
      const [summary] = yield* home.system.list("counter")
      expect(summary).toMatchObject({ address, node: bee.realm, state: "idle" })
      expect((yield* home.system.inspect(address)).stateValue).toBe(6)
      // There it has the address of its home, and nothing of it is stored.
      const [guest] = yield* host.system.list("counter")
      expect(guest!.address).toMatch(/^continuum:\/\/[a-z0-9]{52}\/counter\/a$/)
      expect([...host.states.keys()]).toEqual([])
      expect([home.system.totals().lent, host.system.totals().guests]).toEqual([1, 1])
      // The other node's own actor of this name is another one.
      expect(yield* host.system.ref(CounterOfBee, "a").get()).toBe(0)
    }).pipe(Effect.scoped, quiet)
  )

  it.live("comes home on demand with all that it did, and can be moved again", () =>
    Effect.gen(function* () {
      const { counter, home, host } = yield* lent()
      yield* counter.add({ by: 5 })
      yield* home.system.migrate(address, "local")
      expect(yield* counter.where()).toBe("ant")
      expect(yield* counter.get()).toBe(7)
      expect(yield* host.system.list("counter")).toEqual([])
      yield* home.system.migrate(address, "bee")
      yield* home.system.migrate(address, "bee")
      expect(yield* counter.add({ by: 1 })).toBe(8)
      expect(yield* counter.where()).toBe("bee")
    }).pipe(Effect.scoped, quiet)
  )

  it.live("handles what waited and what comes on the way in order, each message once", () =>
    Effect.gen(function* () {
      const seen: Array<number> = []
      const make = () =>
        actor("list", {
          state: [] as ReadonlyArray<number>,
          push: (state, n: number) => Effect.as(Effect.sleep(n % 7 === 0 ? 2 : 0), [...state, n]),
          all: (state) => reply(state, state)
        })
      const { home, host } = yield* pair()
      yield* host.system.register(make())
      const list = home.system.ref(make(), "a")
      const moves = yield* Effect.forkChild(
        Effect.gen(function* () {
          for (const to of ["bee", "local", "bee", "local", "bee"]) {
            yield* Effect.sleep(15)
            yield* home.system.migrate("continuum://local/list/a", to)
          }
        })
      )
      for (let n = 0; n < 400; n++) {
        seen.push(n)
        yield* list.tell.push(n)
        if (n % 5 === 0) yield* Effect.sleep(1)
      }
      yield* Fiber.join(moves)
      expect(yield* list.all()).toEqual(seen)
    }).pipe(Effect.scoped, quiet)
  )

  it.live("first ends what it does", () =>
    Effect.gen(function* () {
      const { home, host } = yield* pair()
      yield* host.system.register(CounterOfBee)
      const counter = home.system.ref(Counter, "a")
      const slow = yield* Effect.forkChild(counter.slow({ ms: 60 }), { startImmediately: true })
      yield* home.system.migrate(address, "bee")
      expect(yield* counter.get()).toBe(1)
      expect(yield* Fiber.join(slow)).toBe(1)
      const slowThere = yield* Effect.forkChild(counter.slow({ ms: 60 }), { startImmediately: true })
      yield* home.system.migrate(address, "local")
      expect(yield* Fiber.join(slowThere)).toBe(2)
      expect(yield* counter.get()).toBe(2)
    }).pipe(Effect.scoped, quiet)
  )

  it.live("first answers the reentrant messages that it handles", () =>
    Effect.gen(function* () {
      const latch = yield* Deferred.make<void>()
      const Desk = actor(
        "desk",
        {
          state: 0,
          work: (state, until: Deferred.Deferred<void>) => Effect.as(Deferred.await(until), state + 1),
          look: (state, until: Deferred.Deferred<void>) => Effect.as(Deferred.await(until), state)
        },
        { reentrant: ["look"] }
      )
      const { home, host } = yield* pair()
      yield* host.system.register(Desk)
      const desk = home.system.ref(Desk, "d")
      const working = yield* Deferred.make<void>()
      const work = yield* Effect.forkChild(desk.work(working), { startImmediately: true })
      const look = yield* Effect.forkChild(desk.look(latch), { startImmediately: true })
      yield* Deferred.succeed(working, undefined)
      expect(yield* Fiber.join(work)).toBe(1)
      const moving = yield* Effect.forkChild(home.system.migrate("continuum://local/desk/d", "bee"))
      yield* Effect.sleep(20)
      expect(home.system.totals().lent).toBe(0)
      yield* Deferred.succeed(latch, undefined)
      yield* Fiber.join(moving)
      expect(yield* Fiber.join(look)).toBe(0)
      expect(home.system.totals().lent).toBe(1)
    }).pipe(Effect.scoped, quiet)
  )

  it.live("stays where it is when the other node cannot or will not have it, and says why", () =>
    Effect.gen(function* () {
      const { home, host, line } = yield* pair()
      const counter = home.system.ref(Counter, "a")
      yield* counter.add({ by: 1 })
      const why = (to: string, of = address) =>
        Effect.map(Effect.flip(home.system.migrate(of, to)), (error) => {
          expect(error._tag).toBe("MigrationRefused")
          return error.message
        })
      expect(yield* why("bee")).toContain('no actors of kind "counter"; register the definition there')
      yield* host.system.register(CounterOfBee)
      const Fleeting = actor("fleeting", { state: 0, add: (state, n: number) => state + n }, { durable: false })
      yield* home.system.ref(Fleeting, "f").add(1)
      expect(yield* why("bee", "continuum://local/fleeting/f")).toContain("not durable")
      line.cut()
      expect(yield* why("bee")).toContain("it is not there")
      line.mend()
      const Parent = actor("parent", {
        state: 0,
        spawn: async (state, _: void, context) => {
          await context.spawn(Counter, "child").add({ by: 1 })
          return state + 1
        }
      })
      yield* home.system.ref(Parent, "p").spawn()
      expect(yield* why("bee", "continuum://local/parent/p")).toContain("has children")
      expect(yield* why("bee", "continuum://local/counter/child")).toContain("child of another actor")
      expect(yield* counter.add({ by: 1 })).toBe(2)
      expect(yield* counter.where()).toBe("ant")
    }).pipe(Effect.scoped, quiet)
  )

  it.live("does not go while its handler is busy for longer than it may", () =>
    Effect.gen(function* () {
      const make = () =>
        actor("busy", { state: 0, wait: (state) => Effect.as(Effect.sleep(200), state + 1) }, { stopTimeout: 20 })
      const { home, host } = yield* pair()
      yield* host.system.register(make())
      const busy = home.system.ref(make(), "a")
      const waiting = yield* Effect.forkChild(busy.wait(), { startImmediately: true })
      const error = yield* Effect.flip(home.system.migrate("continuum://local/busy/a", "bee"))
      expect(error.message).toContain("did not come to rest")
      expect(yield* Fiber.join(waiting)).toBe(1)
      expect(yield* busy.wait()).toBe(2)
    }).pipe(Effect.scoped, quiet)
  )

  it.live("does not go when its state is not read there, and is not harmed by it", () =>
    Effect.gen(function* () {
      const textual = fromRpcs("counter", Rpcs, {
        state: { schema: Schema.String as unknown as Schema.Codec<number, any>, initial: 0 },
        handlers: CounterOfBee.entries as never
      })
      const { home, host } = yield* pair()
      yield* host.system.register(textual)
      const counter = home.system.ref(Counter, "a")
      yield* counter.add({ by: 4 })
      const error = yield* Effect.flip(home.system.migrate(address, "bee"))
      expect(error).toMatchObject({ _tag: "MigrationRefused", reason: expect.stringContaining("does not fit") })
      expect(yield* counter.add({ by: 1 })).toBe(5)
      expect(yield* home.system.quarantined).toEqual([])
    }).pipe(Effect.scoped, quiet)
  )
})

describe("while the nodes do not reach each other, a lent actor", () => {
  it.live("is unavailable until its lease ends, then goes on at home with all that was acknowledged", () =>
    Effect.gen(function* () {
      const { counter, host, line } = yield* lent({ ant: { leaseTtl } })
      expect(yield* counter.add({ by: 1 })).toBe(3)
      line.cut()
      const error = yield* Effect.flip(counter.add({ by: 1 }))
      expect(error).toMatchObject({ _tag: "LeaseUnavailable", maybeHandled: false })
      expect(error.message).toContain("try again in some seconds")
      yield* Effect.sleep(2 * leaseTtl)
      expect(yield* counter.where()).toBe("ant")
      expect(yield* counter.add({ by: 1 })).toBe(4)
      expect(yield* host.system.list("counter")).toEqual([])
      line.mend()
      expect(yield* counter.add({ by: 1 })).toBe(5)
    }).pipe(Effect.scoped, quiet)
  )

  it.live("loses no reply silently: who waits for it hears that nobody knows", () =>
    Effect.gen(function* () {
      const { counter, line } = yield* lent()
      const asking = yield* Effect.forkChild(Effect.exit(counter.slow({ ms: 300 })), { startImmediately: true })
      yield* Effect.sleep(20)
      line.cut()
      const exit = yield* Fiber.join(asking)
      expect(Exit.isFailure(exit) && exit.cause.reasons[0]).toMatchObject({
        error: { _tag: "LeaseUnavailable", maybeHandled: true }
      })
    }).pipe(Effect.scoped, quiet)
  )

  it.live("acknowledges nothing that its home did not store, and goes on when the line is mended in time", () =>
    Effect.gen(function* () {
      const { counter, home, line } = yield* lent()
      yield* counter.tell.slow({ ms: 40 })
      yield* Effect.sleep(10)
      line.cut()
      yield* Effect.sleep(100)
      expect((yield* home.system.inspect(address)).stateValue).toBe(2)
      line.mend()
      // Its commit is sent again: the state is what it computed, once. The ask waits for it.
      expect(yield* counter.get()).toBe(3)
      expect(yield* counter.where()).toBe("bee")
    }).pipe(Effect.scoped, quiet)
  )
})

describe("a host that writes under a lease that is not its own any more", () => {
  it.live("is fenced: nothing is stored, and its actor stops", () =>
    Effect.gen(function* () {
      // The home's storage is slow to answer for a while, so that a write of the host is on its way when the lease ends.
      const gate = yield* Deferred.make<void>()
      let isSlow = false
      const { counter, host, line, home } = yield* lent({
        ant: {
          leaseTtl,
          storage: (storage) => ({
            ...storage,
            commit: (batch) =>
              isSlow && batch.some((write) => write.address === address)
                ? Effect.andThen(Deferred.await(gate), storage.commit(batch))
                : storage.commit(batch)
          })
        }
      })
      isSlow = true
      const asking = yield* Effect.forkChild(Effect.exit(counter.add({ by: 10 })), { startImmediately: true })
      yield* Effect.sleep(20)
      line.cut()
      yield* Effect.sleep(2 * leaseTtl)
      // The write was accepted before the end of the lease: the home waits for it before it goes on.
      const waiting = yield* Effect.forkChild(Effect.exit(counter.get()), { startImmediately: true })
      yield* Effect.sleep(50)
      isSlow = false
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(asking)
      const exit = yield* Fiber.join(waiting)
      if (Exit.isSuccess(exit)) expect(exit.value).toBe(12)
      yield* Effect.sleep(20)
      expect(yield* counter.get()).toBe(12)
      expect(yield* counter.where()).toBe("ant")
      line.mend()
      yield* Effect.sleep(50)
      expect(yield* host.system.list("counter")).toEqual([])
      expect((yield* home.system.inspect(address)).stateValue).toBe(12)
    }).pipe(Effect.scoped, quiet)
  )

  it.live("is fenced also when it was lent the actor again since: what comes late is of an older epoch", () =>
    Effect.gen(function* () {
      const { ant, bee, counter, home } = yield* lent()
      const epoch = Effect.map(home.system.leasesOf("local").find(address), (lease) => lease!.epoch)
      const older = yield* epoch
      yield* home.system.migrate(address, "local")
      yield* home.system.migrate(address, "bee")
      const present = yield* epoch
      expect(present).toBeGreaterThan(older)
      const host = {
        delivery: bee.delivery,
        realm: bee.realm,
        nextId: () => ({ stream: "late", sequence: 0 })
      } as unknown as Router
      const write = (epoch: number) => {
        const own = { kind: "counter", name: "a", epoch }
        const records = [{ at: 0, bytes: home.states.get(address)! }]
        const commit = { _tag: "Commit", ...own, sequence: 1_000, records } as const
        return LeaseProtocol.askHome(host, ant.realm, commit)
      }
      expect(yield* write(older)).toEqual({ _tag: "Fenced" })
      expect(yield* counter.get()).toBe(2)
      expect(yield* write(present)).toEqual({ _tag: "Committed" })
    }).pipe(Effect.scoped, quiet)
  )
})

describe("when a node stops in order", () => {
  it.live("a host gives its guests back, and they go on at home at once", () =>
    Effect.gen(function* () {
      const { counter, host } = yield* lent()
      yield* counter.add({ by: 1 })
      yield* host.stop
      expect(yield* counter.where()).toBe("ant")
      expect(yield* counter.add({ by: 1 })).toBe(4)
    }).pipe(Effect.scoped, quiet)
  )

  it.live("a home finds after its restart whom it lent, and goes on sending there", () =>
    Effect.gen(function* () {
      const { ant, counter, home } = yield* lent()
      yield* counter.add({ by: 1 })
      yield* home.stop
      const again = yield* node(ant, { states: home.states })
      const counterAgain = again.system.ref(Counter, "a")
      expect(yield* counterAgain.where()).toBe("bee")
      expect(yield* counterAgain.add({ by: 1 })).toBe(4)
      yield* again.system.migrate(address, "local")
      expect(yield* counterAgain.get()).toBe(4)
    }).pipe(Effect.scoped, quiet)
  )

  it.live("a host that was started anew has no guests, and the home takes them back without waiting", () =>
    Effect.gen(function* () {
      const { bee, counter } = yield* lent()
      // As if the process of the host had died: another system answers in its place.
      const other = yield* node(bee)
      yield* other.system.register(CounterOfBee)
      const error = yield* Effect.flip(counter.get())
      expect(error).toMatchObject({ _tag: "LeaseUnavailable", maybeHandled: false })
      yield* Effect.sleep(20)
      expect(yield* counter.where()).toBe("ant")
      expect(yield* counter.get()).toBe(2)
    }).pipe(Effect.scoped, quiet)
  )
})

describe("what an operator does to a lent actor", () => {
  it.live("is done at home: restart and stop bring it back first, and forget deletes its state", () =>
    Effect.gen(function* () {
      const { counter, home } = yield* lent()
      yield* home.system.restart(address)
      expect(yield* counter.where()).toBe("ant")
      expect(yield* counter.get()).toBe(2)
      yield* home.system.migrate(address, "bee")
      yield* home.system.forget(address)
      expect(yield* counter.get()).toBe(0)
      yield* home.system.migrate(address, "bee")
      yield* home.system.stop(address)
      expect(yield* Effect.flip(counter.get())).toMatchObject({ _tag: "ActorStopped" })
    }).pipe(Effect.scoped, quiet)
  )
})

describe("an actor that is lent does for whoever asks it what it does at home:", () => {
  for (const { expected, name, see } of scenarios) {
    it.live(name, () =>
      Effect.gen(function* () {
        const { home, host } = yield* pair()
        yield* Effect.provideService(register, ActorSystem, home.system)
        yield* Effect.provideService(register, ActorSystem, host.system)
        // Each counter of the scenario is lent as soon as it is there.
        const lending = yield* Effect.forkChild(
          Effect.forever(
            Effect.gen(function* () {
              for (const { address, node } of yield* home.system.list("scenario-counter")) {
                if (node === "ant") yield* Effect.ignore(home.system.migrate(address, "bee"))
              }
              yield* Effect.sleep(1)
            })
          )
        )
        const seen = yield* Effect.provideService(
          see({ realm: "local", back: "local", run: "x" }),
          ActorSystem,
          home.system
        )
        yield* Fiber.interrupt(lending)
        expect(seen).toEqual(expected)
      }).pipe(Effect.scoped, quiet)
    )
  }
})
