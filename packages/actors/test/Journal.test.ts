import { describe, expect, it } from "@effect/vitest"
import { Cause, DateTime, Effect, Exit, Layer, Schema, Stream } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import * as fc from "fast-check"
import * as Actor from "../src/Actor.ts"
import { ActorStorage, type Write } from "../src/ActorStorage.ts"
import * as ActorStorageMemory from "../src/ActorStorageMemory.ts"
import { ActorSystem } from "../src/ActorSystem.ts"
import type { Options } from "../src/Journal.ts"
import * as JournalRecords from "../src/JournalRecords.ts"
import { eventsPerMessageMax } from "../src/Limits.ts"

type Moved = { readonly by: number } | { readonly times: number }

const address = "continuum://local/account/a"

const accountOf = (journal: Partial<Options<number, Moved>> = {}) =>
  Actor.actor(
    "account",
    {
      state: 0,
      add: (_, by: number) => Actor.emit({ by }, (balance: number) => balance),
      addAndDouble: (_, by: number) => Actor.emit([{ by }, { times: 2 }], "done"),
      many: (_, count: number) => Actor.emit(Array.from({ length: count }, () => ({ by: 1 }))),
      async: async (_, by: number) => Actor.emit({ by }, (balance: number) => balance),
      effect: (_, by: number) => Effect.succeed(Actor.emit({ by }, (balance: number) => balance)),
      deny: () => Effect.fail("denied") as Effect.Effect<number, string>,
      crash: (): number => {
        throw new Error("crashed as told")
      },
      replace: () => 7,
      get: (balance) => Actor.reply(balance, balance)
    },
    {
      journal: {
        apply: (balance: number, event: Moved) => ("by" in event ? balance + event.by : balance * event.times),
        ...journal
      },
      supervision: { backoffMin: "1 millis", backoffMax: "2 millis" }
    }
  )

/** Systems one after the other over the same records. */
const disk = () => {
  const records = new Map<string, Uint8Array>()
  const batches: Array<ReadonlyArray<Write>> = []
  const memory = ActorStorageMemory.make(records)
  const storage = ActorStorage.of({
    ...memory,
    commit: (batch) => {
      batches.push(batch)
      return memory.commit(batch)
    }
  })
  const live = <A, E>(program: Effect.Effect<A, E, ActorSystem>) =>
    Effect.runPromise(Effect.provide(program, Layer.provide(ActorSystem.layer(), Layer.succeed(ActorStorage, storage))))
  return { records, batches, live, storage, events: () => [...records.keys()].filter((key) => key.startsWith("~")) }
}

const account = (definition: ReturnType<typeof accountOf>) =>
  Effect.map(ActorSystem, (system) => system.ref(definition, "a"))

const eventsOf = Effect.flatMap(ActorSystem, (system) => Stream.runCollect(system.journal(address)))

const failure = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.map(Effect.exit(effect), (exit) => (Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "no failure"))

describe("an actor with a journal", () => {
  it("has the state that its events make, also in its next life", async () => {
    const { live } = disk()
    const Account = accountOf()
    await live(
      Effect.gen(function* () {
        const a = yield* account(Account)
        expect(yield* a.add(5)).toBe(5)
        expect(yield* a.addAndDouble(1)).toBe("done")
        expect(yield* a.many(3)).toBe(undefined)
        expect(yield* a.async(1)).toBe(16)
        expect(yield* a.effect(2)).toBe(18)
        expect(yield* a.get()).toBe(18)
        expect(yield* failure(a.deny())).toContain("denied")
      })
    )
    expect(await live(Effect.flatMap(account(Account), (a) => a.get()))).toBe(18)
  })

  it("stores each event once, and a snapshot only every so many events", async () => {
    const { batches, events, live } = disk()
    const Account = accountOf({ snapshotEvery: 3 })
    await live(Effect.flatMap(account(Account), (a) => Effect.forEach([1, 2, 3, 4, 5, 6, 7, 8, 9], (by) => a.add(by))))
    const snapshots = batches.filter((batch) => batch.some((write) => write.address === address))
    // The first, and after events 4 and 7.
    expect(snapshots).toHaveLength(3)
    expect(events()).toEqual([8, 9].map((sequence) => JournalRecords.keyOf(address, sequence)))
    expect(await live(Effect.flatMap(account(Account), (a) => a.get()))).toBe(45)
  })

  it("keeps as many past events as it is told, and they can be read from any number on", async () => {
    const { live } = disk()
    const some = accountOf({ snapshotEvery: 2, keep: 3 })
    await live(Effect.flatMap(account(some), (a) => Effect.forEach([1, 2, 3, 4, 5, 6, 7, 8], (by) => a.add(by))))
    // Snapshots hold 1, 3, 5 and 7 events; three before the last are kept.
    const kept = await live(Effect.andThen(account(some), eventsOf))
    expect(kept.map(({ event, sequence }) => [sequence, event])).toEqual([5, 6, 7, 8].map((by) => [by, { by }]))
    const all = accountOf({ snapshotEvery: 2, keep: Number.POSITIVE_INFINITY })
    const other = disk()
    await other.live(Effect.flatMap(account(all), (a) => Effect.andThen(a.many(600), a.add(1))))
    const from = await other.live(
      Effect.flatMap(Effect.andThen(account(all), ActorSystem), (system) =>
        Stream.runCollect(system.journal(address, 300))
      )
    )
    expect(from.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 302 }, (_, i) => 300 + i))
    expect(Date.parse(from[0]!.time)).toBeGreaterThan(0)
  })

  it("replays to the live state, whatever was emitted and however often it stopped", async () => {
    const event = fc.oneof(
      fc.record({ by: fc.integer({ min: -9, max: 9 }) }),
      fc.record({ times: fc.integer({ min: -2, max: 2 }) })
    )
    const lives = fc.array(fc.array(fc.array(event, { maxLength: 4 }), { maxLength: 8 }), { maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(
        lives,
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 0, max: 5 }),
        async (lives, every, keep) => {
          const { events, live } = disk()
          const Account = Actor.actor(
            "account",
            {
              state: 0,
              emit: (_, moves: ReadonlyArray<Moved>) => Actor.emit(moves, (n: number) => n),
              get: (n) => Actor.reply(n, n)
            },
            {
              journal: {
                apply: (n: number, move: Moved) => ("by" in move ? n + move.by : n * move.times) % 1_000_003 || 0,
                snapshotEvery: every,
                keep
              }
            }
          )
          let model = 0
          let count = 0
          for (const messages of lives) {
            await live(
              Effect.gen(function* () {
                const a = (yield* ActorSystem).ref(Account, "a")
                expect(yield* a.get()).toBe(model)
                for (const moves of messages) {
                  for (const move of moves)
                    model = ("by" in move ? model + move.by : model * move.times) % 1_000_003 || 0
                  count += moves.length
                  expect(yield* a.emit(moves)).toBe(model)
                }
              })
            )
            expect(events().length).toBeLessThan(every + keep + 1)
            expect(events().length).toBeGreaterThanOrEqual(Math.min(keep, count))
          }
        }
      ),
      { numRuns: 60 }
    )
  })

  it("changes nothing when a handler crashes, returns a state, or emits what cannot be stored or is too much", async () => {
    const { events, live } = disk()
    const Account = accountOf({
      apply: (balance, event) => {
        if ("by" in event && event.by === 13) throw new Error("unlucky")
        return balance + ("by" in event ? event.by : 0)
      },
      keep: 100
    })
    await live(
      Effect.gen(function* () {
        const a = yield* account(Account)
        yield* a.add(1)
        expect(yield* failure(a.crash())).toContain("crashed as told")
        expect(yield* failure(a.add(13))).toContain("unlucky")
        expect(yield* failure(a.replace())).toContain("return emit(event) in place of a new state")
        expect(yield* failure(a.add((() => 1) as never))).toContain("an event cannot be stored")
        expect(yield* failure(a.many(eventsPerMessageMax + 1))).toContain(`may emit ${eventsPerMessageMax} events`)
        expect(yield* a.get()).toBe(1)
        expect(yield* a.add(1)).toBe(2)
      })
    )
    expect(events()).toHaveLength(2)
  })

  it("emits only with a journal", async () => {
    // @ts-expect-error Without a journal there are no events to emit.
    const Plain = Actor.actor("plain", { state: 0, add: (_, by: number) => Actor.emit({ by }) })
    const { live } = disk()
    const system = Effect.map(
      ActorSystem,
      (system) => system.ref(Plain as never, "a") as unknown as { add: (n: number) => Effect.Effect<void> }
    )
    expect(await live(Effect.flatMap(system, (a) => failure(a.add(1))))).toContain("this actor has no journal")
  })

  it("emits only the events that its journal applies", () => {
    const journal = { apply: (n: number, event: { readonly by: number }) => n + event.by }
    Actor.actor("typed", { state: 0, add: (_, by: number) => Actor.emit({ by }) }, { journal })
    // @ts-expect-error The journal has no such event.
    Actor.actor("typed", { state: 0, add: (_, by: string) => Actor.emit({ by }) }, { journal })
    expect(() => accountOf({ snapshotEvery: 0 })).toThrow(RangeError)
    expect(() => accountOf({ keep: -1 })).toThrow(RangeError)
    expect(() => accountOf({ keep: 0.5 })).toThrow(RangeError)
  })

  it("works without a storage, for as long as the process lives", async () => {
    const program = Effect.flatMap(account(accountOf()), (a) => Effect.andThen(a.add(2), a.add(3)))
    expect(await Effect.runPromise(Effect.provide(program, ActorSystem.layerWithoutStorage()))).toBe(5)
  })

  it("goes on from the state that it had before it got a journal", async () => {
    const { live } = disk()
    const Before = Actor.actor("account", { state: 0, add: (n, by: number) => n + by })
    await live(Effect.flatMap(ActorSystem, (system) => system.ref(Before, "a").add(40)))
    const Account = accountOf()
    expect(await live(Effect.flatMap(account(Account), (a) => a.add(2)))).toBe(42)
    expect(await live(Effect.flatMap(account(Account), (a) => a.add(1)))).toBe(43)
    const without = live(Effect.flatMap(ActorSystem, (system) => failure(system.ref(Before, "a").add(1))))
    expect(await without).toContain("it has a journal")
  })

  it("is forgotten with all of its events", async () => {
    const { live, records } = disk()
    const Account = accountOf({ keep: Number.POSITIVE_INFINITY })
    await live(
      Effect.gen(function* () {
        const a = yield* account(Account)
        yield* a.many(500)
        yield* (yield* ActorSystem).forget(address)
        expect([...records.keys()].filter((key) => !key.startsWith("lease"))).toEqual([])
        expect(yield* a.add(1)).toBe(1)
      })
    )
  })

  it("has events of a schema when it is made of rpcs", async () => {
    class Paid extends Schema.Class<Paid>("Paid")({ at: Schema.DateTimeUtc, cents: Schema.Int }) {}
    const Group = RpcGroup.make(
      Rpc.make("pay", { payload: { cents: Schema.Int }, success: Schema.Int }),
      Rpc.make("last", { success: Schema.Boolean })
    )
    const Account = Actor.fromRpcs(
      "account",
      Group,
      {
        state: {
          schema: Schema.Struct({ total: Schema.Int, last: Schema.optionalKey(Paid) }),
          initial: { total: 0 } as { readonly total: number; readonly last?: Paid }
        },
        handlers: {
          pay: (_, { cents }) =>
            Effect.map(
              Effect.clockWith((clock) => clock.currentTimeMillis),
              (ms) =>
                Actor.emit(
                  new Paid({ at: DateTime.makeUnsafe(ms), cents }),
                  (state: { readonly total: number }) => state.total
                )
            ),
          last: (state) => Actor.reply(state, state.last instanceof Paid)
        }
      },
      { journal: { apply: ({ total }, paid: Paid) => ({ total: total + paid.cents, last: paid }), schema: Paid } }
    )
    const { live } = disk()
    const pay = Effect.flatMap(ActorSystem, (system) => system.ref(Account, "a").pay({ cents: 5 }))
    expect(await live(pay)).toBe(5)
    expect(await live(pay)).toBe(10)
    expect(await live(Effect.flatMap(ActorSystem, (system) => system.ref(Account, "a").last()))).toBe(true)
    const events = await live(
      Effect.andThen(
        Effect.map(ActorSystem, (system) => system.ref(Account, "a")),
        eventsOf
      )
    )
    expect(events[0]!.event).toBeInstanceOf(Paid)
  })
})

describe("a damaged journal", () => {
  const filled = async () => {
    const world = disk()
    const Account = accountOf({ keep: Number.POSITIVE_INFINITY, snapshotEvery: 1_000 })
    await world.live(Effect.flatMap(account(Account), (a) => Effect.forEach([1, 2, 3, 4, 5], (by) => a.add(by))))
    return { ...world, Account }
  }
  const restarted = (Account: ReturnType<typeof accountOf>) =>
    Effect.gen(function* () {
      const system = yield* ActorSystem
      const a = yield* account(Account)
      const refused = yield* failure(a.get())
      yield* system.restart(address)
      return { refused, state: yield* a.get(), next: yield* a.add(100) }
    })

  it("stops its actor and names the event; a restart goes on before it and sets later ones aside", async () => {
    const { Account, live, records, storage } = await filled()
    await Effect.runPromise(storage.quarantine(JournalRecords.keyOf(address, 3), "a wrong bit"))
    const { next, refused, state } = await live(restarted(Account))
    expect(refused).toContain("event 3 of its journal is damaged or missing (a wrong bit)")
    expect([state, next]).toEqual([3, 103])
    expect([...records.keys()].filter((key) => key.startsWith("~"))).toEqual(
      [1, 2, 3].map((sequence) => JournalRecords.keyOf(address, sequence))
    )
    expect(await live(Effect.flatMap(account(Account), (a) => a.get()))).toBe(103)
  })

  it("with an event missing is one, and never replayed beyond it", async () => {
    const { Account, live, records } = await filled()
    records.delete(JournalRecords.keyOf(address, 4))
    const { refused, state } = await live(restarted(Account))
    expect(refused).toContain("event 4 of its journal is damaged or missing (event 4 is missing, and event 5 is there)")
    expect(state).toBe(6)
  })

  it("with bytes that are no event sets these aside", async () => {
    const { Account, live, records } = await filled()
    records.set(JournalRecords.keyOf(address, 2), Uint8Array.of(0xc1, 1, 2, 3))
    const { refused, state } = await live(restarted(Account))
    expect(refused).toContain("event 2 of its journal is damaged")
    expect(state).toBe(1)
  })

  it("without its snapshot is replayed from the first event, where all are kept", async () => {
    const { Account, live, storage } = await filled()
    await Effect.runPromise(storage.quarantine(address, "a wrong bit"))
    const { refused, state } = await live(restarted(Account))
    expect(refused).toContain("its stored state is damaged")
    expect(state).toBe(15)
  })

  it("without its snapshot begins anew, where the events in it were dropped", async () => {
    const { live, storage } = disk()
    const Account = accountOf({ snapshotEvery: 3 })
    await live(Effect.flatMap(account(Account), (a) => Effect.forEach([1, 2, 3, 4, 5], (by) => a.add(by))))
    await Effect.runPromise(storage.quarantine(address, "a wrong bit"))
    expect((await live(restarted(Account))).state).toBe(0)
  })

  it("with events that apply cannot take stays as it is", async () => {
    const { live, records } = await filled()
    const before = new Map(records)
    const Broken = accountOf({
      apply: () => {
        throw new Error("not today")
      }
    })
    const refused = await live(Effect.flatMap(account(Broken), (a) => failure(a.get())))
    expect(refused).toContain("apply failed at event 2: not today")
    expect(records).toEqual(before)
  })
})
