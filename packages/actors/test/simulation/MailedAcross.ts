/**
 * Durable actors of two nodes send to a durable mailbox of a third one and clients ask it, while all three crash at any step, disks fail,
 * connections break, messages overtake each other or come twice, and partitions come and go.
 */
import { Effect, Fiber, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import * as Actor from "../../src/Actor.ts"
import type { SimulatedNode, World } from "../../src/testing/Simulation.ts"
import { isInOrder } from "./Mailed.ts"
import type { Program } from "./Programs.ts"

const Mailed = Schema.Struct({ sender: Schema.String, sequence: Schema.Int })
class Rpcs extends RpcGroup.make(
  Rpc.make("add", { payload: Mailed, success: Schema.Int }),
  Rpc.make("read", { success: Schema.Array(Mailed) })
) {}

const supervision = { intensity: 1_000_000, backoffMax: "50 millis" } as const

const Ledger = Actor.fromRpcs(
  "ledger",
  Rpcs,
  {
    state: { schema: Schema.Array(Mailed), initial: [] },
    handlers: {
      add: (state, mailed) =>
        Effect.as(
          mailed.sequence % 3 === 0 ? Effect.sleep(3) : Effect.void,
          Actor.reply([...state, mailed], state.length + 1)
        ),
      read: (state) => state
    }
  },
  { mailbox: "durable", supervision, askTimeout: "20 seconds" }
)

const address = "continuum://home/ledger/l"

const Sender = Actor.actor(
  "sender",
  {
    state: 0,
    send: (sent, sender: string, context) => {
      context.at(Ledger, address).tell.add({ sender, sequence: sent + 1 })
      return sent + 1
    },
    read: (sent) => Actor.reply(sent, sent)
  },
  { supervision }
)

const senders = ["ant", "bee"]

export const mailedAcrossUnderFire: Program = {
  name: "durable mailboxes of other nodes under fire",
  disk: { commitFails: 0.03 },
  network: { breaks: 0.05, reordered: 0.05, duplicated: 0.1, delayMsMax: 30 },
  run: (world) =>
    Effect.gen(function* () {
      const nodes = new Map<string, SimulatedNode>()
      let isOver = false
      const begin = (name: string) =>
        Effect.gen(function* () {
          const node = yield* world.start(name)
          nodes.set(name, node)
          if (name === "home") yield* Effect.ignore(node.run(node.system.register(Ledger)))
          return node
        })
      for (const name of ["home", ...senders]) yield* begin(name)

      const acknowledged: Array<{ readonly sender: string; readonly sequence: number }> = []
      const replies = new Set<number>()
      const sender = (name: string) =>
        Effect.gen(function* () {
          for (let round = 1; round <= 8; round++) {
            const { run, system } = nodes.get(name)!
            yield* Effect.exit(run(Effect.suspend(() => system.ref(Sender, "s").send(name))))
            // From outside, and acknowledged when it is stored here.
            const message = { sender: `${name}'s client`, sequence: round }
            const told = yield* Effect.exit(run(Effect.suspend(() => system.at(Ledger, address).tell.add(message))))
            if (told._tag === "Success") acknowledged.push(message)
            yield* Effect.sleep(world.below(100))
          }
        })
      // Asks come again by themselves when their answer is lost: each number may be there once.
      const asker = Effect.gen(function* () {
        for (let round = 1; round <= 8; round++) {
          const { run, system } = nodes.get("ant")!
          const message = { sender: "asker", sequence: round }
          const exit = yield* Effect.exit(run(Effect.suspend(() => system.at(Ledger, address).add(message))))
          if (exit._tag === "Success") {
            acknowledged.push(message)
            yield* world.expect("each reply is another one", !replies.has(exit.value))
            replies.add(exit.value)
          }
        }
      })
      const trouble = Effect.gen(function* () {
        while (!isOver) {
          yield* Effect.sleep(world.below(200))
          const name = ["home", ...senders][world.below(3)]!
          switch (world.below(3)) {
            case 0: {
              nodes.get(name)!.crashAfter(1 + world.below(40))
              yield* Effect.sleep(world.below(300))
              nodes.get(name)!.crash()
              yield* begin(name)
              break
            }
            case 1: {
              world.network.cut("home", senders[world.below(2)]!)
              yield* Effect.sleep(world.below(500))
              world.network.mend()
              break
            }
            default:
              nodes.get(name)!.jumpClock(world.below(10_000) - 5_000)
          }
        }
      })
      const troubling = yield* Effect.forkChild(trouble)
      const running = yield* Effect.forEach([...senders.map(sender), asker], (each) => Effect.forkChild(each))
      yield* Effect.forEach(running, Fiber.join)
      isOver = true
      yield* Fiber.join(troubling)
      world.network.mend()
      yield* settled(world, nodes, acknowledged)
    })
}

const settled = (
  world: World,
  nodes: ReadonlyMap<string, SimulatedNode>,
  acknowledged: ReadonlyArray<{ readonly sender: string; readonly sequence: number }>
) =>
  Effect.gen(function* () {
    // Twice the longest wait of the outbox.
    yield* Effect.sleep(30_000)
    const home = nodes.get("home")!
    const read = Effect.suspend(() => home.system.ref(Ledger, "l").read())
    let ledger = yield* Effect.exit(home.run(read))
    for (let attempt = 0; attempt < 10 && ledger._tag === "Failure"; attempt++) {
      yield* Effect.sleep(1_000)
      ledger = yield* Effect.exit(home.run(read))
    }
    yield* world.expect(`the ledger answers in the end: ${String(ledger)}`, ledger._tag === "Success")
    if (ledger._tag === "Failure") return
    const kept = ledger.value
    yield* world.expect(`what a sender sends is handled in order and once: ${JSON.stringify(kept)}`, isInOrder(kept))
    const lost = acknowledged.filter(
      (message) => !kept.some(({ sender, sequence }) => sender === message.sender && sequence === message.sequence)
    )
    yield* world.expect(`no acknowledged message is lost: ${JSON.stringify(lost)}`, lost.length === 0)
    for (const name of senders) {
      const node = nodes.get(name)!
      let sent = yield* Effect.exit(node.run(Effect.suspend(() => node.system.ref(Sender, "s").read())))
      for (let attempt = 0; attempt < 10 && sent._tag === "Failure"; attempt++) {
        yield* Effect.sleep(1_000)
        sent = yield* Effect.exit(node.run(Effect.suspend(() => node.system.ref(Sender, "s").read())))
      }
      yield* world.expect(`the sender answers in the end: ${String(sent)}`, sent._tag === "Success")
      if (sent._tag === "Failure") return
      const own = kept.filter(({ sender }) => sender === name).length
      yield* world.expect(`what ${name} sent is what its state says: ${own} of ${sent.value}`, own === sent.value)
      const { outgoing } = node.system.totals()
      yield* world.expect(`nothing of ${name} is on its way any more: ${outgoing}`, outgoing === 0)
    }
  })
