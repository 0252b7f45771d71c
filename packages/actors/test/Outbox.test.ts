import { describe, expect, it } from "@effect/vitest"
import { Delivery, type Receiver } from "@continuum/core/Delivery"
import { payloadDepthMax } from "@continuum/core/Limits"
import { TransportLost } from "@continuum/core/Transport"
import { Effect, Fiber, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { TestClock } from "effect/testing"
import * as Actor from "../src/Actor.ts"
import * as Limits from "../src/Limits.ts"
import * as DeliveryPair from "./support/DeliveryPair.ts"
import { MailDisk } from "./support/MailDisk.ts"

class Rpcs extends RpcGroup.make(
  Rpc.make("add", { payload: { n: Schema.Int }, success: Schema.Int }),
  Rpc.make("read", { success: Schema.Array(Schema.Int) })
) {}
const supervision = { backoffMin: "1 second", jitter: 0, intensity: 100 } as const
const Ledger = Actor.fromRpcs(
  "ledger",
  Rpcs,
  {
    state: { schema: Schema.Array(Schema.Int), initial: [] },
    handlers: {
      add: (state, { n }) => Actor.reply([...state, n], state.length + 1),
      read: (state) => state
    }
  },
  { mailbox: "durable", supervision }
)
const far = "continuum://bee/ledger/l"
const Sender = Actor.actor(
  "sender",
  {
    state: 0,
    send: (state, n: number, context) => {
      context.at(Ledger, far).tell.add({ n })
      return state + 1
    },
    deny: (_: number, n: number, context) => {
      context.at(Ledger, far).tell.add({ n })
      return Effect.fail("denied") as Effect.Effect<number, string>
    },
    flood: (state, count: number, context) => {
      for (let n = 0; n < count; n++) context.at(Ledger, far).tell.add({ n })
      return state + 1
    }
  },
  { supervision }
)

const settle = Effect.repeat(Effect.yieldNow, { times: 50 })

/** Two systems on disks of their own, and the line between them. */
const pair = Effect.gen(function* () {
  const [ant, bee, line] = DeliveryPair.make()
  const [antDisk, beeDisk] = [new MailDisk(), new MailDisk()]
  const startAnt = antDisk.start({ delivery: ant.delivery, nodeName: "ant" })
  const startBee = Effect.tap(beeDisk.start({ delivery: bee.delivery, nodeName: "bee" }), ({ system }) =>
    system.register(Ledger)
  )
  return { antDisk, beeDisk, startAnt, startBee, line, ant, bee }
})

describe("a message to a durable mailbox of another node", () => {
  it.effect("is stored with its sender's state, arrives once, and is then forgotten here", () =>
    Effect.gen(function* () {
      const { antDisk, beeDisk, startAnt, startBee } = yield* pair
      const [ant, bee] = [yield* startAnt, yield* startBee]
      antDisk.refusesCommits = true
      expect(yield* Effect.flip(ant.system.ref(Sender, "s").send(1))).toMatchObject({ _tag: "StateNotStored" })
      antDisk.refusesCommits = false
      yield* TestClock.adjust("2 seconds")
      yield* ant.system.ref(Sender, "s").send(2)
      expect(yield* Effect.flip(ant.system.ref(Sender, "s").deny(3))).toBe("denied")
      yield* TestClock.adjust("1 second")
      expect(yield* bee.system.ref(Ledger, "l").read()).toEqual([2])
      expect(antDisk.keys("out")).toEqual([])
      expect(beeDisk.keys("mail")).toEqual([])
      expect(ant.system.totals().outgoing).toBe(0)
    })
  )

  it.effect("is refused with PayloadMalformed when it is nested too deep to be stored", () =>
    Effect.gen(function* () {
      const { antDisk, startAnt } = yield* pair
      const { system } = yield* startAnt
      const deep = (depth: number): unknown => (depth === 0 ? 1 : [deep(depth - 1)])
      const Keeper = Actor.fromRpcs(
        "keeper",
        RpcGroup.make(Rpc.make("keep", { payload: { value: Schema.Unknown }, success: Schema.Void })),
        { state: { schema: Schema.Null, initial: null }, handlers: { keep: (state) => Actor.reply(state, undefined) } },
        { mailbox: "durable" }
      )
      const refused = system.at(Keeper, "continuum://bee/keeper/k").tell.keep({ value: deep(payloadDepthMax - 1) })
      expect(yield* Effect.flip(refused)).toMatchObject({ _tag: "PayloadMalformed" })
      expect(antDisk.keys("out")).toEqual([])
    })
  )

  it.effect("waits on the disk while the other node cannot be reached, and survives a crash of its own", () =>
    Effect.gen(function* () {
      const { antDisk, line, startAnt, startBee } = yield* pair
      const first = yield* startAnt
      const bee = yield* startBee
      line.cut()
      for (const n of [1, 2, 3]) yield* first.system.ref(Sender, "s").send(n)
      yield* first.system.at(Ledger, far).tell.add({ n: 4 })
      yield* TestClock.adjust("1 minute")
      expect(antDisk.keys("out")).toHaveLength(4)
      expect(first.system.totals().outgoing).toBe(4)
      first.crash()
      const second = yield* startAnt
      yield* second.system.ref(Sender, "s").send(5)
      line.mend()
      yield* TestClock.adjust("1 minute")
      expect(yield* bee.system.ref(Ledger, "l").read()).toEqual([1, 2, 3, 4, 5])
      expect(antDisk.keys("out")).toEqual([])
    })
  )

  it.effect("that is sent again because the answer was lost has its effect once", () =>
    Effect.gen(function* () {
      const { antDisk, ant, startBee } = yield* pair
      let lost = 0
      const delivery = Delivery.of({
        ...ant.delivery,
        ask: (envelope) =>
          Effect.flatMap(ant.delivery.ask(envelope), (outcome) =>
            lost++ % 2 === 0
              ? Effect.fail(new TransportLost({ peer: envelope.to.realm as never, reason: "on its way back" }))
              : Effect.succeed(outcome)
          )
      })
      const { system } = yield* antDisk.start({ delivery, nodeName: "ant" })
      const bee = yield* startBee
      for (const n of [1, 2, 3]) yield* system.ref(Sender, "s").send(n)
      yield* TestClock.adjust("1 minute")
      expect(yield* bee.system.ref(Ledger, "l").read()).toEqual([1, 2, 3])
      expect(lost).toBe(6)
      // An ask is sent again too, and its reply is the one of the first time.
      const asked = yield* Effect.forkChild(system.at(Ledger, far).add({ n: 4 }))
      yield* TestClock.adjust("1 minute")
      expect(yield* Fiber.join(asked)).toBe(4)
      expect(yield* bee.system.ref(Ledger, "l").read()).toEqual([1, 2, 3, 4])
    })
  )

  it.effect("is tried again while the other node stops the actor or has no room, and in order", () =>
    Effect.gen(function* () {
      const { beeDisk, startAnt, startBee } = yield* pair
      const [ant, bee] = [yield* startAnt, yield* startBee]
      beeDisk.refusesCommits = true
      for (const n of [1, 2]) yield* ant.system.ref(Sender, "s").send(n)
      yield* TestClock.adjust("1 minute")
      expect(ant.system.totals().outgoing).toBe(2)
      beeDisk.refusesCommits = false
      yield* TestClock.adjust("1 minute")
      expect(yield* bee.system.ref(Ledger, "l").read()).toEqual([1, 2])
    })
  )

  it.effect("that the other node will never take is a dead letter, and the next one goes on", () =>
    Effect.gen(function* () {
      const { antDisk, startAnt, startBee } = yield* pair
      const [ant, bee] = [yield* startAnt, yield* startBee]
      const Other = Actor.actor(
        "ledger",
        { state: 0, add: (state, { n }: { readonly n: string }) => state + n.length },
        {
          mailbox: "durable"
        }
      )
      yield* ant.system.at(Other, far).tell.add({ n: "not a number" })
      yield* ant.system.at(Other, far).tell.add({ n: 7 as never })
      yield* TestClock.adjust("1 minute")
      expect((yield* ant.system.deadLetters)[0]).toMatchObject({ address: far, messageName: "add" })
      expect(yield* bee.system.ref(Ledger, "l").read()).toEqual([7])
      expect(antDisk.keys("out")).toEqual([])
    })
  )

  it.effect("that no node takes for a week is a dead letter", () =>
    Effect.gen(function* () {
      const { antDisk, startAnt } = yield* pair
      const ant = yield* startAnt
      yield* ant.system.at(Ledger, far).tell.add({ n: 1 })
      yield* TestClock.adjust(Limits.outgoingMsMax - 60_000)
      expect(ant.system.totals().outgoing).toBe(1)
      yield* TestClock.adjust(120_000)
      expect(ant.system.totals().outgoing).toBe(0)
      expect((yield* ant.system.deadLetters)[0]!.reason).toContain("no node took it for 7 days")
      expect(antDisk.keys("out")).toEqual([])
    })
  )

  it.effect("gets OutboxFull when as many are on their way as may be, and one less does not", () =>
    Effect.gen(function* () {
      const { startAnt } = yield* pair
      const ant = yield* startAnt
      const flood = Limits.lettersPerMessageMax
      for (let sent = 0; sent < Limits.outgoingMax; sent += flood) yield* ant.system.ref(Sender, "s").flood(flood)
      expect(ant.system.totals().outgoing).toBe(Limits.outgoingMax)
      expect(yield* Effect.flip(ant.system.at(Ledger, far).tell.add({ n: 1 }))).toMatchObject({
        _tag: "OutboxFull",
        capacity: Limits.outgoingMax
      })
    })
  )

  it.effect("counts towards those on their way as soon as it is sent, until it is stored or refused", () =>
    Effect.gen(function* () {
      const { antDisk, startAnt } = yield* pair
      const ant = yield* startAnt
      const flood = Limits.lettersPerMessageMax
      for (let sent = flood; sent < Limits.outgoingMax; sent += flood) yield* ant.system.ref(Sender, "s").flood(flood)
      yield* ant.system.ref(Sender, "s").flood(flood - 2)
      antDisk.commitMs = 10
      const tell = ant.system.at(Ledger, far).tell.add
      const outcomesOf = Effect.gen(function* () {
        const numbers = Array.from({ length: 5 }, (_, n) => n)
        const burst = Effect.forEach(numbers, (n) => Effect.result(tell({ n })), { concurrency: "unbounded" })
        const fiber = yield* Effect.forkChild(burst)
        yield* settle
        yield* TestClock.adjust(100)
        return (yield* Fiber.join(fiber)).map((result) =>
          result._tag === "Success" ? "stored" : (result.failure as { readonly _tag: string })._tag
        )
      })
      const all = (first: string) => [first, first, "OutboxFull", "OutboxFull", "OutboxFull"]
      antDisk.refusesCommits = true
      expect(yield* outcomesOf).toEqual(all("StateNotStored"))
      antDisk.refusesCommits = false
      expect(yield* outcomesOf).toEqual(all("stored"))
      expect(ant.system.totals().outgoing).toBe(Limits.outgoingMax)
    })
  )

  it.effect("in the name of another node is known apart from this one's, whatever it calls its stream", () =>
    Effect.gen(function* () {
      const { bee, startBee } = yield* pair
      let receiver: Receiver | undefined
      const beeDisk = new MailDisk()
      const delivery = Delivery.of({
        ...bee.delivery,
        serve: (served) => Effect.sync(() => void (receiver = served))
      })
      const { system } = yield* beeDisk.start({ delivery, nodeName: "bee" })
      yield* system.register(Ledger)
      yield* startBee
      const envelope = {
        version: 1,
        id: { stream: "s", sequence: 0 },
        kind: "ask",
        to: { realm: bee.realm, kind: "ledger", name: "l" },
        message: "add",
        payload: { n: 1 },
        answer: "stored"
      } as const
      const [one, other] = [DeliveryPair.make()[0].realm, bee.realm]
      for (const peer of [one, one, other]) yield* receiver!.ask(envelope, peer)
      yield* settle
      expect(yield* system.ref(Ledger, "l").read()).toEqual([1, 1])
    })
  )
})
