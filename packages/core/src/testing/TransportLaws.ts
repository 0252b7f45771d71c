/**
 * What every Transport does. Run each law with a world of its own, on the live clock. A world starts nodes that can reach
 * each other and nobody else.
 */
import { Cause, Context, Deferred, Effect, Exit, Fiber, Queue, type Scope, Stream } from "effect"
import { decodePublicKey, generate, type KeyPair, type PublicKey } from "../Identity.ts"
import { connectionCreditBytes, frameBytesMax, pieceBytesMax } from "../Limits.ts"
import { type Connection, type Transport, TransportLost } from "../Transport.ts"
import { type Law, LawBroken, same } from "./Law.ts"

export interface Node {
  readonly transport: Transport["Service"]
  /** Ends what carries the node's bytes as SIGKILL would, so that nobody is told. */
  readonly kill: Effect.Effect<void, unknown>
}

export interface NodeOptions {
  /** Whether it is not told of any other node. */
  readonly alone?: boolean
  /** Whether it takes a silent peer for lost sooner than a transport should on a busy machine, for those who wait for it. */
  readonly impatient?: boolean
}

export class World extends Context.Service<
  World,
  {
    /** A node with this key, for as long as the scope is open. */
    readonly start: (keyPair: KeyPair, options?: NodeOptions) => Effect.Effect<Node, unknown, Scope.Scope>
  }
>()("@continuum/core/testing/World") {}

const law = (
  name: string,
  check: (world: World["Service"]) => Effect.Effect<void, unknown, Scope.Scope>
): Law<World> => ({ name, check: Effect.scoped(Effect.flatMap(World, check)) })

/** Nothing takes longer than this in a world without faults, on a busy machine. */
const patienceMs = 30_000

/** Fails with what was waited for when that takes too long. */
const within = <A, E, R>(what: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | LawBroken, R> =>
  Effect.timeoutOrElse(effect, {
    duration: patienceMs,
    orElse: () => Effect.fail(new LawBroken({ expectation: what, found: `nothing within ${patienceMs} ms` }))
  })

interface Player extends Node {
  readonly key: PublicKey
  /** Connections that the node got. */
  readonly connections: Queue.Dequeue<Connection>
}

const player = (world: World["Service"], options: NodeOptions = {}): Effect.Effect<Player, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const { node } = yield* generate
    const started = yield* world.start(node, options)
    const isReady = Effect.map(started.transport.status, ({ state }) => state === "ready")
    yield* within("the node to get ready", Effect.repeat(Effect.delay(isReady, 5), { until: (ready) => ready }))
    const connections = yield* Queue.unbounded<Connection>()
    yield* Effect.forkScoped(Stream.runForEach(started.transport.connections, (one) => Queue.offer(connections, one)))
    return { ...started, key: node.publicKey, connections }
  })

/** What happens on a connection, for a law to wait for. */
interface Heard {
  readonly messages: Queue.Dequeue<Uint8Array>
  readonly drains: Queue.Dequeue<true>
  readonly closed: Effect.Effect<TransportLost | undefined>
}

const hear = (connection: Connection): Effect.Effect<Heard> =>
  Effect.gen(function* () {
    const messages = yield* Queue.unbounded<Uint8Array>()
    const drains = yield* Queue.unbounded<true>()
    const closed = yield* Deferred.make<TransportLost | undefined>()
    connection.listen({
      message: (bytes) => Queue.offerUnsafe(messages, bytes.slice()),
      drain: () => Queue.offerUnsafe(drains, true),
      closed: (reason) => Deferred.doneUnsafe(closed, Exit.succeed(reason))
    })
    return { messages, drains, closed: Deferred.await(closed) }
  })

const next = <A>(what: string, queue: Queue.Dequeue<A>) => within(what, Queue.take(queue))

/** Two nodes and the connection that the first dialled. */
const pair = (world: World["Service"], options: NodeOptions = {}) =>
  Effect.gen(function* () {
    const [a, b] = yield* Effect.all([player(world, options), player(world, options)], { concurrency: 2 })
    yield* within("a dial to succeed", a.transport.dial(b.key))
    const ab = yield* next("the dialled connection", a.connections)
    const ba = yield* next("the accepted connection", b.connections)
    return { a, b, ab, ba }
  })

/** Bytes that tell their place, so that a shift or a swap shows. */
const pattern = (length: number, seed: number): Uint8Array => {
  const bytes = new Uint8Array(length)
  let state = seed + 1
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    bytes[i] = state >>> 16
  }
  return bytes
}

/** Bytes whose own `slice` copies nothing, like those of Node's Buffer. */
class Sliced extends Uint8Array {
  override slice(start?: number, end?: number): Sliced {
    return this.subarray(start, end) as Sliced
  }
}

/** Sends until the connection asks to wait, and says how many bytes it took. */
const sendUntilFull = (connection: Connection, message: Uint8Array, bytesMax: number): number => {
  let sent = 0
  while (sent < bytesMax) {
    sent += message.length
    if (!connection.send(message)) return sent
  }
  return sent
}

export const laws: ReadonlyArray<Law<World>> = [
  law("a dial makes one connection, which both sides see alike", (world) =>
    Effect.gen(function* () {
      const { a, ab, b, ba } = yield* pair(world)
      yield* same("the keys", [ab.peer, ba.peer], [b.key, a.key])
      yield* same("who dialled", [ab.initiator, ba.initiator], [true, false])
      yield* same("the handshake hashes", ab.handshakeHash, ba.handshakeHash)
      yield* same("a hash of 32 bytes or more", ab.handshakeHash.length >= 32, true)
      yield* within("a second dial to do nothing", a.transport.dial(b.key))
      yield* within("a dial from the other side to do nothing", b.transport.dial(a.key))
      yield* same("connections", [Queue.sizeUnsafe(a.connections), Queue.sizeUnsafe(b.connections)], [0, 0])
      const status = yield* a.transport.status
      yield* same("the status", [status.state, status.connections, status.restarts], ["ready", 1, 0])
      yield* same("an address", /^[\d.]+:\d+$/.test(status.listening ?? ""), true)
    })
  ),
  law("no two connections have the same handshake hash", (world) =>
    Effect.gen(function* () {
      const [a, b, c] = yield* Effect.all([player(world), player(world), player(world)], { concurrency: 3 })
      yield* within("two dials", Effect.all([a.transport.dial(b.key), c.transport.dial(b.key)], { concurrency: 2 }))
      const hashes = [
        (yield* next("a's connection", a.connections)).handshakeHash,
        (yield* next("c's connection", c.connections)).handshakeHash
      ]
      yield* same("different hashes", hashes[0]!.join() !== hashes[1]!.join(), true)
    })
  ),
  law("messages of every size arrive whole and in order, both ways at once", (world) =>
    Effect.gen(function* () {
      const { ab, ba } = yield* pair(world)
      const [atA, atB] = [yield* hear(ab), yield* hear(ba)]
      const sizes = [
        0,
        1,
        64,
        0,
        16_379,
        pieceBytesMax - 4,
        pieceBytesMax,
        pieceBytesMax + 1,
        300_000,
        5,
        1_500_000,
        0,
        3
      ]
      const exchange = (from: Connection, to: Heard, seed: number) =>
        Effect.gen(function* () {
          for (const [at, size] of sizes.entries()) from.send(pattern(size, at + seed))
          for (const [at, size] of sizes.entries()) {
            yield* same(`message ${at}`, yield* next(`message ${at}`, to.messages), pattern(size, at + seed))
          }
        })
      yield* Effect.all([exchange(ab, atB, 0), exchange(ba, atA, 100)], { concurrency: 2 })
    })
  ),
  law("a thousand small messages of one turn arrive whole and in order", (world) =>
    Effect.gen(function* () {
      const { ab, ba } = yield* pair(world)
      const atB = yield* hear(ba)
      for (let at = 0; at < 1_000; at++) ab.send(pattern(at % 97, at))
      for (let at = 0; at < 1_000; at++) {
        yield* same(`message ${at}`, yield* next(`message ${at}`, atB.messages), pattern(at % 97, at))
      }
    })
  ),
  law("bytes may change once they were sent", (world) =>
    Effect.gen(function* () {
      const { ab, ba } = yield* pair(world)
      const atB = yield* hear(ba)
      for (const size of [100, 2 * connectionCreditBytes]) {
        const bytes = Sliced.from(pattern(size, size))
        ab.send(bytes)
        bytes.fill(0)
        yield* same("the message", yield* next("the message", atB.messages), pattern(size, size))
      }
    })
  ),
  law("a message of the largest size arrives, and one byte more is a defect", (world) =>
    Effect.gen(function* () {
      const { ab, ba } = yield* pair(world)
      const atB = yield* hear(ba)
      const largest = pattern(frameBytesMax, 1)
      ab.send(largest)
      const arrived = yield* next("the message", atB.messages)
      yield* same("its bytes", [arrived.length, equalBytes(arrived, largest)], [frameBytesMax, true])
      const exit = yield* Effect.exit(Effect.sync(() => ab.send(new Uint8Array(frameBytesMax + 1))))
      yield* same("a defect", Exit.isFailure(exit) && Cause.hasDies(exit.cause), true)
      ab.send(pattern(3, 3))
      yield* same("the next message", yield* next("the next message", atB.messages), pattern(3, 3))
    })
  ),
  law("nothing is delivered before there is a listener, and then all of it", (world) =>
    Effect.gen(function* () {
      const { ab, ba } = yield* pair(world)
      const echo = yield* hear(ab)
      for (let at = 0; at < 10; at++) ab.send(pattern(1_000, at))
      yield* Effect.sleep(100)
      let inside = true
      const messages: Array<Uint8Array> = []
      const done = yield* Deferred.make<void>()
      ba.listen({
        message: (bytes) => {
          if (inside) messages.push(new Uint8Array(0))
          messages.push(bytes.slice())
          if (messages.length === 10) Deferred.doneUnsafe(done, Exit.void)
        },
        drain: () => {},
        closed: () => {}
      })
      inside = false
      yield* within("ten messages", Deferred.await(done))
      yield* same(
        "the messages",
        messages,
        Array.from({ length: 10 }, (_, at) => pattern(1_000, at))
      )
      yield* same("nothing else", Queue.sizeUnsafe(echo.messages), 0)
    })
  ),
  law("a reader that waits makes the sender wait, and loses nothing", (world) =>
    Effect.gen(function* () {
      const { ab, ba } = yield* pair(world)
      const [atA, atB] = [yield* hear(ab), yield* hear(ba)]
      ba.pause()
      const message = pattern(10_000, 7)
      const sent = sendUntilFull(ab, message, 10 * connectionCreditBytes)
      yield* same("to wait after about the credit", sent <= connectionCreditBytes + message.length, true)
      yield* Effect.sleep(200)
      yield* same("a paused reader to get nothing", Queue.sizeUnsafe(atB.messages), 0)
      yield* same("no drain meanwhile", Queue.sizeUnsafe(atA.drains), 0)
      ba.resume()
      yield* next("the drain", atA.drains)
      yield* same("to send again", ab.send(pattern(5, 5)), true)
      for (let at = 0; at < sent / message.length; at++) {
        yield* same(`message ${at}`, yield* next(`message ${at}`, atB.messages), message)
      }
      yield* same("the last message", yield* next("the last message", atB.messages), pattern(5, 5))
    })
  ),
  law("while one side waits the other is heard", (world) =>
    Effect.gen(function* () {
      const { ab, ba } = yield* pair(world)
      const atA = yield* hear(ab)
      yield* hear(ba)
      ba.pause()
      sendUntilFull(ab, pattern(10_000, 7), 10 * connectionCreditBytes)
      for (let at = 0; at < 40; at++) ba.send(pattern(100_000, at))
      for (let at = 0; at < 40; at++) {
        yield* same(`message ${at}`, yield* next(`message ${at}`, atA.messages), pattern(100_000, at))
      }
    })
  ),
  law("a peer that never reads costs a bounded amount of memory, and then its connection", (world) =>
    Effect.gen(function* () {
      const { ab, b, ba } = yield* pair(world)
      const atA = yield* hear(ab)
      const message = new Uint8Array(1_000_000)
      let taken = 0
      while (taken < 1_000 && (yield* Effect.sync(() => ab.send(message) || taken < 30))) taken++
      yield* same("to refuse within 40 MB", taken <= 40, true)
      for (let more = 0; more < 20; more++) ab.send(message)
      const lost = yield* within("the loss", atA.closed)
      yield* same("the reason", [lost?._tag, lost?.peer], ["TransportLost", b.key])
      yield* same("a closed connection to take nothing", ab.send(new Uint8Array(1)), false)
      const atB = yield* hear(ba)
      yield* within("the peer to see it", atB.closed)
    })
  ),
  law("what was sent before close arrives, then both sides see the end", (world) =>
    Effect.gen(function* () {
      const { a, ab, ba } = yield* pair(world)
      const [atA, atB] = [yield* hear(ab), yield* hear(ba)]
      ab.send(pattern(3 * connectionCreditBytes, 1))
      ab.send(pattern(10, 2))
      ab.close()
      yield* same("a closed connection to take nothing", ab.send(new Uint8Array(1)), false)
      yield* same("the first message", yield* next("a message", atB.messages), pattern(3 * connectionCreditBytes, 1))
      yield* same("the second message", yield* next("a message", atB.messages), pattern(10, 2))
      const lost = yield* within("the peer to see the end", atB.closed)
      yield* same("its reason", [lost?._tag, lost?.peer], ["TransportLost", a.key])
      yield* same("our reason", yield* within("our end", atA.closed), undefined)
      yield* same("no connection", (yield* a.transport.status).connections, 0)
    })
  ),
  law("a closed connection is over soon even when the peer does not read", (world) =>
    Effect.gen(function* () {
      const { ab, ba } = yield* pair(world)
      const atA = yield* hear(ab)
      ba.pause()
      ab.send(new Uint8Array(3 * connectionCreditBytes))
      ab.close()
      yield* same("our reason", yield* within("our end", atA.closed), undefined)
      const atB = yield* hear(ba)
      ba.resume()
      yield* within("the peer's end", atB.closed)
    })
  ),
  law("two nodes that dial each other at once keep one and the same connection", (world) =>
    Effect.gen(function* () {
      const [a, b] = yield* Effect.all([player(world), player(world)], { concurrency: 2 })
      const dials = Effect.all([a.transport.dial(b.key), b.transport.dial(a.key)], { concurrency: 2 })
      yield* within("both dials", dials)
      /** The connection that is left when the others have ended. */
      const settled = (one: Player) =>
        Effect.gen(function* () {
          let last = yield* next("a connection", one.connections)
          while (true) {
            const heard = yield* hear(last)
            const newer = yield* Effect.race(
              Effect.timeoutOption(Queue.take(one.connections), 1_000),
              Effect.andThen(heard.closed, Effect.asSome(next("the connection instead", one.connections)))
            )
            if (newer._tag === "None") return { connection: last, heard }
            last = newer.value
          }
        })
      const [left, right] = yield* Effect.all([settled(a), settled(b)], { concurrency: 2 })
      yield* same("the hashes", left.connection.handshakeHash, right.connection.handshakeHash)
      left.connection.send(pattern(9, 9))
      yield* same("a message", yield* next("a message", right.heard.messages), pattern(9, 9))
      yield* same(
        "connections",
        [(yield* a.transport.status).connections, (yield* b.transport.status).connections],
        [1, 1]
      )
    })
  ),
  law("a key that nobody has cannot be dialled, nor can one's own", (world) =>
    Effect.gen(function* () {
      const a = yield* player(world)
      const nobody = (yield* generate).node.publicKey
      const error = yield* Effect.flip(within("an answer", a.transport.dial(nobody)))
      yield* same("the error", [error._tag, "peer" in error && error.peer], ["PeerUnreachable", nobody])
      const own = yield* Effect.flip(a.transport.dial(a.key))
      yield* same("the error", [own._tag, own.peer], ["PeerUnreachable", a.key])
    })
  ),
  law("a kept peer is dialled again when the connection is lost, until the scope ends", (world) =>
    Effect.gen(function* () {
      const [a, b] = yield* Effect.all([player(world), player(world)], { concurrency: 2 })
      const keeping = yield* Effect.forkChild(Effect.scoped(Effect.andThen(a.transport.keep(b.key), Effect.never)))
      for (let round = 0; round < 2; round++) {
        yield* hear(yield* next("a connection", a.connections))
        const accepted = yield* next("the accepted connection", b.connections)
        const heard = yield* hear(accepted)
        accepted.close()
        yield* within("its end", heard.closed)
      }
      yield* hear(yield* next("a connection", a.connections))
      const last = yield* next("the accepted connection", b.connections)
      yield* Fiber.interrupt(keeping)
      const heard = yield* hear(last)
      last.close()
      yield* within("its end", heard.closed)
      yield* Effect.sleep(1_500)
      yield* same("no further connection", Queue.sizeUnsafe(a.connections), 0)
    })
  ),
  law("nodes that join a topic find each other, and nobody else", (world) =>
    Effect.gen(function* () {
      const [a, b, c] = yield* Effect.all([player(world), player(world), player(world)], { concurrency: 3 })
      // Topics that only this run knows: worlds may share a DHT.
      const topic = decodePublicKey(a.key)
      yield* Effect.all([a.transport.join(topic), b.transport.join(topic), c.transport.join(decodePublicKey(c.key))])
      yield* same("b", (yield* next("a connection", a.connections)).peer, b.key)
      yield* same("a", (yield* next("a connection", b.connections)).peer, a.key)
      yield* Effect.sleep(200)
      yield* same("c", Queue.sizeUnsafe(c.connections), 0)
    })
  ),
  law("nodes that know nobody meet when one contacts the other's address: by key, and by topic", (world) =>
    Effect.gen(function* () {
      const [a, b, c] = yield* Effect.all(
        Array.from({ length: 3 }, () => player(world, { alone: true })),
        { concurrency: 3 }
      )
      const address = (yield* a!.transport.status).listening!
      const alone = yield* Effect.flip(within("an answer", b!.transport.dial(a!.key)))
      yield* same("the error", alone._tag, "PeerUnreachable")
      yield* same("the address", yield* within("an answer", b!.transport.contact(address)), address)
      yield* within("a dial to succeed", b!.transport.dial(a!.key))
      yield* same("a", (yield* next("a connection", b!.connections)).peer, a!.key)
      yield* same("b", (yield* next("a connection", a!.connections)).peer, b!.key)
      const topic = pattern(32, 3)
      yield* Effect.all([a!.transport.join(topic), c!.transport.join(topic)])
      yield* within("a contact", c!.transport.contact(address))
      yield* same("a", (yield* next("a connection", c!.connections)).peer, a!.key)
      yield* same("c", (yield* next("a connection", a!.connections)).peer, c!.key)
    })
  ),
  law("a peer is dialled and kept through its address, which need not have been contacted before", (world) =>
    Effect.gen(function* () {
      const [a, b, c] = yield* Effect.all(
        Array.from({ length: 3 }, () => player(world, { alone: true })),
        { concurrency: 3 }
      )
      const address = (yield* a!.transport.status).listening
      yield* within("a dial to succeed", b!.transport.dial(a!.key, address))
      yield* same("a", (yield* next("a connection", b!.connections)).peer, a!.key)
      yield* c!.transport.keep(a!.key, () => address)
      yield* same("a", (yield* next("a connection", c!.connections)).peer, a!.key)
    })
  ),
  law("an address where no node answers, or that is none, cannot be contacted", (world) =>
    Effect.gen(function* () {
      const a = yield* player(world)
      for (const address of ["127.0.0.1:9", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", ":1", "a b:1", "::1:1"]) {
        const error = yield* Effect.flip(within("an answer", a.transport.contact(address)))
        yield* same("the error", [error._tag, "peer" in error && error.peer], ["PeerUnreachable", address])
      }
    })
  ),
  law("a topic has 32 bytes, and another length is a defect", (world) =>
    Effect.gen(function* () {
      const a = yield* player(world)
      for (const length of [0, 31, 33]) {
        const exit = yield* Effect.exit(Effect.scoped(a.transport.join(new Uint8Array(length))))
        yield* same("a defect", Exit.isFailure(exit) && Cause.hasDies(exit.cause), true)
      }
    })
  ),
  law("a peer that is killed without a word is noticed", (world) =>
    Effect.gen(function* () {
      const { ab, b } = yield* pair(world, { impatient: true })
      const atA = yield* hear(ab)
      yield* b.kill
      const lost = yield* within("the loss", atA.closed)
      yield* same("the reason", [lost?._tag, lost?.peer], ["TransportLost", b.key])
    })
  ),
  law("connections end when the node stops, and its peers see it", (world) =>
    Effect.gen(function* () {
      const a = yield* player(world)
      const heard = yield* Effect.scoped(
        Effect.gen(function* () {
          const b = yield* player(world)
          yield* within("a dial", b.transport.dial(a.key))
          yield* next("a connection", b.connections)
          return yield* hear(yield* next("a connection", a.connections))
        })
      )
      const lost = yield* within("the end", heard.closed)
      yield* same("the reason", lost?._tag, "TransportLost")
    })
  )
]

const equalBytes = (a: Uint8Array, b: Uint8Array) => a.length === b.length && a.every((byte, at) => byte === b[at])
