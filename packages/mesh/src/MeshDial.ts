/**
 * How a node comes to its peers: it dials one that is needed, keeps those that hold a grant connected, and finds the key of a
 * node that is only known by the address at which it listens. Internal: users see it as `Mesh`.
 */
import type { PublicKey } from "@continuum/core/Identity"
import { dialTimeoutMs } from "@continuum/core/Limits"
import { PeerUnreachable, type Transport } from "@continuum/core/Transport"
import { Clock, Effect, Exit, Fiber, PubSub, Result, Scope } from "effect"
import * as Limits from "./Limits.ts"
import type { MeshNode, NoSession } from "./MeshNode.ts"
import type { Session } from "./Session.ts"

export class MeshDial {
  private readonly node: MeshNode
  private readonly transport: Transport["Service"]
  /** That of the mesh: dials and kept peers end with it. */
  private readonly scope: Scope.Scope
  private readonly keeping: Map<PublicKey, Scope.Closeable>
  private readonly dialling: Set<PublicKey>

  constructor(node: MeshNode, transport: Transport["Service"], scope: Scope.Scope) {
    this.node = node
    this.transport = transport
    this.scope = scope
    this.keeping = new Map()
    this.dialling = new Set()
  }

  /** Has the transport dial a granted peer whenever there is no connection to it. */
  keep(peer: PublicKey): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.keeping.has(peer)) return Effect.void
      return Effect.flatMap(Scope.fork(this.scope), (kept) => {
        this.keeping.set(peer, kept)
        return Scope.provide(
          this.transport.keep(peer, () => this.addressOf(peer)),
          kept
        )
      })
    })
  }

  /** Dials it no longer. */
  letGo(peer: PublicKey): Effect.Effect<void> {
    return Effect.suspend(() => {
      const kept = this.keeping.get(peer)
      this.keeping.delete(peer)
      return kept === undefined ? Effect.void : Scope.close(kept, Exit.void)
    })
  }

  /**
   * A session with this peer, dialling when there is none. A connection that is lost before there was a session is no answer: of two that
   * both sides dialled at once, one is closed while the other comes up.
   */
  connect(peer: PublicKey, timeoutMs: number): Effect.Effect<Session, PeerUnreachable> {
    const lost = (failure: NoSession) => failure._tag === "TransportLost"
    return this.connectAgain(peer, timeoutMs, Limits.lostPauseMsMin, lost)
  }

  /** The same again while nobody answers: a peer that has just started is not found at once. One that refuses is asked once. */
  connectPatiently(peer: PublicKey): Effect.Effect<Session, PeerUnreachable> {
    const away = ({ _tag }: NoSession) => _tag === "PeerUnreachable" || _tag === "TransportLost"
    return this.connectAgain(peer, dialTimeoutMs, Limits.addPauseMsMin, away, Limits.handshakeTimeoutMs)
  }

  /** Tries for `forMs`, with growing pauses, while it fails for a passing reason; the last try may take `extraMs` more. */
  private connectAgain(
    peer: PublicKey,
    forMs: number,
    pauseMsMin: number,
    passes: (failure: NoSession) => boolean,
    extraMs = 0
  ): Effect.Effect<Session, PeerUnreachable> {
    const connectOnce = (timeoutMs: number) => this.connectOnce(peer, timeoutMs)
    return Effect.gen(function* () {
      const untilMs = (yield* Clock.currentTimeMillis) + forMs
      for (let pauseMs = pauseMsMin; ; pauseMs = Math.min(2 * pauseMs, Limits.addPauseMsMax)) {
        const leftMs = untilMs - (yield* Clock.currentTimeMillis)
        const connected = yield* Effect.result(connectOnce(leftMs + extraMs))
        if (Result.isSuccess(connected)) return connected.success
        const { failure } = connected
        const isOver = untilMs - (yield* Clock.currentTimeMillis) <= pauseMs
        if (isOver || !passes(failure)) return yield* unreachableOf(peer)(failure)
        yield* Effect.sleep(pauseMs)
      }
    })
  }

  /** The key of the node that listens at a UDP address, which is found through it and connected. */
  keyAt(hostPort: string): Effect.Effect<PublicKey, PeerUnreachable> {
    const { node, transport } = this
    return Effect.gen(function* () {
      const known = node.peers.listeningAt(hostPort)
      if (known !== undefined) return known
      const changes = yield* PubSub.subscribe(node.changes)
      const address = yield* transport.contact(hostPort)
      while (true) {
        const key = node.peers.listeningAt(address)
        if (key !== undefined) return key
        yield* PubSub.take(changes)
      }
    }).pipe(
      Effect.scoped,
      Effect.timeoutOrElse({
        duration: dialTimeoutMs,
        orElse: () =>
          Effect.fail(
            new PeerUnreachable({
              peer: hostPort,
              reason: "no node of this network was found there; is it running, and is this its UDP port?"
            })
          )
      })
    )
  }

  private connectOnce(peer: PublicKey, timeoutMs: number): Effect.Effect<Session, NoSession> {
    const { node } = this
    const dial = this.dial(peer)
    return Effect.gen(function* () {
      const waiting = yield* Effect.forkChild(node.awaitSession(peer), { startImmediately: true })
      yield* dial
      return yield* Fiber.join(waiting)
    }).pipe(
      Effect.timeoutOrElse({
        duration: timeoutMs,
        orElse: () => Effect.fail(new PeerUnreachable({ peer, reason: `it did not answer within ${timeoutMs} ms` }))
      })
    )
  }

  /** Dials a peer, once for all who wait for it. */
  private dial(peer: PublicKey): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.node.isConnected(peer) || this.dialling.has(peer)) return Effect.void
      this.dialling.add(peer)
      const dialled = Effect.catch(this.transport.dial(peer, this.addressOf(peer)), (error) =>
        Effect.sync(() => this.node.settle(peer, error))
      )
      const ended = Effect.sync(() => this.dialling.delete(peer))
      return Effect.asVoid(Effect.forkIn(Effect.ensuring(dialled, ended), this.scope))
    })
  }

  /** Where a granted peer was last; it may be there again. */
  private addressOf(peer: PublicKey): string | undefined {
    return this.node.peers.grants.get(peer)?.address
  }
}

const unreachableOf =
  (peer: PublicKey) =>
  (error: NoSession): PeerUnreachable =>
    error._tag === "PeerUnreachable"
      ? error
      : new PeerUnreachable({ peer, reason: "reason" in error ? error.reason : error.message })
