import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"
import * as Actor from "../src/Actor.ts"
import { MailDisk } from "./support/MailDisk.ts"

const capacity = 5
const supervision = { backoffMin: "10 millis", backoffMax: "20 millis", intensity: 1_000_000 } as const

const Ledger = Actor.actor(
  "ledger",
  {
    state: [] as ReadonlyArray<number>,
    add: (state, n: number) => Actor.reply([...state, n], n),
    read: (state) => Actor.reply(state, state),
    hold: (state, latch: Deferred.Deferred<void>) => Effect.as(Deferred.await(latch), state),
    boom: (): ReadonlyArray<number> => {
      throw new Error("boom")
    }
  },
  { mailbox: "durable", mailboxCapacity: capacity, askTimeout: "Infinity", supervision }
)

const Sender = Actor.actor(
  "sender",
  {
    state: 0,
    send: (state, ns: ReadonlyArray<number>, context) => {
      for (const n of ns) context.ref(Ledger, "l").tell.add(n)
      return state + ns.length
    },
    read: (state) => Actor.reply(state, state)
  },
  { askTimeout: "Infinity", supervision }
)

type Command =
  | { readonly _tag: "Tell" | "Boom" | "Hold" | "Release" | "Crash" | "Stop" | "Restart" | "Full" | "Mend" }
  | { readonly _tag: "Send"; readonly count: number }
  | { readonly _tag: "Once"; readonly sequence: number }

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ _tag: fc.constant("Tell" as const) }) },
  { weight: 4, arbitrary: fc.record({ _tag: fc.constant("Send" as const), count: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 4, arbitrary: fc.record({ _tag: fc.constant("Once" as const), sequence: fc.nat(5) }) },
  ...(["Boom", "Hold", "Release", "Crash", "Stop", "Restart", "Full", "Mend"] as const).map((_tag) => ({
    weight: 1,
    arbitrary: fc.record({ _tag: fc.constant(_tag) })
  }))
)

/** What a durable mailbox is: the list of what was acknowledged, whatever happens in between. */
const holds = (commands: ReadonlyArray<Command>) =>
  Effect.gen(function* () {
    const disk = new MailDisk()
    let life = yield* disk.start()
    let next = 0
    const kept: Array<number> = []
    /** Numbers by the sequence under which they were taken. */
    const taken = new Map<number, number>()
    let booms = 0
    let sent = 0
    let latch: Deferred.Deferred<void> | undefined
    /** Messages that certainly wait. */
    let waiting = 0
    let isStopped = false
    const ledger = () => life.system.ref(Ledger, "l")
    const settle = TestClock.adjust(100)
    const release = Effect.gen(function* () {
      if (latch !== undefined) yield* Deferred.succeed(latch, undefined)
      latch = undefined
      yield* settle
      if (!isStopped && !disk.refusesCommits) waiting = 0
    })
    for (const command of commands) {
      switch (command._tag) {
        case "Tell":
        case "Boom": {
          const n = next++
          const exit = yield* Effect.exit(command._tag === "Tell" ? ledger().tell.add(n) : ledger().tell.boom())
          if (exit._tag === "Success") {
            if (command._tag === "Tell") kept.push(n)
            else booms++
            expect(waiting, "no more than its capacity").toBeLessThan(capacity)
            if (latch !== undefined || isStopped) waiting++
          } else expect(String(exit.cause)).toMatch(disk.refusesCommits ? /StateNotStored|MailboxFull/ : /MailboxFull/)
          break
        }
        case "Send": {
          const ns = Array.from({ length: command.count }, () => next++)
          const exit = yield* Effect.exit(life.system.ref(Sender, "s").send(ns))
          if (exit._tag === "Success") {
            kept.push(...ns)
            sent += ns.length
            if (latch !== undefined || isStopped) waiting += ns.length
          } else expect(String(exit.cause)).toMatch(disk.refusesCommits ? /StateNotStored|MailboxFull/ : /MailboxFull/)
          break
        }
        case "Once": {
          // An ask of an actor that is held or stopped would have to wait.
          if (latch !== undefined || isStopped) break
          const { sequence } = command
          const n = next++
          const ref = life.system.ref(Ledger, "l", { id: { stream: "client", sequence } })
          const exit = yield* Effect.exit(ref.add(n))
          const known = taken.get(sequence)
          if (exit._tag === "Failure") expect(disk.refusesCommits && known === undefined).toBe(true)
          else if (known === undefined) {
            expect(exit.value).toBe(n)
            taken.set(sequence, n)
            kept.push(n)
          } else expect(exit.value, "the reply that came before").toBe(known)
          break
        }
        case "Hold": {
          if (latch !== undefined || isStopped || disk.refusesCommits) break
          latch = yield* Deferred.make<void>()
          yield* Effect.forkChild(Effect.ignore(ledger().hold(latch)))
          yield* settle
          break
        }
        case "Release":
          yield* release
          break
        case "Crash": {
          life.crash()
          latch = undefined
          isStopped = false
          if (!disk.refusesCommits) waiting = 0
          life = yield* disk.start()
          yield* life.system.register(Ledger)
          break
        }
        case "Stop": {
          if (latch !== undefined) break
          isStopped = (yield* Effect.exit(life.system.stop("continuum://local/ledger/l")))._tag === "Success"
          break
        }
        case "Restart": {
          if (!isStopped) break
          yield* life.system.restart("continuum://local/ledger/l")
          isStopped = false
          if (!disk.refusesCommits) waiting = 0
          break
        }
        case "Full":
          disk.refusesCommits = true
          break
        case "Mend":
          disk.refusesCommits = false
          break
      }
      yield* settle
      if (!disk.refusesCommits && latch === undefined && !isStopped) waiting = 0
    }
    disk.refusesCommits = false
    yield* release
    if (isStopped) yield* life.system.restart("continuum://local/ledger/l")
    yield* TestClock.adjust("1 minute")
    expect(yield* ledger().read()).toEqual(kept)
    expect(yield* life.system.ref(Sender, "s").read()).toBe(sent)
    expect(disk.keys("mail")).toEqual([])
    const dead = (yield* life.system.deadLetters).filter(({ messageName }) => messageName === "boom")
    expect(dead.length).toBeLessThanOrEqual(booms)
    life.crash()
  })

describe("a durable mailbox", () => {
  it("is the list of what was acknowledged, in order and once, whatever crashes, fails or stops", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 40 }), (commands) =>
        Effect.runPromise(Effect.provide(Effect.scoped(holds(commands)), TestClock.layer()))
      ),
      { numRuns: 150 }
    )
  }, 120_000)
})
