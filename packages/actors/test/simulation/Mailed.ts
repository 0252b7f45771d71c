/**
 * Simulated programs of durable mailboxes: two durable actors and clients from outside send to a third one, whose node crashes at any
 * step, and whose disk fails, fills up, tears and corrupts records. Nothing acknowledged may be lost, nothing may have its effect twice,
 * what one sender sends stays in order, and each reminder rings once, with what it sends.
 */
import { Effect, Fiber } from "effect"
import * as Actor from "../../src/Actor.ts"
import type { SimulatedNode, Violated, World } from "../../src/testing/Simulation.ts"

/** A message: senders count from 1 on, each its own. */
export interface Mailed {
  readonly sender: string
  readonly sequence: number
}

type Ledger = ReadonlyArray<Mailed>

const supervision = { intensity: 1_000_000, backoffMax: "50 millis" } as const

/** What happens to the handler of a message: by what it is and not by chance, so that it is the same whenever it is handled again. */
const wayOf = ({ sender, sequence }: Mailed): "plain" | "pause" | "refuse" | "crash" =>
  (["plain", "pause", "plain", "plain", "refuse", "plain", "crash"] as const)[(sequence + sender.length) % 7]!

/** Whether a message changes the state. */
export const isKept = (mailed: Mailed): boolean => wayOf(mailed) === "plain" || wayOf(mailed) === "pause"

export const ledgerOf = (isJournaled: boolean) => {
  const next = (ledger: Ledger, { sender, sequence }: Mailed): Ledger => [...ledger, { sender, sequence }]
  const add = (ledger: Ledger, mailed: Mailed) =>
    Effect.gen(function* () {
      const way = wayOf(mailed)
      if (way === "pause") yield* Effect.sleep(3)
      if (way === "refuse") return yield* Effect.fail("refused as told")
      if (way === "crash") return yield* Effect.die(new Error("crashed as told"))
      return isJournaled ? Actor.emit(mailed, ledger.length + 1) : Actor.reply(next(ledger, mailed), ledger.length + 1)
    })
  return Actor.actor(
    "ledger",
    { state: [] as Ledger, add, read: (ledger: Ledger) => Actor.reply(ledger, ledger) },
    {
      mailbox: "durable",
      supervision,
      ...(isJournaled ? { journal: { apply: next, snapshotEvery: 3 } } : {})
    }
  )
}

interface Sent {
  /** Messages sent. */
  readonly sent: number
  /** Reminders set, and those that rang. */
  readonly set: number
  readonly rung: number
}

/** Sends its next message with its state; each third one sets a reminder too, which sends another one. */
export const senderOf = (Ledger: ReturnType<typeof ledgerOf>, to: (context: Actor.ActorContext) => string) => {
  const next = (context: Actor.ActorContext, state: Sent): Sent => {
    const sent = state.sent + 1
    context.at(Ledger, to(context)).tell.add({ sender: context.name, sequence: sent })
    return { ...state, sent }
  }
  return Actor.actor(
    "sender",
    {
      state: { sent: 0, set: 0, rung: 0 },
      send: (state, _: void, context) => {
        const sent = next(context, state)
        if (sent.sent % 3 !== 0) return Actor.reply(sent, undefined)
        context.setReminder(`r${sent.sent}`, { after: 5 }, "ring")
        return Actor.reply({ ...sent, set: sent.set + 1 }, undefined)
      },
      ring: (state, _: void, context) => Actor.reply({ ...next(context, state), rung: state.rung + 1 }, undefined),
      read: (state) => Actor.reply(state, state)
    },
    { supervision }
  )
}

const address = "continuum://local/ledger/l"
const senders = ["s0", "s1"]
const clients = ["c0", "c1"]

/** Whether what each sent is in order and nothing is there twice. */
export const isInOrder = (ledger: Ledger): boolean => {
  const last = new Map<string, number>()
  return ledger.every(({ sender, sequence }) => {
    const isNext = sequence > (last.get(sender) ?? 0)
    last.set(sender, sequence)
    return isNext
  })
}

const mailed = (world: World, isDiskBad: boolean): Effect.Effect<void, Violated> =>
  Effect.gen(function* () {
    const Ledger = ledgerOf(world.happens(0.5))
    const Sender = senderOf(Ledger, () => address)
    const acknowledged: Array<Mailed> = []
    const sent = new Map(clients.map((client) => [client, 0]))
    /** Messages with a name are sent until somebody answers. */
    const replies = new Map<number, string>()
    let named = 0
    for (let life = 0; life < 2 + world.below(2); life++) {
      const node = yield* world.start("node")
      node.crashAfter(1 + world.below(600))
      const sender = (name: string) =>
        Effect.gen(function* () {
          for (let round = 0; round < 5; round++) {
            yield* Effect.exit(node.run(Effect.suspend(() => node.system.ref(Sender, name).send())))
            if (world.happens(0.3)) yield* Effect.sleep(world.below(20))
          }
        })
      const client = (name: string) =>
        Effect.gen(function* () {
          for (let round = 0; round < 5; round++) {
            const message = { sender: name, sequence: sent.get(name)! + 1 }
            sent.set(name, message.sequence)
            const exit = yield* Effect.exit(
              node.run(Effect.suspend(() => node.system.ref(Ledger, "l").tell.add(message)))
            )
            if (exit._tag === "Success") acknowledged.push(message)
            if (world.happens(0.1)) world.disk("node").isFull = !world.disk("node").isFull
            if (world.happens(0.3)) yield* Effect.sleep(world.below(20))
          }
        })
      const named1 = Effect.gen(function* () {
        for (let round = 0; round < 5; round++) {
          const exit = yield* askNamed(node, Ledger, named)
          if (exit._tag === "Failure") continue
          if (replies.has(named))
            yield* world.expect("the same reply comes again", replies.get(named) === JSON.stringify(exit.value))
          replies.set(named, JSON.stringify(exit.value))
          // Now and then the answer is lost on its way: it is asked again.
          if (world.happens(0.5)) named++
        }
      })
      const running = yield* Effect.forEach([...senders.map(sender), ...clients.map(client), named1], (each) =>
        Effect.forkChild(each)
      )
      yield* Effect.forEach(running, Fiber.join)
      node.crash()
    }
    world.disk("node").isFull = false
    const last = yield* world.start("node")
    yield* Effect.ignore(last.run(Effect.andThen(last.system.register(Ledger), last.system.register(Sender))))
    yield* Effect.sleep(5_000)
    const read = Effect.suspend(() => last.system.ref(Ledger, "l").read())
    let ledger = yield* Effect.exit(last.run(read))
    for (let attempt = 0; attempt < 10 && ledger._tag === "Failure" && !isDiskBad; attempt++) {
      yield* Effect.sleep(1_000)
      ledger = yield* Effect.exit(last.run(read))
    }
    const isDamaged = () => isDiskBad && world.disk("node").damaged.size > 0
    if (ledger._tag === "Failure")
      return yield* world.expect(`the ledger answers, or its record is damaged: ${String(ledger.cause)}`, isDamaged())
    const kept = ledger.value
    yield* world.expect(
      `what a sender sends is handled in order and once: ${JSON.stringify(kept)}`,
      isDamaged() || isInOrder(kept)
    )
    const has = (message: Mailed) =>
      kept.some(({ sender, sequence }) => sender === message.sender && sequence === message.sequence)
    const lost = acknowledged.filter((message) => isKept(message) && !has(message))
    yield* world.expect(`no acknowledged message is lost: ${JSON.stringify(lost)}`, isDamaged() || lost.length === 0)
    for (const name of senders) {
      const read = Effect.suspend(() => last.system.ref(Sender, name).read())
      const state = yield* Effect.exit(last.run(read))
      if (state._tag === "Failure") {
        yield* world.expect(`the sender answers, or its record is damaged: ${String(state.cause)}`, isDamaged())
        continue
      }
      const own = kept.filter(({ sender }) => sender === name).map(({ sequence }) => sequence)
      const { rung, sent, set } = state.value
      yield* world.expect(`each reminder of ${name} rang once: ${rung} of ${set}`, isDamaged() || rung === set)
      const promised = Array.from({ length: sent }, (_, index) => index + 1).filter((sequence) =>
        isKept({ sender: name, sequence })
      )
      yield* world.expect(
        `what ${name} sent is its state's, and all of it: ${own.join(" ")} of ${promised.join(" ")}`,
        isDamaged() || own.join(" ") === promised.join(" ")
      )
    }
    yield* world.expect(
      "what was handled is not stored any more",
      isDamaged() || (yield* Effect.orDie(last.run(last.system.inspect(address)))).mailbox === 0
    )
    const kinds = [...new Set((yield* Effect.orDie(last.run(last.system.deadLetters))).map(({ reason }) => reason))]
    yield* world.expect(
      `only what failed as told is a dead letter: ${kinds.join(" | ")}`,
      isDamaged() || kinds.every((reason) => reason.includes("as told"))
    )
  })

const askNamed = (node: SimulatedNode, Ledger: ReturnType<typeof ledgerOf>, sequence: number) => {
  const id = { stream: "named", sequence }
  // A sequence whose handler neither fails nor crashes.
  const message = { sender: "named", sequence: sequence * 7 + 2 }
  return Effect.exit(node.run(Effect.suspend(() => node.system.ref(Ledger, "l", { id }).add(message))))
}

export const mailedUnderFire = {
  name: "durable mailboxes under fire",
  disk: { commitFails: 0.05 },
  run: (world: World) => mailed(world, false)
}

export const mailedOnABadDisk = {
  name: "durable mailboxes on a bad disk",
  disk: { recordTorn: 0.3, recordCorrupt: 0.02 },
  run: (world: World) => mailed(world, true)
}
