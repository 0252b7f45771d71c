/**
 * What is below a transport of ours: something that finds peers and moves bytes, and may die and come back; and the
 * transport made of it. Hyperswarm in this process, Hyperswarm in a sidecar and the network in memory are such swarms.
 *
 * A swarm forgets everything when it dies. Whoever made the transport need not care: joins and dials are asked for again,
 * connections fail with `TransportLost`.
 */
import { type Cause, Clock, Deferred, Effect, Exit, Queue, Random, type Scope, Stream } from "effect"
import { decodePublicKey as decode, encodePublicKey, type KeyPair, type PublicKey } from "./Identity.ts"
import * as Limits from "./Limits.ts"
import { MessageStream } from "./MessageStream.ts"
import { postponed } from "./PostponedEvents.ts"
import { type Connection, PeerUnreachable, type Transport, type TransportStatus } from "./Transport.ts"
import { Waiters } from "./Waiters.ts"

/** What can be asked of a swarm. All of it returns at once; what comes of it is told to `SwarmEvents`. */
export interface Swarm {
  readonly join: (topic: Uint8Array) => void
  readonly leave: (topic: Uint8Array) => void
  /**
   * Tries once. Ends in `opened` or `dialFailed`. `address`, `host:port` in numbers, is where the peer may be: it is asked there, and
   * need not be found.
   */
  readonly dial: (peer: Uint8Array, address?: string) => void
  /** Gives up a dial that has not ended. */
  readonly hangUp: (peer: Uint8Array) => void
  /** Learns to know the node at `host:port`. Ends in `contacted` or `contactFailed`. */
  readonly contact: (address: string) => void
  readonly write: (id: number, bytes: Uint8Array) => void
  readonly end: (id: number) => void
  readonly destroy: (id: number) => void
}

export interface Opened {
  /** Names the stream of bytes; not used again before `closed`. */
  readonly id: number
  /** 32 bytes, verified. */
  readonly peer: Uint8Array
  readonly initiator: boolean
  readonly remoteAddress: string
  readonly handshakeHash: Uint8Array
}

/** What a swarm tells. Never called inside one of its own functions. */
export interface SwarmEvents {
  /** It has a UDP address, `host:port`. */
  readonly bound: (listening: string) => void
  /** It can be found by others, and dials. */
  readonly ready: () => void
  /** It is gone, with its connections, and is being started again. */
  readonly down: (problem: string) => void
  readonly opened: (opened: Opened) => void
  /** The bytes may be overwritten afterwards. */
  readonly received: (id: number, bytes: Uint8Array) => void
  readonly closed: (id: number, reason: string) => void
  readonly dialFailed: (peer: Uint8Array, reason: string) => void
  /** The node at the address answered; `found` is the address in numbers. */
  readonly contacted: (address: string, found: string) => void
  readonly contactFailed: (address: string, reason: string) => void
}

export interface Options {
  readonly kind: string
  readonly keyPair: KeyPair
  readonly bootstrap: ReadonlyArray<string>
}

/** The transport of a swarm, which `start` starts for as long as the scope is open. */
export const transport = <E, R>(
  options: Options,
  start: (events: SwarmEvents) => Effect.Effect<Swarm, E, R>
): Effect.Effect<Transport["Service"], E, R | Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const runFork = Effect.runForkWith(yield* Effect.context<never>())
    const clock = yield* Clock.Clock
    const stopped = yield* Deferred.make<void>()
    const self = options.keyPair.publicKey
    const taken = yield* Queue.unbounded<Connection, Cause.Done>()
    const streams = new Map<number, MessageStream>()
    const ids = new Map<PublicKey, number>()
    const topics = new Map<string, { readonly topic: Uint8Array; count: number }>()
    const dials = new Waiters<PublicKey, void, PeerUnreachable>()
    const contacts = new Waiters<string, string, PeerUnreachable>()
    const partings = new Waiters<PublicKey, void, never>()
    let listening: string | undefined
    let state: TransportStatus["state"] = "starting"
    let restarts = 0
    let lastRestart: TransportStatus["lastRestart"]
    let problem: string | undefined

    const closed = (id: number, reason: string) => {
      const stream = streams.get(id)
      if (stream === undefined) return
      streams.delete(id)
      if (ids.get(stream.peer) === id) ids.delete(stream.peer)
      stream.ended(reason)
      partings.settle(stream.peer, Exit.void)
    }

    const events: SwarmEvents = {
      bound: (address) => {
        listening = address
      },
      ready: () => {
        state = "ready"
        problem = undefined
        for (const { topic } of topics.values()) swarm.join(topic)
        for (const peer of dials.names()) swarm.dial(decode(peer))
        for (const address of contacts.names()) swarm.contact(address)
      },
      down: (reason) => {
        if (state === "ready") {
          restarts++
          lastRestart = { reason, timeMs: clock.currentTimeMillisUnsafe() }
        }
        state = "starting"
        listening = undefined
        problem = reason
        for (const id of streams.keys()) closed(id, reason)
      },
      opened: ({ handshakeHash, id, initiator, peer, remoteAddress }) => {
        const key = encodePublicKey(peer)
        const before = ids.get(key)
        if (before !== undefined) {
          swarm.destroy(before)
          closed(before, "a newer connection of the same peer took its place")
        }
        const stream: MessageStream = new MessageStream(
          { peer: key, initiator, remoteAddress, handshakeHash },
          {
            write: (bytes) => swarm.write(id, bytes),
            end: () => swarm.end(id),
            destroy: () => {
              swarm.destroy(id)
              closed(id, "it was closed here")
            },
            closing: () => {
              const abandon = Effect.sync(() => {
                if (streams.get(id) !== stream) return
                swarm.destroy(id)
                closed(id, "it was closed here")
              })
              runFork(Effect.forkIn(Effect.andThen(Effect.sleep(Limits.closeTimeoutMs), abandon), scope))
            }
          }
        )
        streams.set(id, stream)
        ids.set(key, id)
        Queue.offerUnsafe(taken, stream)
        dials.settle(key, Exit.void)
      },
      received: (id, bytes) => streams.get(id)?.received(bytes),
      closed,
      dialFailed: (peer, reason) => {
        const key = encodePublicKey(peer)
        dials.settle(key, ids.has(key) ? Exit.void : Exit.fail(new PeerUnreachable({ peer: key, reason })))
      },
      contacted: (address, found) => contacts.settle(address, Exit.succeed(found)),
      contactFailed: (address, reason) =>
        contacts.settle(address, Exit.fail(new PeerUnreachable({ peer: address, reason })))
    }
    const early = postponed(events)
    const swarm = yield* start(early.events)
    early.deliver()
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        for (const id of streams.keys()) closed(id, "this node stops")
        Queue.endUnsafe(taken)
        Deferred.doneUnsafe(stopped, Exit.void)
      })
    )

    const dialOnce = (peer: PublicKey, address?: string): Effect.Effect<void, PeerUnreachable> =>
      Effect.suspend(() => {
        const dial = () => {
          if (state === "ready") swarm.dial(decode(peer), address)
        }
        return ids.has(peer) ? Effect.void : dials.wait(peer, dial, () => swarm.hangUp(decode(peer)))
      }).pipe(
        Effect.timeoutOrElse({
          duration: Limits.dialTimeoutMs,
          orElse: () =>
            Effect.fail(
              new PeerUnreachable({
                peer,
                reason: problem ?? `it did not answer within ${Limits.dialTimeoutMs / 1_000} s`
              })
            )
        })
      )
    const contact = (address: string): Effect.Effect<string, PeerUnreachable> => {
      const unreachable = (reason: string) => Effect.fail(new PeerUnreachable({ peer: address, reason }))
      if (!isAddress(address)) return unreachable("it is no host:port, such as 127.0.0.1:3000")
      const ask = () => {
        if (state === "ready") swarm.contact(address)
      }
      return contacts.wait(address, ask).pipe(
        Effect.timeoutOrElse({
          duration: Limits.contactTimeoutMs,
          orElse: () => unreachable(problem ?? nobodyThere)
        })
      )
    }
    /** Dials once the address was contacted, or was found to be no help. */
    const dialAt = (peer: PublicKey, address: string | undefined) =>
      Effect.suspend(() =>
        address === undefined || address === "" || ids.has(peer)
          ? dialOnce(peer)
          : Effect.matchEffect(contact(address), {
              onFailure: () => dialOnce(peer),
              onSuccess: (found) => dialOnce(peer, found)
            })
      )
    const parted = (peer: PublicKey): Effect.Effect<void> =>
      Effect.suspend(() => (ids.has(peer) ? partings.wait(peer, () => {}) : Effect.void))
    const keepDialling = (peer: PublicKey, address: () => string | undefined): Effect.Effect<never> =>
      Effect.gen(function* () {
        let pauseMs = Limits.redialPauseMsMin
        while (true) {
          const connected = yield* Effect.exit(dialAt(peer, address()))
          const since = yield* Clock.currentTimeMillis
          if (Exit.isSuccess(connected)) yield* parted(peer)
          // One that held for a while is worth a quick dial; one that breaks at once is not.
          const held = Exit.isSuccess(connected) && (yield* Clock.currentTimeMillis) - since >= pauseMs
          pauseMs = held ? Limits.redialPauseMsMin : Math.min(2 * pauseMs, Limits.redialPauseMsMax)
          yield* Effect.sleep(Math.ceil(pauseMs * (yield* Random.nextBetween(0.5, 1))))
        }
      })

    return {
      publicKey: self,
      connections: Stream.fromQueue(taken),
      dial: (peer, address) =>
        peer === self ? Effect.fail(new PeerUnreachable({ peer, reason: "it is this node" })) : dialAt(peer, address),
      keep: (peer, address = () => undefined) =>
        peer === self
          ? Effect.void
          : Effect.asVoid(Effect.forkScoped(Effect.raceFirst(keepDialling(peer, address), Deferred.await(stopped)))),
      contact,
      join: (topic) =>
        Effect.suspend(() => {
          if (topic.length !== topicBytes) throw new RangeError(`A topic has ${topicBytes} bytes, not ${topic.length}`)
          const name = topic.join()
          const joined = topics.get(name) ?? { topic: topic.slice(), count: 0 }
          return Effect.acquireRelease(
            Effect.sync(() => {
              topics.set(name, joined)
              if (++joined.count === 1 && state === "ready") swarm.join(joined.topic)
            }),
            () =>
              Effect.sync(() => {
                if (--joined.count > 0) return
                topics.delete(name)
                if (state === "ready") swarm.leave(joined.topic)
              })
          )
        }),
      status: Effect.sync(() => ({
        kind: options.kind,
        state,
        listening,
        bootstrap: options.bootstrap,
        connections: streams.size,
        restarts,
        lastRestart,
        problem
      }))
    }
  })

const topicBytes = 32
const nobodyThere = "no node answers there; is it running, and is this its UDP port?"

/** A name or an IPv4 address, and a port. */
const isAddress = (text: string): boolean => {
  const port = Number(/^[\w.-]{1,255}:(\d{1,5})$/.exec(text)?.[1] ?? 0)
  return port >= 1 && port <= 65_535
}
