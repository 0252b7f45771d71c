/**
 * Programs that the actor runtime itself is simulated with. Each ends in checks of what must hold whatever happened; the tests, the
 * long tests and `tools/simulate.ts` run them with ever more seeds.
 */
import { Duration, Effect, Fiber } from "effect"
import { journaledOnABadDisk, journaledUnderFire } from "./Journaled.ts"
import { lentJournalOnABadDisk, lentJournalUnderFire, lentOnABadDisk, lentUnderFire } from "./Lent.ts"
import { mailedOnABadDisk, mailedUnderFire } from "./Mailed.ts"
import { mailedAcrossUnderFire } from "./MailedAcross.ts"
import * as Actor from "../../src/Actor.ts"
import type { DiskFaults } from "../../src/testing/SimulationDisk.ts"
import type { NetworkFaults } from "../../src/testing/SimulationNetwork.ts"
import { singletonUnderFire } from "./Singletons.ts"
import { remindersUnderFire } from "./Reminded.ts"
import * as Simulation from "../../src/testing/Simulation.ts"
import { streamsUnderFire } from "./Streams.ts"
import { streamsBetweenUnderFire } from "./StreamsBetween.ts"
import { turnsUnderFire } from "./Turns.ts"

export interface Program {
  readonly name: string
  readonly disk?: Partial<DiskFaults>
  readonly network?: Partial<NetworkFaults>
  readonly run: (world: Simulation.World) => Effect.Effect<void, Simulation.Violated>
}

interface Entry {
  readonly client: number
  readonly sequence: number
  /** What the handler does besides adding. */
  readonly way: "plain" | "pause" | "refuse" | "crash"
}

interface Ledger {
  /** Highest sequence of each client. */
  readonly last: ReadonlyArray<number>
  /** Entries of each client. */
  readonly count: ReadonlyArray<number>
  readonly isInOrder: boolean
}

const clients = 3
const accounts = ["a", "b"] as const
const none = Array.from({ length: clients }, () => 0)
const capacity = 4

/** An account with a small mailbox that takes entries; `busy` says which are in a handler, so that two at once are seen. */
const accountOf = (busy: Set<string>, seen: { overlaps: number }) => {
  const apply = (state: Ledger, { client, sequence }: Entry): Ledger => ({
    last: state.last.with(client, sequence),
    count: state.count.with(client, state.count[client]! + 1),
    isInOrder: state.isInOrder && sequence > state.last[client]!
  })
  return Actor.actor(
    "account",
    {
      state: { last: none, count: none, isInOrder: true } as Ledger,
      add: (state, entry: Entry, { name }) =>
        Effect.gen(function* () {
          if (busy.has(name)) seen.overlaps++
          busy.add(name)
          yield* Effect.yieldNow
          if (entry.way === "pause") yield* Effect.sleep(3)
          busy.delete(name)
          if (entry.way === "refuse") return yield* Effect.fail("refused" as const)
          if (entry.way === "crash") return yield* Effect.die(new Error("crashed as told"))
          return apply(state, entry)
        }).pipe(Effect.ensuring(Effect.sync(() => busy.delete(name)))),
      get: (state) => state
    },
    { mailboxCapacity: capacity, supervision: { intensity: 1_000_000, backoffMax: "50 millis" } }
  )
}

/** Clients add to accounts while the node crashes at any step, the disk fails and fills up, handlers crash and clocks jump. */
const accountsUnderFire: Program = {
  name: "accounts under fire",
  disk: { commitFails: 0.05 },
  run: (world) => durable(world, false)
}

/** The same on a disk that damages records: what it damaged must be named, and everything else must be there. */
const accountsOnABadDisk: Program = {
  name: "accounts on a bad disk",
  disk: { recordTorn: 0.3, recordCorrupt: 0.1 },
  run: (world) => durable(world, true)
}

const durable = (world: Simulation.World, isDiskBad: boolean) =>
  Effect.gen(function* () {
    const acknowledged = new Map(accounts.map((name) => [name as string, [...none]]))
    const sent = new Map(accounts.map((name) => [name as string, [...none]]))
    // A clock that jumps ends asks before their time, so only without it can every ask be expected to be answered.
    const hasJumps = world.happens(0.3)
    for (let life = 0; life < 2 + world.below(2); life++) {
      const node = yield* world.start("node")
      node.crashAfter(1 + world.below(600))
      const busy = new Set<string>()
      const seen = { overlaps: 0 }
      const Account = accountOf(busy, seen)
      const client = (client: number) =>
        Effect.gen(function* () {
          for (let round = 0; round < 6; round++) {
            const name = accounts[world.below(accounts.length)]!
            const sequence = sent.get(name)![client]! + 1
            sent.get(name)![client] = sequence
            const way = (["plain", "plain", "plain", "pause", "refuse", "crash"] as const)[world.below(6)]!
            const exit = yield* Effect.exit(
              node.run(Effect.suspend(() => node.system.ref(Account, name).add({ client, sequence, way })))
            )
            if (exit._tag === "Success") acknowledged.get(name)![client] = sequence
            else {
              const hasTimedOut = String(exit.cause).includes("AskTimeout")
              yield* world.expect("every ask is answered, whatever fails", hasJumps || !hasTimedOut)
            }
            yield* world.expect(
              "a mailbox holds no more than its capacity",
              node.system.totals().mailboxDepth <= capacity * accounts.length
            )
            if (hasJumps && world.happens(0.2)) node.jumpClock(world.below(100_000) - 50_000)
            if (world.happens(0.1)) world.disk("node").isFull = !world.disk("node").isFull
            if (world.happens(0.3)) yield* Effect.sleep(world.below(20))
          }
        })
      const running = yield* Effect.forEach([0, 1, 2], (id) => Effect.forkChild(client(id)))
      yield* Effect.forEach(running, Fiber.join)
      yield* world.expect("an actor handles one message at a time", seen.overlaps === 0)
      node.crash()
    }
    world.disk("node").isFull = false
    const last = yield* world.start("node")
    const Account = accountOf(new Set(), { overlaps: 0 })
    for (const name of accounts) {
      const exit = yield* Effect.exit(last.run(Effect.suspend(() => last.system.ref(Account, name).get())))
      if (exit._tag === "Failure") {
        const quarantined = yield* last.run(last.system.quarantined).pipe(Effect.orElseSucceed(() => []))
        yield* world.expect(
          `account ${name} answers, or its record is damaged and named: ${String(exit.cause)}`,
          isDiskBad &&
            world.disk("node").damaged.has(`continuum://local/account/${name}`) &&
            quarantined.some(({ address }) => address.endsWith(`/${name}`))
        )
        continue
      }
      const { count, isInOrder, last: stored } = exit.value
      yield* world.expect("the messages of one sender are handled in order, and none twice", isInOrder)
      for (const client of [0, 1, 2]) {
        const [lowest, highest] = [acknowledged.get(name)![client]!, sent.get(name)![client]!]
        yield* world.expect(
          `no acknowledged write is lost (client ${client} of ${name}: ${lowest} acknowledged, ${stored[client]} stored)`,
          stored[client]! >= lowest
        )
        yield* world.expect("nothing is stored that was not sent", stored[client]! <= highest)
        yield* world.expect("nothing is counted twice", count[client]! <= stored[client]!)
      }
    }
  })

/** Every message is handled, a dead letter or refused to its sender; a supervisor restarts no more often than it may. */
const messagesAreAccountedFor: Program = {
  name: "messages are accounted for",
  disk: {},
  run: (world) =>
    Effect.gen(function* () {
      const node = yield* world.start("node")
      const starts: Array<number> = []
      const handled = { count: 0 }
      const intensity = 2
      const Flaky = Actor.actor(
        "flaky",
        {
          state: 0,
          hit: (state, way: number) =>
            Effect.gen(function* () {
              handled.count++
              if (way === 0) yield* Effect.sleep(10)
              if (way === 1) {
                starts.push((yield* Effect.clockWith((clock) => clock.currentTimeMillis)) as number)
                return yield* Effect.die(new Error("crashed as told"))
              }
              return state + 1
            })
        },
        { durable: false, mailboxCapacity: capacity, supervision: { intensity, period: "10 seconds", backoffMin: 5 } }
      )
      let told = 0
      let refused = 0
      const teller = Effect.gen(function* () {
        for (let round = 0; round < 15; round++) {
          const exit = yield* Effect.exit(
            node.run(Effect.suspend(() => node.system.ref(Flaky, "one").tell.hit(world.below(12))))
          )
          told++
          if (exit._tag === "Failure") refused++
          if (world.happens(0.3)) yield* Effect.sleep(world.below(2_000))
        }
      })
      yield* Effect.all([teller, teller, teller], { concurrency: "unbounded" })
      yield* Effect.sleep("1 minute")
      const totals = node.system.totals()
      // A crashed message is handled and a dead letter; a refused one is reported and a dead letter.
      const dead = totals.deadLetters - starts.length - refused
      yield* world.expect(
        `each of ${told} messages is handled (${handled.count}), a dead letter (${dead}) or refused (${refused})`,
        handled.count + dead + refused === told
      )
      const periodMs = Duration.toMillis("10 seconds")
      for (const [index, time] of starts.entries()) {
        const within = starts.slice(index).filter((other) => other - time < periodMs)
        yield* world.expect("a supervisor restarts no more often than its intensity", within.length <= intensity + 1)
      }
      yield* stopped(world, node)
    })
}

/** What stops in order loses nothing, acknowledged or not. */
const stopped = (world: Simulation.World, node: Simulation.SimulatedNode) =>
  Effect.gen(function* () {
    const Counter = Actor.actor("counter", { state: 0, add: (state, n: number) => state + n, get: (state) => state })
    for (let i = 0; i < 5; i++)
      yield* Effect.orDie(node.run(Effect.suspend(() => node.system.ref(Counter, "c").tell.add(1))))
    yield* Effect.sleep(1_000)
    yield* node.stop
    const again = yield* world.start("node")
    const count = yield* Effect.orDie(again.run(Effect.suspend(() => again.system.ref(Counter, "c").get())))
    yield* world.expect("a stop in order loses nothing", count === 5)
  })

/** Runs a program with so many seeds, and gives how many there were. Rejects at the first that fails, with what replays it. */
export const checkProgram = async ({ name, run, ...faults }: Program, from: number, count: number): Promise<number> => {
  try {
    return await Simulation.check({ seeds: Simulation.seedsFrom(from, count), ...faults }, run)
  } catch (error) {
    const { message } = error as Error
    const seed = /^Seed (\d+)/.exec(message)?.[1] ?? from
    throw new Error(
      `${message}\nAs a command: node tools/run.mjs tools/simulate.ts --program "${name}" --from ${seed} --seeds 1`,
      { cause: error }
    )
  }
}

export const programs: ReadonlyArray<Program> = [
  accountsUnderFire,
  accountsOnABadDisk,
  messagesAreAccountedFor,
  lentUnderFire,
  lentOnABadDisk,
  lentJournalUnderFire,
  lentJournalOnABadDisk,
  singletonUnderFire,
  streamsUnderFire,
  streamsBetweenUnderFire,
  journaledUnderFire,
  journaledOnABadDisk,
  remindersUnderFire,
  turnsUnderFire,
  mailedUnderFire,
  mailedOnABadDisk,
  mailedAcrossUnderFire
]
