/**
 * One node lends a counter to another while both crash at any step, connections break, partitions come and go, clocks jump, and the
 * disk fails, fills up and damages records. Clients add and read. Nowhere two lives of the counter may be at work at once, nothing acknowledged may be lost, nothing
 * may be counted twice, and what is read is never older than what was acknowledged before.
 */
import { Effect, Fiber } from "effect"
import * as Actor from "../../src/Actor.ts"
import type { SimulatedNode, Violated, World } from "../../src/testing/Simulation.ts"
import type { Program } from "./Programs.ts"

interface Ledger {
  /** Highest sequence of each client that was added. */
  readonly last: ReadonlyArray<number>
  readonly count: number
  readonly ticks: number
  readonly isInOrder: boolean
}

interface Entry {
  readonly client: number
  readonly sequence: number
  readonly isSlow: boolean
}

const clients = [0, 1]
const initial: Ledger = { last: clients.map(() => 0), count: 0, ticks: 0, isInOrder: true }
const address = "continuum://local/account/a"
const leaseTtl = 400

/** The lives of the account, wherever they are, numbered as they begin. */
interface Work {
  begun: number
  /** The newest life that did anything. */
  newest: number
  /** What an older life did too late. */
  overtaken: string | undefined
}

type Change =
  | { readonly _tag: "Added"; readonly client: number; readonly sequence: number }
  | { readonly _tag: "Ticked" }

const apply = (ledger: Ledger, change: Change): Ledger => {
  if (change._tag === "Ticked") return { ...ledger, ticks: ledger.ticks + 1 }
  const { client, sequence } = change
  return {
    ...ledger,
    last: ledger.last.with(client, sequence),
    count: ledger.count + 1,
    isInOrder: ledger.isInOrder && sequence > ledger.last[client]!
  }
}

/** The lives of the account on one node: their beginnings, and what they do. */
const livesOn = (name: string, isAlive: () => boolean, work: Work) => {
  let life = 0
  // An older life must do nothing any more once a newer one did something, also in the middle of a handler.
  const look = Effect.sync(() => {
    if (!isAlive()) return
    if (life < work.newest) work.overtaken ??= `life ${life} on ${name} worked after life ${work.newest}`
    work.newest = Math.max(work.newest, life)
  })
  const working = <A>(effect: Effect.Effect<A>) =>
    Effect.andThen(
      look,
      Effect.tap(effect, () => look)
    )
  return {
    add: ({ client, isSlow, sequence }: Entry) =>
      working(Effect.as(isSlow ? Effect.sleep(20) : Effect.yieldNow, { _tag: "Added", client, sequence } as const)),
    /** What it does by itself, and stores: nobody sends it through the home. */
    tick: working(Effect.as(Effect.sleep(5), { _tag: "Ticked" } as const)),
    get: (state: Ledger) => working(Effect.as(Effect.yieldNow, Actor.reply(state, state))),
    options: {
      supervision: { intensity: 1_000_000, backoffMax: "50 millis" },
      askTimeout: "2 seconds",
      stopTimeout: 100,
      start: (state: Ledger, context: Actor.ActorContext) => {
        life = ++work.begun
        context.setTimer("tick", { every: 15 }, "tick")
        return state
      }
    } as const
  }
}

/** The account that stores its state after each change. */
const accountOn = (name: string, isAlive: () => boolean, work: Work) => {
  const lives = livesOn(name, isAlive, work)
  return Actor.actor(
    "account",
    {
      state: initial,
      add: (state, entry: Entry) => Effect.map(lives.add(entry), (change) => apply(state, change)),
      tick: (state) => Effect.map(lives.tick, (change) => apply(state, change)),
      get: lives.get
    },
    lives.options
  )
}

/** The account that stores its changes, and now and then a snapshot. */
const journaledOn = (name: string, isAlive: () => boolean, work: Work, snapshotEvery: number) => {
  const lives = livesOn(name, isAlive, work)
  return Actor.actor(
    "account",
    {
      state: initial,
      add: (_, entry: Entry) => Effect.map(lives.add(entry), (change) => Actor.emit<Change>(change)),
      tick: () => Effect.map(lives.tick, (change) => Actor.emit<Change>(change)),
      get: lives.get
    },
    { ...lives.options, journal: { apply, snapshotEvery } }
  )
}

/** A life of a node, and its ref of the account. */
interface Life {
  readonly node: SimulatedNode
  readonly account: () => {
    readonly add: (entry: Entry) => Effect.Effect<unknown, unknown>
    readonly get: () => Effect.Effect<Ledger, unknown>
  }
}

const network = { breaks: 0.01, delayMsMax: 60 }

export const lentUnderFire: Program = {
  name: "a counter that is lent under fire",
  disk: { commitFails: 0.02, delayMsMax: 40 },
  network,
  run: (world) => lent(world, false)
}

/** The same with a disk that damages records: the counter may stay stopped then, and all else must hold. */
export const lentOnABadDisk: Program = {
  name: "a counter that is lent on a bad disk",
  disk: { commitFails: 0.02, recordTorn: 0.3, recordCorrupt: 0.05, delayMsMax: 40 },
  network,
  run: (world) => lent(world, true)
}

export const lentJournalUnderFire: Program = {
  name: "a journal that is lent under fire",
  disk: { commitFails: 0.02, delayMsMax: 40 },
  network,
  run: (world) => lent(world, false, 1 + world.below(6))
}

export const lentJournalOnABadDisk: Program = {
  name: "a journal that is lent on a bad disk",
  disk: { commitFails: 0.02, recordTorn: 0.3, recordCorrupt: 0.02, delayMsMax: 40 },
  network,
  run: (world) => lent(world, true, 1 + world.below(6))
}

const lent = (world: World, isDiskBad: boolean, snapshotEvery?: number): Effect.Effect<void, Violated> =>
  Effect.gen(function* () {
    const work: Work = { begun: 0, newest: 0, overtaken: undefined }
    const acknowledged = clients.map(() => 0)
    const sent = clients.map(() => 0)
    let acknowledgedCount = 0
    let isOver = false
    const lives = new Map<string, Life>()
    // An actor answers only its own realm without schemas, so the clients live on the home.
    const begin = (name: string) =>
      Effect.gen(function* () {
        const node: SimulatedNode = yield* world.start(name, { leaseTtl, stopTimeout: 100 })
        const { system } = node
        if (snapshotEvery === undefined) {
          const Account = accountOn(name, node.isAlive, work)
          yield* Effect.ignore(node.run(system.register(Account)))
          lives.set(name, { node, account: () => system.ref(Account, "a") })
        } else {
          const Account = journaledOn(name, node.isAlive, work, snapshotEvery)
          yield* Effect.ignore(node.run(system.register(Account)))
          lives.set(name, { node, account: () => system.ref(Account, "a") })
        }
      })
    yield* begin("home")
    yield* begin("host")

    const client = (id: number) =>
      Effect.gen(function* () {
        for (let round = 0; round < 12; round++) {
          const { account: accountOf, node: home } = lives.get("home")!
          const account = accountOf()
          if (world.happens(0.3)) {
            const before = acknowledgedCount
            const read = yield* Effect.exit(home.run(account.get()))
            if (read._tag === "Success") {
              yield* world.expect(
                `what is read is not older than what was acknowledged before (${before}, ${read.value.count})`,
                read.value.count >= before
              )
            }
          } else {
            const sequence = ++sent[id]!
            const exit = yield* Effect.exit(home.run(account.add({ client: id, sequence, isSlow: world.happens(0.3) })))
            if (exit._tag === "Success") {
              acknowledged[id] = sequence
              acknowledgedCount++
            }
          }
          yield* Effect.sleep(world.below(60))
        }
      })

    const mover = Effect.gen(function* () {
      while (!isOver) {
        const to = world.happens(0.6) ? "host" : "local"
        const { node } = lives.get("home")!
        const exit = yield* Effect.exit(node.run(node.system.migrate(address, to)))
        world.note(`moved to ${to}: ${exit._tag}`)
        yield* Effect.sleep(20 + world.below(200))
      }
    })

    const trouble = Effect.gen(function* () {
      while (!isOver) {
        yield* Effect.sleep(world.below(250))
        const name = world.happens(0.5) ? "home" : "host"
        const { node } = lives.get(name)!
        switch (world.below(4)) {
          case 0: {
            node.crashAfter(1 + world.below(30))
            yield* Effect.sleep(world.below(2 * leaseTtl))
            node.crash()
            yield* begin(name)
            break
          }
          case 1: {
            world.note("the nodes are cut off from each other")
            world.network.cut("home", "host")
            yield* Effect.sleep(world.below(2 * leaseTtl))
            world.network.mend()
            world.note("they reach each other again")
            break
          }
          case 2:
            node.jumpClock(world.below(10_000) - 5_000)
            break
          default:
            world.disk("home").isFull = !world.disk("home").isFull
        }
        yield* world.expect(
          `one life of an actor is at work at a time: ${work.overtaken}`,
          work.overtaken === undefined
        )
      }
    })

    const [moving, troubling] = [yield* Effect.forkChild(mover), yield* Effect.forkChild(trouble)]
    const running = yield* Effect.forEach(clients, (id) => Effect.forkChild(client(id)))
    yield* Effect.forEach(running, Fiber.join)
    isOver = true
    yield* Fiber.join(troubling)
    yield* Fiber.join(moving)
    yield* world.expect(`one life of an actor is at work at a time: ${work.overtaken}`, work.overtaken === undefined)
    yield* settled(world, isDiskBad, lives.get("home")!, { acknowledged, sent })
  })

/** All is well again: the counter answers, wherever it is, and has what it should. */
const settled = (
  world: World,
  isDiskBad: boolean,
  { account: accountOf, node: home }: Life,
  { acknowledged, sent }: { readonly acknowledged: ReadonlyArray<number>; readonly sent: ReadonlyArray<number> }
) =>
  Effect.gen(function* () {
    world.network.mend()
    world.disk("home").isFull = false
    yield* Effect.sleep(5 * leaseTtl)
    const account = accountOf()
    // The disk refuses a commit now and then, and a connection may break.
    let exit = yield* Effect.exit(home.run(account.get()))
    for (let attempt = 0; attempt < 10 && exit._tag === "Failure"; attempt++) {
      yield* Effect.sleep(2 * leaseTtl)
      exit = yield* Effect.exit(home.run(account.get()))
    }
    const isDamaged = isDiskBad && world.disk("home").damaged.size > 0
    yield* world.expect(
      `the counter answers in the end, or a record is damaged: ${String(exit)}`,
      exit._tag === "Success" || isDamaged
    )
    if (exit._tag === "Failure") return
    const { count, isInOrder, last } = exit.value
    yield* world.expect("the messages of one sender are handled in order, and none twice", isInOrder)
    for (const id of clients) {
      yield* world.expect(
        `no acknowledged write is lost (client ${id}: ${acknowledged[id]} acknowledged, ${last[id]} stored)`,
        last[id]! >= acknowledged[id]! && last[id]! <= sent[id]!
      )
    }
    yield* world.expect("nothing is counted that was not sent", count <= sent[0]! + sent[1]!)
  })
