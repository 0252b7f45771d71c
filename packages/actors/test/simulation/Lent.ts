/**
 * One node lends a counter to another while both crash at any step, connections break, partitions come and go, clocks jump, and the
 * disk fails, fills up and damages records. Clients add and read. Nowhere two lives of the counter may be at work at once, nothing acknowledged may be lost, nothing
 * may be counted twice, and what is read is never older than what was acknowledged before.
 */
import { Effect, Fiber } from "effect"
import * as Actor from "../../src/Actor.ts"
import { CurrentLease, singleton } from "../../src/Singleton.ts"
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

const accountOn = (name: string, isAlive: () => boolean, work: Work) => {
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
  return Actor.actor(
    "account",
    {
      state: initial,
      add: (state, { client, isSlow, sequence }: Entry) =>
        working(
          Effect.as(isSlow ? Effect.sleep(20) : Effect.yieldNow, {
            ...state,
            last: state.last.with(client, sequence),
            count: state.count + 1,
            isInOrder: state.isInOrder && sequence > state.last[client]!
          })
        ),
      /** What it does by itself, and stores: nobody sends it through the home. */
      tick: (state) => working(Effect.as(Effect.sleep(5), { ...state, ticks: state.ticks + 1 })),
      get: (state) => working(Effect.as(Effect.yieldNow, Actor.reply(state, state)))
    },
    {
      supervision: { intensity: 1_000_000, backoffMax: "50 millis" },
      askTimeout: "2 seconds",
      stopTimeout: 100,
      start: (state, context) => {
        life = ++work.begun
        context.setTimer("tick", { every: 15 }, "tick")
        return state
      }
    }
  )
}

type Account = ReturnType<typeof accountOn>

/** A life of a node, and the definition that it knows. */
interface Life {
  readonly node: SimulatedNode
  readonly Account: Account
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

const lent = (world: World, isDiskBad: boolean): Effect.Effect<void, Violated> =>
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
        const Account = accountOn(name, node.isAlive, work)
        yield* Effect.ignore(node.run(node.system.register(Account)))
        lives.set(name, { node, Account })
      })
    yield* begin("home")
    yield* begin("host")

    const client = (id: number) =>
      Effect.gen(function* () {
        for (let round = 0; round < 12; round++) {
          const { Account, node: home } = lives.get("home")!
          const account = home.system.ref(Account, "a")
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
  { Account, node: home }: Life,
  { acknowledged, sent }: { readonly acknowledged: ReadonlyArray<number>; readonly sent: ReadonlyArray<number> }
) =>
  Effect.gen(function* () {
    world.network.mend()
    world.disk("home").isFull = false
    yield* Effect.sleep(5 * leaseTtl)
    const account = home.system.ref(Account, "a")
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

/** A singleton of three nodes, while the two that do not keep its lease crash, are cut off and have clocks that jump. */
export const singletonUnderFire: Program = {
  name: "a singleton under fire",
  network: { breaks: 0.02, delayMsMax: 30 },
  run: (world) =>
    Effect.gen(function* () {
      let owner: { readonly node: string; readonly isAlive: () => boolean } | undefined
      let overlap: string | undefined
      let runs = 0
      let epoch = 0
      const names = ["authority", "one", "two"]
      const nodes = new Map<string, SimulatedNode>()
      const begin = (name: string) =>
        Effect.gen(function* () {
          const node: SimulatedNode = yield* world.start(name)
          const work = Effect.gen(function* () {
            const lease = yield* CurrentLease
            if (lease.epoch <= epoch) overlap ??= `epoch ${lease.epoch} came after ${epoch}`
            epoch = lease.epoch
            const mine = { node: name, isAlive: node.isAlive }
            if (owner?.isAlive() === true) overlap ??= `${name} began while ${owner.node} ran`
            owner = mine
            runs++
            yield* Effect.ensuring(
              Effect.sleep(world.below(3_000)),
              Effect.sync(() => {
                if (owner === mine) owner = undefined
              })
            )
          })
          yield* Effect.ignore(node.run(node.system.run(singleton("work", work, { of: "authority", ttl: leaseTtl }))))
          nodes.set(name, node)
        })
      for (const name of names) yield* begin(name)
      for (let round = 0; round < 8; round++) {
        yield* Effect.sleep(world.below(600))
        const name = names[world.below(names.length)]!
        const node = nodes.get(name)!
        const trouble = world.below(3)
        if (trouble === 0) {
          node.crash()
          yield* Effect.sleep(world.below(leaseTtl))
          yield* begin(name)
        } else if (trouble === 1) {
          world.network.cut(name, "authority")
          yield* Effect.sleep(world.below(3 * leaseTtl))
          world.network.mend()
        } else node.jumpClock(world.below(10_000) - 5_000)
        yield* world.expect(`a singleton runs once at a time: ${overlap}`, overlap === undefined)
      }
      const before = runs
      yield* Effect.sleep(4_000)
      yield* world.expect("a singleton runs again when all is well", runs > before)
      yield* world.expect(`a singleton runs once at a time: ${overlap}`, overlap === undefined)
    })
}
