import type { Receiver } from "@continuum/core/Delivery"
import { dialTimeoutMs } from "@continuum/core/Limits"
import { Action, type Peer } from "@continuum/core/PeerDirectory"
import type { Channel, ChannelProtocol } from "@continuum/mesh/Channel"
import * as GrantStore from "@continuum/mesh/GrantStore"
import * as Limits from "@continuum/mesh/Limits"
import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, References, Stream } from "effect"
import { TestClock } from "effect/testing"
import { echo, envelopeTo } from "./support/Echo.ts"
import { Hub, identityOf, start } from "./support/Hub.ts"
import { Player, settle, until } from "./support/Player.ts"

const quiet = Effect.provideService(References.MinimumLogLevel, "None")

/** Two nodes that have added each other, of which the second is served by `receiver`. */
const pairOf = (receiver: Receiver = echo) =>
  Effect.gen(function* () {
    const hub = new Hub()
    const [a, b] = [yield* start(hub, 1), yield* start(hub, 2)]
    yield* b.delivery.serve(receiver)
    yield* a.mesh.add(b.key)
    yield* b.mesh.add(a.key)
    return { hub, a, b }
  })

describe("adding a peer", () => {
  it.effect("by its key dials, grants, and says who it is", () =>
    Effect.gen(function* () {
      const hub = new Hub()
      const [a, b] = [yield* start(hub, 1, { capabilities: ["js"] }), yield* start(hub, 2, { capabilities: ["wat"] })]
      const peer = yield* a.mesh.add(b.key)
      expect(peer).toMatchObject({
        publicKey: b.key,
        realm: b.realm,
        name: "node-2",
        address: "127.0.0.1:4002",
        connected: true,
        capabilities: ["wat"],
        scope: "mesh",
        grants: Action.literals
      })
      yield* settle
      expect(yield* b.directory.peers).toMatchObject([
        { publicKey: a.key, name: "node-1", connected: true, grants: [] }
      ])
      expect(a.directory.isGranted(b.key, "jit.run")).toBe(true)
      expect(b.directory.isGranted(a.key, "jit.run")).toBe(false)
    }).pipe(quiet)
  )

  it.effect("by host:port finds the one of the network that listens there", () =>
    Effect.gen(function* () {
      const hub = new Hub()
      const [a, b, c] = [yield* start(hub, 1), yield* start(hub, 2), yield* start(hub, 3)]
      hub.connect(b.key, a.key)
      const adding = yield* Effect.forkChild(a.mesh.add("127.0.0.1:4003"), { startImmediately: true })
      yield* settle
      hub.connect(c.key, a.key)
      expect((yield* Fiber.join(adding)).publicKey).toBe(c.key)
      expect((yield* a.mesh.add("127.0.0.1:4002")).publicKey).toBe(b.key)
      const nobody = yield* Effect.forkChild(Effect.flip(a.mesh.add("127.0.0.1:4009")), { startImmediately: true })
      yield* TestClock.adjust("16 seconds")
      expect((yield* Fiber.join(nobody)).message).toContain("no node of this network was found there")
    }).pipe(quiet)
  )

  it.effect("that cannot be reached, is this node, or is no name of one, changes nothing", () =>
    Effect.gen(function* () {
      const { a } = yield* pairOf()
      for (const [name, reason] of [
        [identityOf(9).node.publicKey, "nobody has this key"],
        [a.key, "it is this node itself"],
        ["bee", "neither a public key nor host:port"]
      ] as const) {
        const adding = yield* Effect.forkChild(Effect.flip(a.mesh.add(name)), { startImmediately: true })
        yield* TestClock.adjust(dialTimeoutMs)
        const error = yield* Fiber.join(adding)
        expect(error).toMatchObject({ _tag: "PeerUnreachable" })
        expect(error.message).toContain(reason)
      }
      expect((yield* a.mesh.status).granted).toBe(1)
    }).pipe(quiet)
  )

  it.effect("that has not started yet waits for it, with fewer and fewer dials", () =>
    Effect.gen(function* () {
      const hub = new Hub()
      const a = yield* start(hub, 1)
      const adding = yield* Effect.forkChild(a.mesh.add(identityOf(2).node.publicKey), { startImmediately: true })
      yield* TestClock.adjust("10 seconds")
      expect(hub.dials).toBeGreaterThan(4)
      expect(hub.dials).toBeLessThan(12)
      expect(adding.pollUnsafe()).toBe(undefined)
      const b = yield* start(hub, 2)
      yield* TestClock.adjust("2 seconds")
      expect((yield* Fiber.join(adding)).publicKey).toBe(b.key)
    }).pipe(quiet)
  )

  it.effect("of another network says so after one dial, and does not grant", () =>
    Effect.gen(function* () {
      const hub = new Hub()
      const [a, b] = [yield* start(hub, 1), yield* start(hub, 2, { networkId: new Uint8Array(32) })]
      const error = yield* Effect.flip(a.mesh.add(b.key))
      expect(error.message).toContain("another network")
      expect(hub.dials).toBe(1)
      expect((yield* a.mesh.status).granted).toBe(0)
    }).pipe(quiet)
  )
})

describe("peers", () => {
  it.effect(
    "are found by node key, realm key and name; a name of two only by key; a granted one before a stranger",
    () =>
      Effect.gen(function* () {
        const hub = new Hub()
        const a = yield* start(hub, 1)
        const [b, c] = [yield* start(hub, 2, { name: "bee" }), yield* start(hub, 3, { name: "bee" })]
        hub.connect(b.key, a.key)
        hub.connect(c.key, a.key)
        yield* settle
        yield* settle
        expect((yield* Effect.flip(a.directory.find("bee"))).message).toContain("more than one peer has this name")
        for (const key of [b.key, b.realm]) expect((yield* a.directory.find(key)).publicKey).toBe(b.key)
        yield* a.mesh.grant(c.key, ["content.read"])
        expect((yield* a.directory.find("bee")).publicKey).toBe(c.key)
        expect(yield* a.delivery.realmOf("bee")).toBe(c.realm)
        expect(yield* a.delivery.realmOf(b.key)).toBe(b.realm)
        expect(yield* a.delivery.realmOf("local")).toBe(a.realm)
        for (const name of ["wasp", identityOf(9).node.publicKey]) {
          expect((yield* Effect.flip(a.directory.find(name)))._tag).toBe("PeerUnreachable")
        }
      }).pipe(quiet)
  )

  it.effect("that hold a grant stay known when they are gone, strangers do not; changes tell of both", () =>
    Effect.gen(function* () {
      const { a, b, hub } = yield* pairOf()
      const seen: Array<Peer> = []
      yield* Effect.forkChild(
        Stream.runForEach(a.directory.changes, (peer) => Effect.sync(() => seen.push(peer))),
        { startImmediately: true }
      )
      yield* settle
      const stranger = identityOf(50)
      const player = new Player(hub.stranger(stranger.node.publicKey, a.key), stranger)
      yield* player.greeted
      expect((yield* a.directory.peers).map(({ name }) => name).toSorted()).toEqual(["node-2", "player"])
      player.end.breakDown("the cable")
      hub.ends.at(-1)![0].breakDown("the cable")
      yield* until("both are gone", () => seen.filter(({ connected }) => !connected).length === 2)
      const peers = yield* a.directory.peers
      expect(peers).toMatchObject([
        { publicKey: b.key, name: "node-2", realm: b.realm, address: "127.0.0.1:4002", connected: false, rttMs: null }
      ])
      expect(seen.some(({ connected, name }) => name === "player" && connected)).toBe(true)
    }).pipe(quiet)
  )

  it.effect("that are forgotten lose grant and connection, with what runs for them", () =>
    Effect.gen(function* () {
      const { a, b } = yield* pairOf()
      const asking = yield* Effect.forkChild(
        Effect.flip(a.delivery.ask(envelopeTo(b.realm, 1, { message: "never" }))),
        {
          startImmediately: true
        }
      )
      yield* settle
      expect(yield* b.mesh.forget(a.key)).toBe(true)
      expect((yield* Fiber.join(asking))._tag).toBe("TransportLost")
      expect(yield* b.directory.peers).toEqual([])
      expect(yield* b.mesh.forget(a.key)).toBe(false)
      expect((yield* Effect.flip(a.delivery.ask(envelopeTo(b.realm, 1))))._tag).toBe("NotGranted")
    }).pipe(quiet)
  )

  it.effect("are remembered by the store: a node that starts again knows and reaches them", () =>
    Effect.gen(function* () {
      const hub = new Hub()
      const b = yield* start(hub, 2)
      yield* b.delivery.serve(echo)
      const store = Context.get(yield* Layer.build(GrantStore.layerMemory), GrantStore.GrantStore)
      const grants = Layer.succeed(GrantStore.GrantStore, store)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const a = yield* start(hub, 1, { grants })
          yield* a.mesh.add(b.key)
          yield* b.mesh.add(a.key)
        })
      )
      yield* settle
      expect(yield* store.all).toMatchObject([{ publicKey: b.key, realm: b.realm, name: "node-2" }])
      const a = yield* start(hub, 1, { grants })
      expect(yield* a.directory.find("node-2")).toMatchObject({ connected: false })
      expect(yield* a.delivery.ask(envelopeTo(b.realm, "again"))).toMatchObject({ value: ["again", a.key] })
    }).pipe(quiet)
  )

  it.effect("answer heartbeats, and their round trip is known", () =>
    Effect.gen(function* () {
      const { a, b } = yield* pairOf()
      yield* settle
      expect((yield* a.directory.find(b.key)).rttMs).toBe(0)
    }).pipe(quiet)
  )
})

describe("an ask to another node", () => {
  it.effect("brings back a reply, an error of the handler, or a refusal", () =>
    Effect.gen(function* () {
      const { a, b } = yield* pairOf()
      const ask = (message: string, payload: unknown) => a.delivery.ask(envelopeTo(b.realm, payload, { message }))
      expect(yield* ask("echo", { n: 1 })).toEqual({ _tag: "Replied", value: [{ n: 1 }, a.key] })
      expect(yield* ask("fail", "no")).toEqual({ _tag: "Failed", error: "no" })
      expect(yield* ask("refuse", { _tag: "X" })).toEqual({ _tag: "Refused", error: { _tag: "X" } })
      const died = yield* Effect.flip(ask("die", null))
      expect(died).toMatchObject({ _tag: "TransportLost" })
      expect(died.message).toContain("its reply cannot travel")
      const odd = yield* Effect.flip(ask("echo", Symbol("x")))
      expect(odd._tag).toBe("EnvelopeMalformed")
      expect((yield* ask("echo", 2))._tag).toBe("Replied")
    }).pipe(quiet)
  )

  it.effect("that is given up interrupts its handler over there", () =>
    Effect.gen(function* () {
      let [running, interrupted] = [0, 0]
      const { a, b } = yield* pairOf({
        ask: () =>
          Effect.suspend(() => {
            running++
            return Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++))
          }),
        stream: () => Stream.empty,
        tell: () => Effect.void
      })
      const asking = yield* Effect.forkChild(a.delivery.ask(envelopeTo(b.realm, 1)), { startImmediately: true })
      yield* until("the handler runs", () => running === 1)
      yield* Fiber.interrupt(asking)
      yield* until("the handler is interrupted", () => interrupted === 1)
    }).pipe(quiet)
  )

  it.effect("is interrupted over there when its deadline has passed, even when its asker says nothing", () =>
    Effect.gen(function* () {
      let [running, interrupted] = [0, 0]
      const { b, hub } = yield* pairOf({
        ask: () =>
          Effect.suspend(() => {
            running++
            return Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++))
          }),
        stream: () => Stream.empty,
        tell: () => Effect.void
      })
      const asker = identityOf(60)
      const player = new Player(hub.stranger(asker.node.publicKey, b.key), asker)
      yield* player.greeted
      yield* b.mesh.grant(asker.node.publicKey, ["actors.ask"])
      player.ask(0, envelopeTo(b.realm, 1, { deadlineMs: 5_000 }))
      yield* until("the handler runs", () => running === 1)
      yield* TestClock.adjust(4_000)
      yield* settle
      expect(interrupted).toBe(0)
      yield* TestClock.adjust(2_000)
      yield* until("the handler is interrupted", () => interrupted === 1)
    }).pipe(quiet)
  )

  it.effect("fails with TransportLost when the connection breaks in the middle, and its handler is interrupted", () =>
    Effect.gen(function* () {
      let [running, interrupted] = [0, 0]
      const { a, b, hub } = yield* pairOf({
        ask: () =>
          Effect.suspend(() => {
            running++
            return Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++))
          }),
        stream: () => Stream.empty,
        tell: () => Effect.void
      })
      const asking = yield* Effect.forkChild(Effect.flip(a.delivery.ask(envelopeTo(b.realm, 1))), {
        startImmediately: true
      })
      yield* until("the handler runs", () => running === 1)
      hub.ends.at(-1)![0].breakDown("the cable")
      expect(yield* Fiber.join(asking)).toMatchObject({ _tag: "TransportLost", peer: b.key, reason: "the cable" })
      yield* until("the handler is interrupted", () => interrupted === 1)
    }).pipe(quiet)
  )

  it.effect("dials a granted peer that is not connected, once for many asks", () =>
    Effect.gen(function* () {
      const { a, b, hub } = yield* pairOf()
      hub.ends.at(-1)![0].breakDown("the cable")
      yield* settle
      const before = hub.dials
      const replies = yield* Effect.forEach([1, 2, 3, 4], (n) => a.delivery.ask(envelopeTo(b.realm, n)), {
        concurrency: "unbounded"
      })
      expect(replies.map((reply) => (reply as { value: Array<unknown> }).value[0])).toEqual([1, 2, 3, 4])
      expect(hub.dials - before).toBe(1)
    }).pipe(quiet)
  )

  it.effect("to a realm that no peer has is PeerUnreachable", () =>
    Effect.gen(function* () {
      const { a } = yield* pairOf()
      const error = yield* Effect.flip(a.delivery.ask(envelopeTo(identityOf(9).realm.publicKey, 1)))
      expect(error).toMatchObject({ _tag: "PeerUnreachable" })
      expect(error.message).toContain("peers/add")
    }).pipe(quiet)
  )

  it.effect("that arrives before an actor system takes messages waits for one", () =>
    Effect.gen(function* () {
      const hub = new Hub()
      const [a, b] = [yield* start(hub, 1), yield* start(hub, 2)]
      yield* a.mesh.add(b.key)
      yield* b.mesh.add(a.key)
      const asking = yield* Effect.forkChild(a.delivery.ask(envelopeTo(b.realm, "early")), { startImmediately: true })
      yield* settle
      expect(asking.pollUnsafe()).toBeUndefined()
      yield* b.delivery.serve(echo)
      expect(yield* Fiber.join(asking)).toMatchObject({ value: ["early", a.key] })
    }).pipe(quiet)
  )

  it.effect("is refused here when too many wait there already", () =>
    Effect.gen(function* () {
      const { a, b } = yield* pairOf()
      const many = Array.from({ length: Limits.asksInFlightMax }, () => envelopeTo(b.realm, 1, { message: "never" }))
      for (const envelope of many) yield* Effect.forkChild(a.delivery.ask(envelope), { startImmediately: true })
      const error = yield* Effect.flip(a.delivery.ask(envelopeTo(b.realm, 1)))
      expect(error).toMatchObject({ _tag: "PeerUnreachable" })
      expect(error.message).toContain("wait for it already")
    }).pipe(quiet)
  )
})

describe("tells to another node", () => {
  it.effect("arrive in order, each once, whatever their number", () =>
    Effect.gen(function* () {
      const told: Array<unknown> = []
      const { a, b } = yield* pairOf({
        ask: () => Effect.never,
        stream: () => Stream.empty,
        tell: ({ payload }) => Effect.sync(() => told.push(payload))
      })
      for (let i = 0; i < 3_000; i++) yield* a.delivery.tell(envelopeTo(b.realm, i, { kind: "tell" }))
      yield* until("all arrived", () => told.length >= 3_000)
      expect(told).toEqual(Array.from({ length: 3_000 }, (_, i) => i))
    }).pipe(quiet)
  )
})

describe("other protocols", () => {
  /** Keeps what arrives, and the channels that open. */
  const recorder = (name: string) => {
    const channels: Array<Channel> = []
    const messages: Array<string> = []
    const protocol: ChannelProtocol = {
      name,
      open: (channel) => {
        channels.push(channel)
        return {
          message: (bytes) => void messages.push(new TextDecoder().decode(bytes)),
          drain: () => undefined,
          closed: () => void messages.push("(closed)")
        }
      }
    }
    return { protocol, channels, messages }
  }

  it.effect(
    "open where both sides speak them, in whatever order they were registered, and end with the connection",
    () =>
      Effect.gen(function* () {
        const hub = new Hub()
        const [x, xb, y, yb] = [recorder("x/1"), recorder("x/1"), recorder("y/1"), recorder("y/1")]
        const [a, b] = [
          yield* start(hub, 1, { protocols: [recorder("only-a/1").protocol, x.protocol] }),
          yield* start(hub, 2, { protocols: [xb.protocol] })
        ]
        yield* a.mesh.add(b.key)
        yield* until("x is open on both sides", () => x.channels.length + xb.channels.length === 2)
        // Registered later, on one side first.
        yield* b.mesh.register(yb.protocol)
        yield* settle
        expect(yb.channels).toEqual([])
        yield* a.mesh.register(y.protocol)
        yield* until("y is open on both sides", () => y.channels.length + yb.channels.length === 2)
        const send = (recorder: { channels: Array<Channel> }, text: string) =>
          recorder.channels[0]!.send(new TextEncoder().encode(text))
        send(x, "from a")
        send(yb, "from b")
        send(y, "y from a")
        yield* until("they arrive", () => xb.messages.length + y.messages.length + yb.messages.length === 3)
        expect([xb.messages, y.messages, yb.messages]).toEqual([["from a"], ["from b"], ["y from a"]])
        x.channels[0]!.close("it lies")
        yield* until("all are closed", () => [x, xb, y, yb].every(({ messages }) => messages.at(-1) === "(closed)"))
        expect((yield* a.mesh.status).problems.at(-1)!.problem.message).toContain("it lies")
      }).pipe(quiet)
  )

  it.effect("do not hold up asks, however much they send", () =>
    Effect.gen(function* () {
      const hub = new Hub()
      const [bulk, far] = [recorder("bulk/1"), recorder("bulk/1")]
      const [a, b] = [
        yield* start(hub, 1, { protocols: [bulk.protocol] }),
        yield* start(hub, 2, { protocols: [far.protocol] })
      ]
      yield* b.delivery.serve(echo)
      // A transport that takes everything at once: only the channel's own credit holds it back.
      hub.connect(a.key, b.key, { creditBytes: 2 ** 30 })
      yield* a.mesh.add(b.key)
      yield* b.mesh.add(a.key)
      yield* until("it is open", () => bulk.channels.length === 1)
      const chunk = new Uint8Array(64 * 1024)
      for (let i = 0; i < 400; i++) bulk.channels[0]!.send(chunk)
      let arrivedBefore = -1
      yield* a.delivery.ask(envelopeTo(b.realm, "urgent"))
      arrivedBefore = far.messages.length
      yield* until("all arrived", () => far.messages.length === 400)
      // Not more than what one channel may have on its way, there and back.
      expect(arrivedBefore).toBeLessThan((2.5 * Limits.channelCreditBytes) / chunk.length)
    }).pipe(quiet)
  )
})
