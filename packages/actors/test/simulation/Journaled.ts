/**
 * Simulated programs of actors with journals, on disks that fail, fill up, tear and corrupt records, while their node crashes and
 * its clock jumps.
 */
import { Effect, Fiber, Stream } from "effect"
import * as Actor from "../../src/Actor.ts"
import type { Violated, World } from "../../src/testing/Simulation.ts"

/** An entry of a client: clients count from 1 on, each its own. */
interface Added {
  readonly client: number
  readonly sequence: number
}

const clients = 2
const address = "continuum://local/log/l"

/** Whether the entries of each client are in order and none is there twice. */
const isInOrder = (log: ReadonlyArray<Added>): boolean =>
  [0, 1].every((id) => {
    const own = log.filter(({ client }) => client === id).map(({ sequence }) => sequence)
    return own.every((sequence, index) => index === 0 || sequence > own[index - 1]!)
  })

const logOf = (snapshotEvery: number) =>
  Actor.actor(
    "log",
    {
      state: [] as ReadonlyArray<Added>,
      add: (_, { way, ...added }: Added & { readonly way: number }) =>
        Effect.gen(function* () {
          if (way === 1) yield* Effect.sleep(3)
          if (way === 2) return yield* Effect.die(new Error("crashed as told"))
          if (way === 3) return Actor.emit([] as ReadonlyArray<Added>)
          return Actor.emit(added)
        }),
      get: (log) => Actor.reply(log, log)
    },
    {
      journal: { apply: (log: ReadonlyArray<Added>, added: Added) => [...log, added], snapshotEvery, keep: Infinity },
      supervision: { intensity: 1_000_000, backoffMax: "50 millis" }
    }
  )

const journaled = (world: World, isDiskBad: boolean): Effect.Effect<void, Violated> =>
  Effect.gen(function* () {
    const Log = logOf(1 + world.below(6))
    const acknowledged: Array<Added> = []
    const sent = Array.from({ length: clients }, () => 0)
    for (let life = 0; life < 2 + world.below(2); life++) {
      const node = yield* world.start("node")
      node.crashAfter(1 + world.below(500))
      const client = (client: number) =>
        Effect.gen(function* () {
          for (let round = 0; round < 6; round++) {
            const added = { client, sequence: ++sent[client]! }
            const way = world.below(6)
            const add = Effect.suspend(() => node.system.ref(Log, "l").add({ ...added, way }))
            const exit = yield* Effect.exit(node.run(add))
            if (exit._tag === "Success" && way !== 3) acknowledged.push(added)
            if (world.happens(0.1)) world.disk("node").isFull = !world.disk("node").isFull
            if (world.happens(0.1)) node.jumpClock(world.below(100_000) - 50_000)
            if (world.happens(0.3)) yield* Effect.sleep(world.below(20))
          }
        })
      const running = yield* Effect.forEach([0, 1], (id) => Effect.forkChild(client(id)))
      yield* Effect.forEach(running, Fiber.join)
      node.crash()
    }
    world.disk("node").isFull = false
    const last = yield* world.start("node")
    const get = Effect.suspend(() => last.system.ref(Log, "l").get())
    let log = yield* Effect.exit(last.run(get))
    if (log._tag === "Failure") {
      const said = String(log.cause)
      const { damaged } = world.disk("node")
      yield* world.expect(`the log answers, or its record is damaged: ${said}`, isDiskBad && damaged.size > 0)
      const quarantined = yield* last.run(last.system.quarantined).pipe(Effect.orElseSucceed(() => []))
      yield* world.expect(
        `what is damaged is named and set aside: ${said}`,
        quarantined.some((record) => record.address.includes(address))
      )
      yield* Effect.ignore(last.run(Effect.suspend(() => last.system.restart(address))))
      log = yield* Effect.exit(last.run(get))
    }
    if (log._tag === "Failure") {
      // The next damaged record is found at the next start only.
      return yield* world.expect(`a restart helps: ${String(log.cause)}`, isDiskBad)
    }
    const stored = log.value
    yield* world.expect("the events of a client are in order, and none is there twice", isInOrder(stored))
    const has = ({ client, sequence }: Added) =>
      stored.some((other) => other.client === client && other.sequence === sequence)
    yield* world.expect(
      "no acknowledged event is lost",
      acknowledged.every(has) || (isDiskBad && world.disk("node").damaged.size > 0)
    )
    const read = yield* Effect.exit(last.run(Effect.suspend(() => Stream.runCollect(last.system.journal(address)))))
    if (read._tag === "Failure") return yield* world.expect(`the journal is read: ${String(read.cause)}`, isDiskBad)
    const events = read.value
    const from = (events[0]?.sequence ?? 1) - 1
    yield* world.expect(
      "the events are numbered without a gap",
      isDiskBad || (from === 0 && events.every(({ sequence }, index) => sequence === index + 1))
    )
    yield* world.expect(
      "the state is what the events make",
      isDiskBad || JSON.stringify(events.map(({ event }) => event)) === JSON.stringify(stored)
    )
  })

export const journaledUnderFire = {
  name: "journals under fire",
  disk: { commitFails: 0.05 },
  run: (world: World) => journaled(world, false)
}

export const journaledOnABadDisk = {
  name: "journals on a bad disk",
  disk: { recordTorn: 0.3, recordCorrupt: 0.02 },
  run: (world: World) => journaled(world, true)
}
