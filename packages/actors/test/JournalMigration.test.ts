import { describe, expect, it } from "@effect/vitest"
import { Effect, References, Stream } from "effect"
import * as Actor from "../src/Actor.ts"
import { ActorStorage, StorageFailed } from "../src/ActorStorage.ts"
import * as JournalRecords from "../src/JournalRecords.ts"
import type { HomeRequest } from "../src/LeaseProtocol.ts"
import * as LeaseProtocol from "../src/LeaseProtocol.ts"
import * as Limits from "../src/Limits.ts"
import type { Router } from "../src/Router.ts"
import { type NodeOptions, pair } from "./support/TwoSystems.ts"

const quiet = Effect.provideService(References.MinimumLogLevel, "None")
const address = "continuum://local/log/l"

/** A log that says on which system it runs, and counts how often `apply` ran there. */
const logOf = (where: string, snapshotEvery: number, keep: number, applied = { count: 0 }) =>
  Actor.actor(
    "log",
    {
      state: [] as ReadonlyArray<string>,
      add: (_, text: string) => Actor.emit(text, (log: ReadonlyArray<string>) => log.length),
      addAll: (_, texts: ReadonlyArray<string>) => Actor.emit(texts, (log: ReadonlyArray<string>) => log.length),
      get: (log) => Actor.reply(log, log),
      crash: (): never => {
        throw new Error("crashed on purpose")
      },
      where: (log) => Actor.reply(log, where)
    },
    {
      journal: {
        apply: (log: ReadonlyArray<string>, text: string) => {
          applied.count++
          return [...log, text]
        },
        snapshotEvery,
        keep
      },
      supervision: { intensity: 100, backoffMin: 1, backoffMax: 1 }
    }
  )

const lent = (
  options: {
    readonly snapshotEvery?: number
    readonly keep?: number
    readonly before?: number
    readonly home?: NodeOptions
  } = {}
) =>
  Effect.gen(function* () {
    const { before = 3, keep = Number.POSITIVE_INFINITY, snapshotEvery = 100 } = options
    const both = yield* pair(options.home === undefined ? {} : { ant: options.home })
    const applied = { count: 0 }
    const Log = logOf("ant", snapshotEvery, keep)
    yield* both.host.system.register(logOf("bee", snapshotEvery, keep, applied))
    const log = both.home.system.ref(Log, "l")
    for (let n = 1; n <= before; n++) yield* log.add(`before ${n}`)
    yield* both.home.system.migrate(address, "bee")
    const events = Stream.runCollect(both.home.system.journal(address))
    return { ...both, log, applied, events }
  })

const keysOf = (states: Map<string, Uint8Array>) => [...states.keys()].filter((key) => key.includes("/log/l"))

describe("an actor with a journal that is moved to another node", () => {
  it.live("replays its events there, goes on with their numbers, and comes home with all of them", () =>
    Effect.gen(function* () {
      const { applied, events, home, host, log } = yield* lent()
      expect(yield* log.where()).toBe("bee")
      // The first one made a snapshot.
      expect(applied.count).toBe(2)
      expect(yield* log.get()).toEqual(["before 1", "before 2", "before 3"])
      expect(yield* log.add("there 1")).toBe(4)
      expect(yield* log.addAll(["there 2", "there 3"])).toBe(6)
      // They are on record at home, and nowhere else.
      expect((yield* events).map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6])
      expect(keysOf(host.states)).toEqual([])
      yield* home.system.migrate(address, "local")
      expect(yield* log.where()).toBe("ant")
      expect(yield* log.add("home again")).toBe(7)
      const all = yield* events
      expect(all.map(({ event }) => event)).toEqual(yield* log.get())
    }).pipe(Effect.scoped, quiet)
  )

  it.live("makes snapshots there, drops what they cover, and keeps what it is told to", () =>
    Effect.gen(function* () {
      const { events, home, log } = yield* lent({ snapshotEvery: 4, keep: 2, before: 2 })
      for (let n = 3; n <= 11; n++) expect(yield* log.add(`event ${n}`)).toBe(n)
      // The first event made a snapshot, as did 5 and 9.
      expect((yield* events).map(({ sequence }) => sequence)).toEqual([8, 9, 10, 11])
      yield* home.system.migrate(address, "local")
      expect((yield* log.get()).length).toBe(11)
      yield* home.system.migrate(address, "bee")
      expect((yield* log.get()).at(-1)).toBe("event 11")
    }).pipe(Effect.scoped, quiet)
  )

  it.live("replays again after a crash there, also more events than one page holds", () =>
    Effect.gen(function* () {
      const count = 2 * Limits.journalPageEvents + 7
      const { applied, log } = yield* lent({ snapshotEvery: 5_000, before: 1 })
      const texts = Array.from({ length: count - 1 }, (_, n) => `event ${n}`)
      // The first snapshot holds one event, and all others come after it.
      expect(yield* log.addAll(texts)).toBe(count)
      const before = applied.count
      expect(yield* Effect.flip(log.crash())).toMatchObject({ _tag: "ActorFailed" })
      expect((yield* log.get()).length).toBe(count)
      expect(applied.count - before).toBe(count - 1)
      expect(yield* log.add("one more")).toBe(count + 1)
    }).pipe(Effect.scoped, quiet)
  )

  it.live("is not acknowledged what its home did not store, and goes on with what was", () =>
    Effect.gen(function* () {
      let isFull = false
      const { events, log } = yield* lent({
        home: {
          storage: (storage) =>
            ActorStorage.of({
              ...storage,
              commit: (batch) =>
                isFull ? Effect.fail(new StorageFailed({ reason: "the disk is full" })) : storage.commit(batch)
            })
        }
      })
      isFull = true
      expect(yield* Effect.flip(log.add("lost"))).toMatchObject({ _tag: "StateNotStored" })
      isFull = false
      expect(yield* log.add("kept")).toBe(4)
      expect((yield* events).map(({ event }) => event)).toEqual(["before 1", "before 2", "before 3", "kept"])
    }).pipe(Effect.scoped, quiet)
  )

  it.live("is refused a message whose events are more than one transaction to its home holds, and goes on", () =>
    Effect.gen(function* () {
      const { events, log } = yield* lent()
      const texts = (count: number) => Array.from({ length: count }, (_, n) => `${n}`.padEnd(1_000_000))
      expect(yield* Effect.flip(log.addAll(texts(9)))).toMatchObject({
        _tag: "StateNotStored",
        reason: expect.stringContaining("more than one transaction to its home holds")
      })
      expect((yield* events).map(({ sequence }) => sequence)).toEqual([1, 2, 3])
      // Two that only together are too many, of which the second one may come when the first is stored: nothing is taken back.
      const both = Effect.all([Effect.result(log.addAll(texts(5))), Effect.result(log.addAll(texts(5)))], {
        concurrency: 2
      })
      const [first, second] = yield* both
      expect(first._tag).toBe("Success")
      const count = second._tag === "Success" ? 13 : 8
      expect(yield* events).toHaveLength(count)
      expect(yield* log.add("one more")).toBe(count + 1)
    }).pipe(Effect.scoped, quiet)
  )

  it.live("stays where its definition has no journal, or its events cannot be replayed", () =>
    Effect.gen(function* () {
      const { ant, bee, home, host } = yield* pair()
      expect([ant.name, bee.name]).toEqual(["ant", "bee"])
      const Log = logOf("ant", 100, 0)
      const log = home.system.ref(Log, "l")
      yield* log.add("one")
      yield* log.add("two")
      const Plain = Actor.actor("log", { state: [] as ReadonlyArray<string>, get: (log) => Actor.reply(log, log) })
      yield* host.system.register(Plain)
      const why = (error: { readonly message: string }) => error.message
      expect(why(yield* Effect.flip(home.system.migrate(address, "bee")))).toContain("have no journal")
      expect(yield* log.add("three")).toBe(3)
      expect(yield* log.where()).toBe("ant")
    }).pipe(Effect.scoped, quiet)
  )

  it.live("whose event is damaged at home comes back, and there the event is named and set aside", () =>
    Effect.gen(function* () {
      const { home, log } = yield* lent({ before: 1 })
      yield* log.add("two")
      yield* log.add("three")
      home.states.set(JournalRecords.keyOf(address, 3), new Uint8Array([1, 2, 3]))
      yield* Effect.flip(log.crash())
      // Nothing is applied after the damage, and nothing is answered with another state.
      expect(yield* Effect.flip(log.get())).toBeDefined()
      yield* Effect.ignore(home.system.migrate(address, "local"))
      yield* Effect.ignore(log.get())
      expect((yield* home.system.inspect(address)).state).toBe("stopped")
      yield* home.system.restart(address)
      expect(yield* log.get()).toEqual(["before 1", "two"])
    }).pipe(Effect.scoped, quiet)
  )

  it.live("is fenced under an older epoch: no event and no snapshot of it arrives", () =>
    Effect.gen(function* () {
      const { ant, bee, events, home, log } = yield* lent()
      const epoch = Effect.map(home.system.leasesOf("local").find(address), (lease) => lease!.epoch)
      const older = yield* epoch
      yield* home.system.migrate(address, "local")
      yield* home.system.migrate(address, "bee")
      const host = {
        delivery: bee.delivery,
        realm: bee.realm,
        nextId: () => ({ stream: "late", sequence: 0 })
      } as unknown as Router
      const late = (request: HomeRequest) => LeaseProtocol.askHome(host, ant.realm, request)
      const own = { kind: "log", name: "l", epoch: older }
      const event = home.states.get(JournalRecords.keyOf(address, 3))!
      const records = [
        { at: 4, bytes: event },
        { at: 0, bytes: home.states.get(address)! }
      ]
      expect(yield* late({ _tag: "Commit", ...own, sequence: 1, records })).toEqual({ _tag: "Fenced" })
      expect(yield* late({ _tag: "LoadEvents", ...own, from: 1 })).toEqual({ _tag: "Fenced" })
      expect((yield* events).length).toBe(3)
      expect(yield* log.add("present")).toBe(4)
    }).pipe(Effect.scoped, quiet)
  )
})
