import * as Codec from "@continuum/core/Codec"
import * as EnvelopeWire from "@continuum/core/EnvelopeWire"
import { frameBytesMax } from "@continuum/core/Limits"
import * as Limits from "@continuum/mesh/Limits"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber, Logger, References, Stream } from "effect"
import { TestClock } from "effect/testing"
import { echo, envelopeTo } from "./support/Echo.ts"
import { Hub, identityOf, start } from "./support/Hub.ts"
import { Player, settle, until } from "./support/Player.ts"

const quiet = Effect.provideService(References.MinimumLogLevel, "None")

/** A node with a friend that it is connected with, and a way for strangers to connect. */
const nodeWithFriend = Effect.gen(function* () {
  const hub = new Hub()
  const [node, friend] = [yield* start(hub, 1), yield* start(hub, 2)]
  yield* node.delivery.serve(echo)
  yield* friend.mesh.add(node.key)
  yield* node.mesh.add(friend.key)
  const stranger = (seed: number) =>
    new Player(hub.stranger(identityOf(seed).node.publicKey, node.key), identityOf(seed))
  /** The friend is served as ever. */
  const friendIsServed = Effect.gen(function* () {
    expect(yield* friend.delivery.ask(envelopeTo(node.realm, "still"))).toEqual({
      _tag: "Replied",
      value: ["still", friend.key]
    })
  })
  return { hub, node, friend, stranger, friendIsServed }
})

/** A seeded generator (mulberry32), so that a failure can be repeated. */
const random = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}

describe("a peer that does not greet as it should loses its connection, with the reason, and nobody else does:", () => {
  const cases: ReadonlyArray<readonly [what: string, send: (player: Player) => void, tag: string, message: string]> = [
    [
      "a greeting of another version",
      (p) => p.send([0, 0, 9, ...p.greeting().subarray(3)]),
      "VersionUnsupported",
      "version 9"
    ],
    [
      "another network",
      (p) => p.send(p.greeting({ networkId: new Uint8Array(32) })),
      "NetworkDiffers",
      "another network"
    ],
    [
      "a realm whose key it does not hold",
      (p) => {
        const frame = p.greeting()
        const wire = Codec.decodeUnsafe(frame.subarray(3)) as object
        const stolen = { ...wire, realm: identityOf(2).realm.publicKey }
        p.send([0, 0, 1, ...Codec.encode(stolen)])
      },
      "HandshakeMalformed",
      "does not hold the key of its realm"
    ],
    ["a greeting cut short", (p) => p.send(p.greeting().subarray(0, 60)), "HandshakeMalformed", "form of version 1"],
    ["an empty greeting", (p) => p.send([0, 0]), "HandshakeMalformed", "empty"],
    ["a gigantic greeting", (p) => p.send(new Uint8Array(frameBytesMax)), "HandshakeMalformed", "greeting has"],
    ["a name with a line feed", (p) => p.send(p.greeting({ name: "a\nb" })), "HandshakeMalformed", "form of version 1"],
    [
      "more protocols than there can be",
      (p) => p.send(p.greeting({ protocols: Array.from({ length: Limits.protocolsMax + 1 }, (_, i) => `${i}`) })),
      "HandshakeMalformed",
      "form of version 1"
    ],
    ["a protocol twice", (p) => p.send(p.greeting({ protocols: ["a", "a"] })), "HandshakeMalformed", "twice"],
    ["an empty frame", (p) => p.send([]), "HandshakeMalformed", "empty frame"],
    [
      "a goodbye that would steer a terminal",
      (p) => p.send([0, 1, ...Codec.encode({ tag: "X", reason: "\u001b[2J\nfake" })]),
      "HandshakeMalformed",
      "its goodbye is malformed"
    ],
    ["an ask before the greeting", (p) => p.send([1, 0, 0, 0, 0, 0]), "HandshakeMalformed", "channel 1"],
    [
      "a heartbeat before the greeting",
      (p) => p.send([0, 3, 0, 0, 0, 0]),
      "HandshakeMalformed",
      "begin with a greeting"
    ]
  ]
  for (const [what, send, tag, message] of cases) {
    it.effect(what, () =>
      Effect.gen(function* () {
        const { friendIsServed, node, stranger } = yield* nodeWithFriend
        const player = stranger(50)
        send(player)
        yield* player.ended
        expect(player.goodbye()).toMatchObject({ tag })
        const { connected, problems } = yield* node.mesh.status
        expect(connected).toBe(1)
        expect(problems.map(({ problem }) => problem._tag)).toEqual([tag])
        expect(problems[0]!.problem.message).toContain(message)
        yield* friendIsServed
      }).pipe(quiet)
    )
  }

  it.effect("the greeting of this node, sent back to it", () =>
    Effect.gen(function* () {
      const { node, stranger } = yield* nodeWithFriend
      const player = stranger(50)
      yield* until("the greeting of the node", () => player.frames.length > 0)
      player.send(player.frames[0]!)
      yield* player.ended
      expect((yield* node.mesh.status).problems[0]!.problem._tag).toBe("NetworkDiffers")
    }).pipe(quiet)
  )

  it.effect("a greeting that was made for another connection", () =>
    Effect.gen(function* () {
      const { node, stranger } = yield* nodeWithFriend
      const [first, second] = [stranger(50), stranger(51)]
      second.send(first.greeting())
      yield* second.ended
      expect((yield* node.mesh.status).problems[0]!.problem._tag).toBe("NetworkDiffers")
    }).pipe(quiet)
  )

  it.effect("no greeting within 10 s; one that comes just before is taken", () =>
    Effect.gen(function* () {
      const { friendIsServed, node, stranger } = yield* nodeWithFriend
      const [silent, late] = [stranger(50), stranger(51)]
      yield* until("greetings", () => silent.frames.length > 0 && late.frames.length > 0)
      yield* TestClock.adjust(Limits.handshakeTimeoutMs - 1_500)
      yield* late.greeted
      yield* TestClock.adjust(2_500)
      yield* silent.ended
      expect([silent.closed, late.closed]).toEqual([true, false])
      expect((yield* node.mesh.status).problems.map(({ problem }) => problem.message)).toEqual([
        `${silent.identity.node.publicKey} was not let in: its greeting did not come in time`
      ])
      yield* friendIsServed
    }).pipe(quiet)
  )
})

describe("a peer that breaks the protocol later loses its connection, and nobody else does:", () => {
  const ask = (player: Player, realm: Parameters<typeof envelopeTo>[0]) =>
    envelopeTo(realm, 1, {
      from: { realm: player.identity.realm.publicKey, kind: "k", name: "n" }
    })
  const cases: ReadonlyArray<
    readonly [what: string, send: (player: Player, realm: Parameters<typeof envelopeTo>[0]) => void, message: string]
  > = [
    ["a frame of a channel that is not open", (p) => p.send([7, 1, 2, 3]), "channel 7"],
    ["a second greeting", (p) => p.greet(), "kind 0"],
    ["a control frame of a later version", (p) => p.send([0, 99]), "kind 99"],
    ["a credit that was not used", (p) => p.send([0, 2, 1, 0, 0, 0, 1]), "more credit than was used"],
    ["a credit for no channel", (p) => p.send([0, 2, 9, 0, 0, 0, 1]), "channel 9"],
    ["a cut credit", (p) => p.send([0, 2, 1]), "credit frame of 2 bytes"],
    ["an answer to a heartbeat that was not sent", (p) => p.send([0, 4, 0, 0, 1, 0]), "was not sent"],
    [
      "a heart that beats too fast",
      (p) => {
        for (let i = 0; i < 200; i++) p.send([0, 3, 0, 0, 0, i])
      },
      "beats too fast"
    ],
    [
      "an offer of the same protocol again",
      (p) => p.send([0, 5, ...new TextEncoder().encode("continuum/envelope/1")]),
      "cannot be one"
    ],
    ["an envelope frame without a number", (p) => p.send([1, 0, 0]), "frame of 2 bytes"],
    ["an envelope frame of an unknown kind", (p) => p.send([1, 42, 0, 0, 0, 1, 0xc0]), "kind 42"],
    [
      "an envelope cut short",
      (p, realm) => p.send([1, 0, 0, 0, 0, 0, ...EnvelopeWire.encode(ask(p, realm)).subarray(0, 30)]),
      "not an envelope"
    ],
    ["an envelope of another version", (p) => p.send([1, 0, 0, 0, 0, 0, ...Codec.encode({ version: 2 })]), "version"],
    ["a tell in the frame of an ask", (p, realm) => p.ask(0, { ...ask(p, realm), kind: "tell" }), "another kind"],
    [
      "a message in the name of another realm",
      (p, realm) => p.ask(0, { ...ask(p, realm), from: { realm, kind: "k", name: "n" } }),
      "another realm"
    ],
    ["a heading that was never sent", (p) => p.send([1, 13, 0, 0, 0, 0, 5, 0x92, 0, 0]), "heading 5 of kind ask"],
    [
      "a heading that is cut",
      (p, realm) => p.send([1, 12, 0, ...EnvelopeWire.encode(ask(p, realm)).subarray(0, 30)]),
      "not an envelope"
    ],
    [
      "a heading in the name of another realm",
      (p, realm) =>
        p.send([1, 12, 0, ...EnvelopeWire.encode({ ...ask(p, realm), from: { realm, kind: "k", name: "n" } })]),
      "another realm"
    ],
    ["a gigantic frame of nothing", (p) => p.send(new Uint8Array(frameBytesMax).fill(1)), "not an envelope"]
  ]
  for (const [what, send, message] of cases) {
    it.effect(what, () =>
      Effect.gen(function* () {
        const { friendIsServed, node, stranger } = yield* nodeWithFriend
        const player = stranger(50)
        yield* player.greeted
        send(player, node.realm)
        yield* player.ended
        const { problems } = yield* node.mesh.status
        expect(problems.map(({ problem }) => problem._tag)).toEqual(["PeerMisbehaved"])
        expect(problems[0]!.problem.message).toContain(message)
        yield* friendIsServed
      }).pipe(quiet)
    )
  }

  it.effect("one number for two asks, of which the first still waits", () =>
    Effect.gen(function* () {
      const { friendIsServed, node, stranger } = yield* nodeWithFriend
      const player = stranger(50)
      yield* node.mesh.grant(player.identity.node.publicKey, ["actors.ask"])
      yield* player.greeted
      // The number of an ask that was answered is free again.
      for (let i = 0; i < 2; i++) player.ask(7, ask(player, node.realm))
      yield* until("two answers", () => player.answers().length === 2)
      player.ask(7, { ...ask(player, node.realm), message: "never" })
      yield* settle
      expect(player.closed).toBe(false)
      player.ask(7, ask(player, node.realm))
      yield* player.ended
      const { problems } = yield* node.mesh.status
      expect(problems.map(({ problem }) => problem._tag)).toEqual(["PeerMisbehaved"])
      expect(problems[0]!.problem.message).toContain("it used the number 7 for two asks at once")
      expect(player.answers().length).toBe(2)
      yield* friendIsServed
    }).pipe(quiet)
  )

  it.effect("random frames, before and after the greeting, never reach more than their own connection", () =>
    Effect.gen(function* () {
      const { friendIsServed, node, stranger } = yield* nodeWithFriend
      for (let seed = 0; seed < 150; seed++) {
        const next = random(seed)
        const player = stranger(50)
        if (seed % 3 !== 0) player.greet()
        for (let i = 0; i < 20; i++) {
          const length = Math.floor(next() ** 3 * 300)
          const frame = Uint8Array.from({ length }, () => Math.floor(next() * 256))
          // Half of them for channels that exist, with kinds that exist.
          if (length > 1 && next() < 0.5) {
            frame[0] = Math.floor(next() * 2)
            frame[1] = Math.floor(next() * 8)
          }
          player.send(frame)
        }
        // Most of them: what is random may also be in order, and a tell without a grant is.
        yield* settle
        if (!player.closed) player.end.close()
      }
      yield* friendIsServed
      const { connected, problems } = yield* node.mesh.status
      expect(connected).toBe(1)
      expect(problems.length).toBeLessThanOrEqual(Limits.problemsKept)
    }).pipe(quiet)
  )
})

describe("a peer that is dead or does not read", () => {
  it.effect("is noticed after 20 s of silence, and those who wait for it are told", () =>
    Effect.gen(function* () {
      const { hub, friendIsServed, node } = yield* nodeWithFriend
      const silent = identityOf(60)
      const player = new Player(hub.stranger(silent.node.publicKey, node.key), silent)
      yield* player.greeted
      yield* settle
      expect((yield* node.directory.find("player")).rttMs).toBe(0)
      const waiting = yield* Effect.forkChild(Effect.flip(node.delivery.ask(envelopeTo(silent.realm.publicKey, 1))), {
        startImmediately: true
      })
      player.answersHeartbeats = false
      for (let i = 0; i < Limits.peerSilenceMsMax / 1_000 - 2; i++) {
        yield* TestClock.adjust(1_000)
        yield* settle
      }
      expect(player.closed).toBe(false)
      for (let i = 0; i < 5; i++) {
        yield* TestClock.adjust(1_000)
        yield* settle
      }
      yield* player.ended
      expect(yield* Fiber.join(waiting)).toMatchObject({ _tag: "TransportLost", reason: "it is silent" })
      yield* friendIsServed
    }).pipe(quiet)
  )

  it.effect("loses its connection when too much waits for it, and costs nobody else", () =>
    Effect.gen(function* () {
      const { friendIsServed, hub, node } = yield* nodeWithFriend
      const deaf = identityOf(60)
      const player = new Player(hub.stranger(deaf.node.publicKey, node.key), deaf)
      yield* player.greeted
      yield* node.mesh.grant(deaf.node.publicKey, ["actors.ask"])
      player.end.pause()
      const payload = new Uint8Array(4 * 1024 * 1024)
      for (let i = 0; i < 12; i++) player.ask(i, envelopeTo(node.realm, payload))
      yield* settle
      yield* friendIsServed
      yield* TestClock.adjust(2_000)
      yield* player.ended
      expect((yield* node.mesh.status).problems.at(-1)!.problem.message).toContain("does not read")
      yield* friendIsServed
    }).pipe(quiet)
  )

  it.effect("is told no more asks once it reads too slowly, and the asker learns it at once", () =>
    Effect.gen(function* () {
      const { hub, node } = yield* nodeWithFriend
      const deaf = identityOf(60)
      const player = new Player(hub.stranger(deaf.node.publicKey, node.key), deaf)
      yield* player.greeted
      player.end.pause()
      const payload = "x".repeat(4 * 1024 * 1024)
      const tells = Array.from({ length: 10 }, () => envelopeTo(deaf.realm.publicKey, payload, { kind: "tell" }))
      const errors: Array<unknown> = []
      for (const tell of tells)
        yield* Effect.catch(node.delivery.tell(tell), (error) => Effect.sync(() => errors.push(error)))
      expect(errors.length).toBeGreaterThan(0)
      expect(errors[0]).toMatchObject({ _tag: "PeerUnreachable" })
      expect(player.closed).toBe(false)
    }).pipe(quiet)
  )

  it.effect("is told no more of the smallest messages either, long before it would lose its connection", () =>
    Effect.gen(function* () {
      const { hub, node } = yield* nodeWithFriend
      const deaf = identityOf(60)
      const player = new Player(hub.stranger(deaf.node.publicKey, node.key), deaf)
      yield* player.greeted
      player.end.pause()
      // The same addresses each time: after the first a heading stands for them, and a frame has some ten bytes.
      const tell = node.delivery.tell(envelopeTo(deaf.realm.publicKey, 1, { kind: "tell" }))
      const refused = yield* Effect.flip(Effect.repeat(tell, { times: 300_000 }))
      expect(refused).toMatchObject({ _tag: "PeerUnreachable" })
      expect(refused.message).toContain("it reads slower than it is sent messages")
      yield* TestClock.adjust(2_000)
      yield* settle
      expect([player.closed, (yield* node.mesh.status).problems]).toEqual([false, []])
    }).pipe(quiet)
  )
})

describe("two processes with one identity", () => {
  it.effect("are named by a third node that sees them take turns; a restart is not", () =>
    Effect.gen(function* () {
      const { hub, node } = yield* nodeWithFriend
      const copied = identityOf(70)
      const connect = (instance: number) =>
        Effect.gen(function* () {
          const player = new Player(hub.stranger(copied.node.publicKey, node.key), copied)
          player.send(player.greeting({ instance: new Uint8Array(16).fill(instance) }))
          yield* until("an answer", () => player.closed || player.frames.length > 1)
          return player
        })
      yield* connect(1)
      yield* connect(2)
      yield* connect(2)
      expect((yield* node.mesh.status).problems).toEqual([])
      const second = yield* connect(1)
      expect(second.goodbye()).toMatchObject({ tag: "IdentityInUse" })
      const { problem } = (yield* node.mesh.status).problems[0]!
      expect(problem).toMatchObject({ _tag: "IdentityInUse", peer: copied.node.publicKey, own: false })
      expect(problem.message).toContain("was a data folder copied?")
      expect((yield* node.mesh.status).identityInUse).toBeUndefined()
    }).pipe(quiet)
  )

  it.effect("learn it from each other when they meet, and from a third node's goodbye", () =>
    Effect.gen(function* () {
      const { hub, node } = yield* nodeWithFriend
      const twin = new Player(hub.stranger(node.key, node.key), identityOf(1))
      twin.greet()
      yield* twin.ended
      expect((yield* node.mesh.status).identityInUse).toContain("Another process runs with this node's key")
      const other = yield* start(hub, 3)
      const third = identityOf(71)
      const saysSo = Effect.gen(function* () {
        const player = new Player(hub.stranger(third.node.publicKey, other.key), third)
        yield* player.greeted
        player.send([0, 1, ...Codec.encode({ tag: "IdentityInUse", reason: "two processes" })])
        yield* player.ended
        return (yield* other.mesh.status).identityInUse
      })
      // A stranger may say what it likes.
      expect(yield* saysSo).toBeUndefined()
      yield* other.mesh.grant(third.node.publicKey, ["actors.ask"])
      expect(yield* saysSo).toContain("two processes")
    }).pipe(quiet)
  )

  it.effect("are something else than a node that dialled itself", () =>
    Effect.gen(function* () {
      const { hub, node } = yield* nodeWithFriend
      const [near] = hub.connect(node.key, node.key)!
      yield* until("the end", () => !near.isOpen())
      const { connected, problems } = yield* node.mesh.status
      expect([connected, problems]).toEqual([1, []])
    }).pipe(quiet)
  )
})

describe("a stranger without a grant", () => {
  it.effect("is refused with NotGranted, without any effect, in one line of the log a minute", () =>
    Effect.gen(function* () {
      const lines: Array<unknown> = []
      const logger = Logger.make(({ message }) => void lines.push(message))
      yield* Effect.gen(function* () {
        const hub = new Hub()
        const [node, other] = [yield* start(hub, 1), yield* start(hub, 2)]
        let handled = 0
        const count = Effect.sync(() => handled++)
        yield* node.delivery.serve({
          ask: () => Effect.as(count, { _tag: "Replied", value: null }),
          stream: () => Stream.empty,
          tell: () => Effect.asVoid(count)
        })
        yield* other.mesh.add(node.key)
        for (let i = 0; i < 20; i++) {
          const error = yield* Effect.flip(other.delivery.ask(envelopeTo(node.realm, 1)))
          expect(error).toMatchObject({
            _tag: "NotGranted",
            peer: `node-1 (${node.key})`,
            action: "actors.ask"
          })
          yield* other.delivery.tell(envelopeTo(node.realm, 1, { kind: "tell" }))
        }
        yield* settle
        expect(handled).toBe(0)
        expect((yield* node.mesh.status).refused).toBe(40)
        expect(lines.filter((line) => JSON.stringify(line).includes("without a grant")).length).toBe(1)
        yield* TestClock.adjust(61_000)
        yield* settle
        yield* Effect.flip(other.delivery.ask(envelopeTo(node.realm, 1)))
        expect(lines.filter((line) => JSON.stringify(line).includes("without a grant")).length).toBe(2)
        yield* node.mesh.grant(other.key, ["actors.ask"])
        yield* other.delivery.ask(envelopeTo(node.realm, 1))
        expect(handled).toBe(1)
        yield* node.mesh.grant(other.key, ["content.read"])
        expect((yield* Effect.flip(other.delivery.ask(envelopeTo(node.realm, 1))))._tag).toBe("NotGranted")
      }).pipe(Effect.provide(Logger.layer([logger])))
    })
  )

  it.effect("may do just what it was granted, and is told what it lacks and by whom", () =>
    Effect.gen(function* () {
      const hub = new Hub()
      const node = yield* start(hub, 1, { actionOf: (_, message) => (message === "echo" ? "jit.run" : "actors.ask") })
      const other = yield* start(hub, 2)
      yield* node.delivery.serve(echo)
      yield* other.mesh.add(node.key)
      const ask = (message: string) => other.delivery.ask(envelopeTo(node.realm, 1, { message }))
      yield* node.mesh.grant(other.key, ["jit.run"])
      expect((yield* ask("echo"))._tag).toBe("Replied")
      const refused = yield* Effect.flip(ask("fail"))
      expect(refused).toMatchObject({ _tag: "NotGranted", peer: `node-1 (${node.key})`, action: "actors.ask" })
      expect(refused.message).toContain(`node-1 (${node.key}) does not grant this node "actors.ask"`)
      yield* node.mesh.grant(other.key, ["actors.ask", "content.read", "jit.compile"])
      expect((yield* ask("fail"))._tag).toBe("Failed")
      expect(yield* Effect.flip(ask("echo"))).toMatchObject({ _tag: "NotGranted", action: "jit.run" })
    }).pipe(quiet)
  )

  it.effect("loses its connection when it asks more often than a program that reads its errors", () =>
    Effect.gen(function* () {
      const { friendIsServed, node, stranger } = yield* nodeWithFriend
      const player = stranger(50)
      player.greet()
      for (let i = 0; i < Limits.refusalsPerMinuteMax; i++) player.tell(envelopeTo(node.realm, 1, { kind: "tell" }))
      yield* Effect.andThen(settle, settle)
      expect((yield* node.mesh.status).refused).toBe(Limits.refusalsPerMinuteMax)
      expect(player.closed).toBe(false)
      player.tell(envelopeTo(node.realm, 1, { kind: "tell" }))
      yield* player.ended
      yield* friendIsServed
    }).pipe(quiet)
  )
})
