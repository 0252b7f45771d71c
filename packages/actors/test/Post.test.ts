import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { TestClock } from "effect/testing"
import * as Actor from "../src/Actor.ts"
import { ActorSystem } from "../src/ActorSystem.ts"
import * as Limits from "../src/Limits.ts"
import * as ActorStorageMemory from "../src/ActorStorageMemory.ts"
import * as PostLife from "../src/PostLife.ts"
import { MailDisk } from "./support/MailDisk.ts"

const supervision = { backoffMin: "1 second", jitter: 0, intensity: 100 } as const

/** How often `hangOnce` still hangs. */
let hangs = 0

/** Keeps what it was told, in order. */
const Ledger = Actor.actor(
  "ledger",
  {
    state: [] as ReadonlyArray<number>,
    add: (state, n: number) => [...state, n],
    read: (state) => Actor.reply(state, state),
    wait: (state, latch: Deferred.Deferred<void>) => Effect.as(Deferred.await(latch), state),
    hangOnce: (state, n: number) => Effect.suspend(() => (hangs-- > 0 ? Effect.never : Effect.succeed([...state, n]))),
    refuse: () => Effect.fail("refused") as Effect.Effect<ReadonlyArray<number>, string>,
    boom: (): ReadonlyArray<number> => {
      throw new Error("boom")
    }
  },
  { mailbox: "durable", mailboxCapacity: 10, supervision }
)

const Hurried = Actor.actor(
  "hurried",
  {
    state: [] as ReadonlyArray<number>,
    add: (state, n: number) => [...state, n],
    read: (state) => Actor.reply(state, state),
    wait: (state, latch: Deferred.Deferred<void>) => Effect.as(Deferred.await(latch), state),
    hangOnce: (state, n: number) => Effect.suspend(() => (hangs-- > 0 ? Effect.never : Effect.succeed([...state, n])))
  },
  { mailbox: "durable", urgent: ["hangOnce"], supervision }
)

/** Ends by its own wish; its supervisor lets it. */
const Passer = Actor.actor(
  "passer",
  {
    state: [] as ReadonlyArray<number>,
    add: (state, n: number) => [...state, n],
    wait: (state, latch: Deferred.Deferred<void>) => Effect.as(Deferred.await(latch), state),
    end: (state, n: number, context) => {
      context.end()
      return [...state, n]
    },
    read: (state) => Actor.reply(state, state)
  },
  { mailbox: "durable", supervision: { ...supervision, restart: "transient" } }
)

const Parent = Actor.actor("parent", {
  state: 0,
  raise: (state: number, _: void, context) => {
    context.spawn(Passer, "child")
    return state + 1
  }
})

const Sender = Actor.actor(
  "sender",
  {
    state: 0,
    send: (state, n: number, context) => {
      context.ref(Ledger, "l").tell.add(n)
      return state + n
    },
    fail: (_: number, n: number, context) => {
      context.ref(Ledger, "l").tell.add(n)
      return Effect.fail("no") as Effect.Effect<number, string>
    },
    flood: (state, n: number, context) => {
      for (let i = 0; i < n; i++) context.ref(Ledger, "l").tell.add(i)
      return state
    },
    read: (state) => Actor.reply(state, state)
  },
  { supervision }
)

/** Both handlers set a reminder, and what rings is sent on. */
const Clerk = Actor.actor(
  "clerk",
  {
    state: 0,
    note: (state, n: number, context) => {
      context.setReminder("report", { after: "1 hour" }, "report", n)
      context.ref(Ledger, "l").tell.add(n)
      return state + 1
    },
    report: (state, n: number, context) => {
      context.ref(Ledger, "l").tell.add(-n)
      return state + 1
    },
    read: (state) => Actor.reply(state, state)
  },
  { mailbox: "durable", supervision }
)

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)

const settle = Effect.repeat(Effect.yieldNow, { times: 20 })

describe("a durable mailbox", () => {
  it.effect("has a message on the disk before its sender goes on, and removes it with what its handler did", () =>
    Effect.gen(function* () {
      const disk = new MailDisk()
      const { system } = yield* disk.start()
      const ledger = system.ref(Ledger, "l")
      const latch = yield* Deferred.make<void>()
      const waiting = yield* Effect.forkChild(ledger.wait(latch))
      yield* settle
      yield* ledger.tell.add(1)
      expect(disk.keys("mail")).toHaveLength(1)
      yield* Deferred.succeed(latch, undefined)
      yield* Fiber.join(waiting)
      expect(yield* ledger.read()).toEqual([1])
      expect(disk.keys("mail")).toEqual([])
    })
  )

  it.effect("says that a message was not stored, and then it is not handled", () =>
    Effect.gen(function* () {
      const disk = new MailDisk()
      const { system } = yield* disk.start()
      const ledger = system.ref(Ledger, "l")
      disk.refusesCommits = true
      expect(yield* Effect.flip(ledger.tell.add(1))).toMatchObject({ _tag: "StateNotStored" })
      disk.refusesCommits = false
      expect(yield* ledger.read()).toEqual([])
    })
  )

  it.effect("brings its actor back with what a crash left, in order, before new messages", () =>
    Effect.gen(function* () {
      const disk = new MailDisk()
      const first = yield* disk.start()
      const ledger = first.system.ref(Ledger, "l")
      yield* Effect.forkChild(ledger.wait(yield* Deferred.make<void>()))
      yield* settle
      for (const n of [1, 2, 3]) yield* ledger.tell.add(n)
      // Forgotten in the middle of a handler: nothing of it goes on.
      const second = yield* disk.start()
      yield* second.system.register(Ledger)
      yield* settle
      expect(second.system.totals().activeActors).toBe(1)
      const again = second.system.ref(Ledger, "l")
      yield* again.tell.add(4)
      expect(yield* again.read()).toEqual([1, 2, 3, 4])
      expect(disk.keys("mail")).toEqual([])
    })
  )

  it.effect("gets what a durable actor sends with that actor's state, or neither", () =>
    Effect.gen(function* () {
      const disk = new MailDisk()
      const { system } = yield* disk.start()
      const sender = system.ref(Sender, "s")
      disk.refusesCommits = true
      expect(yield* Effect.flip(sender.send(1))).toMatchObject({ _tag: "StateNotStored" })
      disk.refusesCommits = false
      yield* TestClock.adjust("2 seconds")
      const before = disk.commits
      yield* sender.send(2)
      expect(yield* system.ref(Ledger, "l").read()).toEqual([2])
      expect(yield* sender.read()).toBe(2)
      // The state with the message, and what the message did with its removal.
      expect(disk.commits - before).toBe(2)
      expect(yield* Effect.flip(sender.fail(3))).toBe("no")
      expect(yield* system.ref(Ledger, "l").read()).toEqual([2])
    })
  )

  it.effect("has a message, a reminder that it sets and what it sends in one transaction, and so when that rings", () =>
    Effect.gen(function* () {
      const disk = new MailDisk()
      const first = yield* disk.start()
      yield* Effect.forkChild(first.system.ref(Ledger, "l").wait(yield* Deferred.make<void>()))
      yield* settle
      const clerk = first.system.ref(Clerk, "c")
      expect(yield* clerk.read()).toBe(0)
      disk.refusesCommits = true
      expect(yield* Effect.flip(clerk.note(5))).toMatchObject({ _tag: "StateNotStored" })
      disk.refusesCommits = false
      yield* TestClock.adjust("2 seconds")
      expect([disk.keys("mail").length, disk.keys("remind").length]).toEqual([0, 0])
      yield* first.system.ref(Ledger, "l").tell.add(1)
      const before = disk.commits
      yield* clerk.tell.note(5)
      yield* settle
      // The message to the clerk; then all that its handler did: its removal, the state, the reminder and the message that it sent.
      expect(disk.commits - before).toBe(2)
      expect(yield* clerk.read()).toBe(1)
      expect([disk.keys("mail").length, disk.keys("remind").length]).toEqual([2, 1])
      first.crash()
      const second = yield* disk.start()
      const ledger = second.system.ref(Ledger, "l")
      yield* second.system.register(Clerk)
      expect(yield* ledger.read()).toEqual([1, 5])
      const again = disk.commits
      yield* TestClock.adjust("1 hour")
      expect(disk.commits - again).toBe(2)
      expect(yield* ledger.read()).toEqual([1, 5, -5])
      expect(yield* second.system.ref(Clerk, "c").read()).toBe(2)
      expect([disk.keys("mail").length, disk.keys("remind").length]).toEqual([0, 0])
    })
  )

  it.effect("handles a message again whose effect was not stored, before those after it", () =>
    Effect.gen(function* () {
      const disk = new MailDisk()
      const { system } = yield* disk.start()
      const ledger = system.ref(Ledger, "l")
      yield* ledger.read()
      const latch = yield* Deferred.make<void>()
      yield* Effect.forkChild(ledger.wait(latch))
      yield* settle
      for (const n of [1, 2, 3]) yield* ledger.tell.add(n)
      disk.refusesCommits = true
      yield* Deferred.succeed(latch, undefined)
      yield* settle
      disk.refusesCommits = false
      yield* TestClock.adjust("2 seconds")
      expect(yield* ledger.read()).toEqual([1, 2, 3])
      expect(disk.keys("mail")).toEqual([])
      expect(yield* system.deadLetters).toEqual([])
    })
  )

  it.effect("does not handle a message again whose effect was stored, though the disk said that it is not safe", () =>
    Effect.gen(function* () {
      const disk = new MailDisk()
      const { system } = yield* disk.start()
      const ledger = system.ref(Ledger, "l")
      const latch = yield* Deferred.make<void>()
      yield* Effect.forkChild(Effect.ignore(ledger.wait(latch)))
      yield* settle
      for (const n of [1, 2, 3]) yield* ledger.tell.add(n)
      disk.refusesFlushes = true
      yield* Deferred.succeed(latch, undefined)
      yield* settle
      disk.refusesFlushes = false
      yield* TestClock.adjust("2 seconds")
      expect(yield* ledger.read()).toEqual([1, 2, 3])
      expect(disk.keys("mail")).toEqual([])
    })
  )

  it.effect("gives a message up whose effect can never be stored, and goes on with the next", () =>
    Effect.gen(function* () {
      const disk = new MailDisk()
      const { system } = yield* disk.start()
      const Odd = Actor.actor(
        "odd",
        { state: [] as ReadonlyArray<unknown>, add: (state, n: number) => [...state, n < 0 ? () => n : n] },
        { mailbox: "durable", supervision }
      )
      const odd = system.ref(Odd, "o")
      for (const n of [1, -1, 2]) yield* odd.tell.add(n)
      yield* TestClock.adjust("5 minutes")
      expect(yield* odd.add(3)).toEqual([1, 2, 3])
      expect(disk.keys("mail")).toEqual([])
      expect((yield* system.deadLetters)[0]!.reason).toContain("only plain data can be stored")
    })
  )

  it.effect("tries a message again alone: those that come meanwhile wait, and do not suffer for it", () =>
    Effect.gen(function* () {
      const { system } = yield* new MailDisk().start()
      const Slow = Actor.actor(
        "slow",
        {
          state: [] as ReadonlyArray<unknown>,
          add: (state, n: number) => Effect.as(Effect.sleep(10), [...state, n < 0 ? () => n : n]),
          read: (state) => Actor.reply(state, state)
        },
        { mailbox: "durable", supervision: { ...supervision, backoffMin: 10 } }
      )
      const slow = system.ref(Slow, "s")
      yield* slow.tell.add(-1)
      const numbers = Array.from({ length: 50 }, (_, n) => n)
      for (const n of numbers) {
        yield* TestClock.adjust(5)
        yield* slow.tell.add(n)
      }
      yield* Effect.repeat(TestClock.adjust(10), { times: 2 * numbers.length })
      expect(yield* slow.read()).toEqual(numbers)
      expect(yield* system.deadLetters).toHaveLength(1)
    })
  )

  it.effect("waits for room in memory for its actor, and a later message does not overtake it", () =>
    Effect.gen(function* () {
      const disk = new MailDisk()
      const { system } = yield* disk.start({ activeActorsMax: 1 })
      const Guest = Actor.actor(
        "guest",
        {
          state: 0,
          leave: (state, _: void, context) => {
            context.end()
            return state
          },
          see: (state) => state
        },
        { durable: false }
      )
      yield* system.ref(Guest, "g").see()
      const ledger = system.ref(Ledger, "l")
      yield* ledger.tell.add(1)
      yield* system.ref(Guest, "g").leave()
      yield* ledger.tell.add(2)
      yield* TestClock.adjust(Limits.letterRetryMs)
      expect(yield* ledger.read()).toEqual([1, 2])
    })
  )

  it.effect("makes a message whose handler fails or crashes a dead letter, once", () =>
    Effect.gen(function* () {
      const disk = new MailDisk()
      const { system } = yield* disk.start()
      const ledger = system.ref(Ledger, "l")
      yield* ledger.tell.refuse()
      yield* ledger.tell.boom()
      yield* ledger.tell.add(1)
      yield* TestClock.adjust("2 seconds")
      expect(yield* ledger.read()).toEqual([1])
      expect(disk.keys("mail")).toEqual([])
      expect((yield* system.deadLetters).map(({ messageName }) => messageName)).toEqual(["boom", "refuse"])
    })
  )

  it.effect("keeps its messages while its actor is stopped, and hands them over when it is restarted", () =>
    Effect.gen(function* () {
      const disk = new MailDisk()
      const { system } = yield* disk.start()
      const ledger = system.ref(Ledger, "l")
      yield* ledger.tell.add(1)
      yield* system.stop(ledger.address)
      yield* ledger.tell.add(2)
      yield* settle
      expect(disk.keys("mail")).toHaveLength(2)
      expect(yield* system.inspect(ledger.address)).toMatchObject({ mailbox: 2, waiting: ["add", "add"] })
      yield* system.restart(ledger.address)
      expect(yield* ledger.read()).toEqual([1, 2])
      expect(disk.keys("mail")).toEqual([])
    })
  )

  it.effect("handles a message again that a restart by hand cut short, before those after it", () =>
    Effect.gen(function* () {
      const disk = new MailDisk()
      const { system } = yield* disk.start()
      const ledger = system.ref(Ledger, "l")
      hangs = 1
      yield* ledger.tell.hangOnce(1)
      yield* ledger.tell.add(2)
      yield* settle
      yield* system.restart(ledger.address)
      yield* settle
      yield* ledger.tell.add(3)
      expect(yield* ledger.read()).toEqual([1, 2, 3])
      expect(disk.keys("mail")).toEqual([])
    })
  )

  it.effect("handles an urgent message that was cut short once those before it are done, and those behind it", () =>
    Effect.gen(function* () {
      const disk = new MailDisk()
      const { system } = yield* disk.start()
      const hurried = system.ref(Hurried, "h")
      const latch = yield* Deferred.make<void>()
      yield* Effect.forkChild(hurried.wait(latch))
      yield* settle
      hangs = 1
      yield* hurried.tell.add(1)
      yield* hurried.tell.hangOnce(2)
      yield* hurried.tell.add(3)
      yield* Deferred.succeed(latch, undefined)
      yield* settle
      yield* system.restart(hurried.address)
      yield* settle
      expect(disk.keys("mail")).toEqual([])
      expect(yield* hurried.read()).toEqual([1, 2, 3])
    })
  )

  it.effect("of a child that ended normally brings it back for what still waits", () =>
    Effect.gen(function* () {
      const disk = new MailDisk()
      const { system } = yield* disk.start()
      yield* system.ref(Parent, "p").raise()
      const child = system.ref(Passer, "child")
      const latch = yield* Deferred.make<void>()
      yield* Effect.forkChild(child.wait(latch))
      yield* settle
      yield* child.tell.end(1)
      yield* child.tell.add(2)
      yield* Deferred.succeed(latch, undefined)
      yield* settle
      expect(disk.keys("mail")).toEqual([])
      expect(yield* child.read()).toEqual([1, 2])
    })
  )

  it.effect("holds as many messages as its capacity, and refuses one more with MailboxFull", () =>
    Effect.gen(function* () {
      const disk = new MailDisk()
      const { system } = yield* disk.start()
      const ledger = system.ref(Ledger, "l")
      yield* Effect.forkChild(ledger.wait(yield* Deferred.make<void>()))
      yield* settle
      for (let n = 0; n < 10; n++) yield* ledger.tell.add(n)
      expect(yield* Effect.flip(ledger.tell.add(10))).toMatchObject({ _tag: "MailboxFull", capacity: 10 })
      expect(disk.keys("mail")).toHaveLength(10)
    })
  )

  it.effect("counts the messages that are still on their way to the disk, until they are stored or refused", () =>
    Effect.gen(function* () {
      const disk = new MailDisk()
      const { system } = yield* disk.start()
      const ledger = system.ref(Ledger, "l")
      yield* Effect.forkChild(ledger.wait(yield* Deferred.make<void>()))
      yield* settle
      disk.commitMs = 10
      const burst = Effect.forEach(numbers(30), (n) => Effect.result(ledger.tell.add(n)), { concurrency: "unbounded" })
      const outcomeOf = Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(burst)
        yield* settle
        yield* TestClock.adjust("1 second")
        const results = yield* Fiber.join(fiber)
        return results.map((result) => (result._tag === "Success" ? "stored" : result.failure._tag))
      })
      const all = (first: string) => numbers(30).map((n) => (n < 10 ? first : "MailboxFull"))
      disk.refusesCommits = true
      expect(yield* outcomeOf).toEqual(all("StateNotStored"))
      disk.refusesCommits = false
      expect(yield* outcomeOf).toEqual(all("stored"))
      expect(disk.keys("mail")).toHaveLength(10)
    })
  )

  it.effect("takes no more messages of one handler than one transaction may hold", () =>
    Effect.gen(function* () {
      const disk = new MailDisk()
      const { system } = yield* disk.start()
      yield* Effect.exit(system.ref(Sender, "s").flood(Limits.lettersPerMessageMax + 1))
      expect(disk.keys("mail")).toEqual([])
      expect((yield* system.inspect("continuum://local/sender/s")).failures[0]!.cause).toContain("OutboxFull")
    })
  )

  it.effect("loses nothing when it is stopped in order", () =>
    Effect.gen(function* () {
      const disk = new MailDisk()
      const first = yield* disk.start()
      yield* Effect.forkChild(first.system.ref(Ledger, "l").wait(yield* Deferred.make<void>()))
      yield* settle
      yield* first.system.ref(Ledger, "l").tell.add(1)
      const stopping = yield* Effect.forkChild(first.stop)
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(stopping)
      const second = yield* disk.start()
      expect(yield* second.system.ref(Ledger, "l").read()).toEqual([1])
    })
  )

  it.effect("forgets its messages with its actor, and says so", () =>
    Effect.gen(function* () {
      const disk = new MailDisk()
      const { system } = yield* disk.start()
      const ledger = system.ref(Ledger, "l")
      yield* Effect.forkChild(ledger.wait(yield* Deferred.make<void>()))
      yield* settle
      yield* ledger.tell.add(1)
      yield* system.forget(ledger.address)
      expect(yield* ledger.read()).toEqual([])
      expect(disk.keys("mail")).toEqual([])
      expect((yield* system.deadLetters)[0]).toMatchObject({ messageName: "add", reason: "its actor was forgotten" })
    })
  )

  it.effect("sets a message aside that no version of its actor can handle, and reports it", () =>
    Effect.gen(function* () {
      const disk = new MailDisk()
      const first = yield* disk.start()
      yield* Effect.forkChild(first.system.ref(Ledger, "l").wait(yield* Deferred.make<void>()))
      yield* settle
      yield* first.system.ref(Ledger, "l").tell.add(1)
      const Other = Actor.actor(
        "ledger",
        { state: [] as ReadonlyArray<number>, see: (state) => Actor.reply(state, state) },
        {
          mailbox: "durable"
        }
      )
      const second = yield* disk.start()
      expect(yield* second.system.ref(Other, "l").see()).toEqual([])
      expect((yield* second.system.deadLetters)[0]!.reason).toContain('there is no message "add" any more')
      expect(yield* second.system.quarantined).toHaveLength(1)
    })
  )

  it.effect("makes a message for a name that its type does not accept a dead letter, and keeps no record", () =>
    Effect.gen(function* () {
      const disk = new MailDisk()
      const { system } = yield* disk.start()
      const Room = Actor.actor(
        "room",
        { state: 0, add: (state, n: number) => state + n },
        { mailbox: "durable", accepts: (name) => name === "a" }
      )
      for (const n of [1, 2]) {
        yield* system.ref(Room, "a").tell.add(n)
        yield* system.ref(Room, "b").tell.add(n)
      }
      yield* settle
      expect(yield* system.ref(Room, "a").add(0)).toBe(3)
      expect(disk.keys("mail")).toEqual([])
      const dead = yield* system.deadLetters
      expect(dead.map(({ address }) => address)).toEqual(Array(2).fill("continuum://local/room/b"))
    })
  )

  it.effect("refuses a name that only actors without a name get", () =>
    Effect.gen(function* () {
      const disk = new MailDisk()
      const { system } = yield* disk.start()
      expect(yield* Effect.flip(system.ref(Ledger, "~1-1").tell.add(1))).toMatchObject({ _tag: "ActorStopped" })
      expect(disk.keys("mail")).toEqual([])
    })
  )

  it.effect("goes on with higher numbers of its lives where the record of the last one was set aside", () =>
    Effect.gen(function* () {
      const states = new Map<string, Uint8Array>()
      const storage = ActorStorageMemory.make(states)
      const begin = PostLife.load(storage, 1_000_000)
      expect((yield* begin).number).toBe(1)
      yield* Effect.flatten(storage.commit((yield* begin).writes()))
      expect((yield* begin).number).toBe(2)
      yield* storage.quarantine("~life", "damaged")
      expect((yield* begin).number).toBe(1_000_001)
      // Also when that life stored no message.
      expect((yield* begin).number).toBe(1_000_001)
      yield* Effect.flatten(storage.commit((yield* begin).writes()))
      expect((yield* begin).number).toBe(1_000_002)
    })
  )

  it("is for durable actors that refuse what finds no room", () => {
    expect(() => Actor.actor("a", { state: 0 }, { mailbox: "durable", durable: false })).toThrow("must be durable")
    expect(() => Actor.actor("a", { state: 0 }, { mailbox: "durable", overflow: "dropOldest" })).toThrow("overflow")
  })

  it.effect("needs a storage", () =>
    Effect.gen(function* () {
      const system = yield* ActorSystem
      expect(() => system.ref(Ledger, "l")).toThrow("no storage")
    }).pipe(Effect.provide(ActorSystem.layerWithoutStorage()))
  )
})

class Rpcs extends RpcGroup.make(
  Rpc.make("pay", { payload: { amount: Schema.Int }, success: Schema.Int, error: Schema.String })
) {}
const Account = Actor.fromRpcs(
  "account",
  Rpcs,
  {
    state: { schema: Schema.Int, initial: 0 },
    handlers: {
      pay: (state, { amount }) => (amount > 100 ? Effect.fail("too much") : Effect.succeed(state + amount))
    }
  },
  { mailbox: "durable", supervision }
)

describe("a message with a name of its own", () => {
  const id = (sequence: number, stream = "web-7") => ({ id: { stream, sequence } })

  it.effect("is handled once however often it is sent, and its reply or error comes again, also after a crash", () =>
    Effect.gen(function* () {
      const disk = new MailDisk()
      const first = yield* disk.start()
      expect(yield* first.system.ref(Account, "a", id(0)).pay({ amount: 5 })).toBe(5)
      expect(yield* first.system.ref(Account, "a", id(1)).pay({ amount: 7 })).toBe(12)
      expect(yield* Effect.flip(first.system.ref(Account, "a", id(2)).pay({ amount: 101 }))).toBe("too much")
      expect(yield* first.system.ref(Account, "a", id(0)).pay({ amount: 5 })).toBe(5)
      const { system } = yield* disk.start()
      expect(yield* system.ref(Account, "a", id(1)).pay({ amount: 7 })).toBe(12)
      expect(yield* Effect.flip(system.ref(Account, "a", id(2)).pay({ amount: 101 }))).toBe("too much")
      yield* system.ref(Account, "a", id(3)).tell.pay({ amount: 1 })
      yield* system.ref(Account, "a", id(3)).tell.pay({ amount: 1 })
      expect(yield* system.ref(Account, "a").pay({ amount: 0 })).toBe(13)
      expect(yield* system.ref(Account, "a", id(0, "another")).pay({ amount: 2 })).toBe(15)
    })
  )

  it.effect("that is sent twice at once waits for the reply of the other", () =>
    Effect.gen(function* () {
      const { system } = yield* new MailDisk().start()
      const pay = system.ref(Account, "a", id(0)).pay({ amount: 5 })
      expect(yield* Effect.all([pay, pay, pay], { concurrency: "unbounded" })).toEqual([5, 5, 5])
    })
  )

  it.effect("gets TooOld beyond the window, and never a second run; one less is known", () =>
    Effect.gen(function* () {
      const { system } = yield* new MailDisk().start()
      const pay = (sequence: number) => system.ref(Account, "a", id(sequence)).pay({ amount: 1 })
      for (let sequence = 0; sequence <= Limits.dedupeWindow; sequence++) yield* pay(sequence)
      expect(yield* Effect.flip(pay(0))).toMatchObject({ _tag: "TooOld", sequence: 0, stream: "web-7" })
      expect(yield* pay(1)).toBe(2)
      expect(yield* system.ref(Account, "a").pay({ amount: 0 })).toBe(Limits.dedupeWindow + 1)
    })
  )

  it.effect("may come again when its effect was not stored, or its handler crashed", () =>
    Effect.gen(function* () {
      const disk = new MailDisk()
      const { system } = yield* disk.start()
      disk.refusesCommits = true
      const pay = system.ref(Account, "a", id(0)).pay({ amount: 5 })
      expect(yield* Effect.flip(pay)).toMatchObject({ _tag: "StateNotStored" })
      disk.refusesCommits = false
      yield* TestClock.adjust("2 seconds")
      expect(yield* pay).toBe(5)
      expect(yield* pay).toBe(5)
    })
  )

  it.effect("of a forgotten stream would be new: an actor remembers so many streams, and the last used longest", () =>
    Effect.gen(function* () {
      const disk = new MailDisk()
      const { system } = yield* disk.start()
      const pay = (stream: string) => system.ref(Account, "a", id(0, stream)).pay({ amount: 1 })
      for (let n = 0; n < Limits.streamsRemembered; n++) yield* pay(`s${n}`)
      expect(yield* pay("s0")).toBe(1)
      yield* pay("one more")
      expect(disk.keys("taken")).toHaveLength(Limits.streamsRemembered)
      expect(yield* pay("s0")).toBe(1)
      expect(yield* pay("s1")).toBe(Limits.streamsRemembered + 2)
    })
  )

  it.effect("is only for durable mailboxes", () =>
    Effect.gen(function* () {
      const { system } = yield* new MailDisk().start()
      expect(() => system.ref(Sender, "s", id(0))).toThrow("no durable mailbox")
    })
  )
})
