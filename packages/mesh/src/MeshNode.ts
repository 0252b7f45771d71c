/**
 * The running parts of `Mesh`: it takes the connections of a transport, holds their sessions, and looks after them once a
 * second. Internal: users see it as `Mesh`.
 */
import type { PublicKey } from "@continuum/core/Identity"
import type { Receiver } from "@continuum/core/Delivery"
import { peersMax } from "@continuum/core/Limits"
import type { Envelope } from "@continuum/core/Envelope"
import type { Action, Peer } from "@continuum/core/PeerDirectory"
import { type Connection, type PeerUnreachable, TransportLost } from "@continuum/core/Transport"
import { Clock, Context, Deferred, Effect, type Fiber, PubSub, Semaphore, Stream } from "effect"
import type { Channel, ChannelProtocol } from "./Channel.ts"
import { EnvelopeChannel } from "./EnvelopeChannel.ts"
import type { GrantStore } from "./GrantStore.ts"
import type { Greeting } from "./Handshake.ts"
import { Instances } from "./Instances.ts"
import * as Limits from "./Limits.ts"
import type { Options } from "./Mesh.ts"
import { IdentityInUse, type MeshProblem } from "./MeshError.ts"
import { addressOf, Peers } from "./Peers.ts"
import { Problems } from "./Problems.ts"
import { Refusals } from "./Refusals.ts"
import { Session, type SessionHost } from "./Session.ts"

/** Why there came to be no session. */
export type NoSession = MeshProblem | TransportLost | PeerUnreachable

export class MeshNode implements SessionHost {
  readonly options: Options
  readonly identity: Options["identity"]
  readonly networkId: Uint8Array
  readonly protocols: Array<ChannelProtocol>
  readonly peers: Peers
  readonly refusals: Refusals
  readonly problems: Problems
  readonly changes: PubSub.PubSub<Peer>
  /** Who changes the grants of the store, one after the other: each writes what holds when its turn comes. */
  readonly granting: Semaphore.Semaphore
  /** Set by `Delivery.serve`. */
  readonly served: Deferred.Deferred<Receiver>
  /** UDP port at which the transport listens, or 0. */
  port: number
  private readonly instance: Uint8Array
  private readonly grantStore: GrantStore["Service"]
  private readonly context: Context.Context<never>
  private readonly clock: Clock.Clock
  private readonly sessions: Set<Session>
  private readonly instances: Instances
  private readonly waiting: Map<PublicKey, Set<(result: Session | NoSession) => void>>
  private receiver: Receiver
  private waitingForServe: number

  constructor(
    options: Options,
    parts: {
      readonly instance: Uint8Array
      readonly context: Context.Context<never>
      readonly grantStore: GrantStore["Service"]
      readonly peers: Peers
      readonly changes: PubSub.PubSub<Peer>
    }
  ) {
    this.options = options
    this.identity = options.identity
    this.networkId = options.networkId
    this.peers = parts.peers
    this.refusals = new Refusals()
    this.problems = new Problems((peer) => peer !== this.identity.node.publicKey && !this.peers.grants.has(peer))
    this.changes = parts.changes
    this.granting = Semaphore.makeUnsafe(1)
    this.served = Deferred.makeUnsafe()
    this.port = 0
    this.instance = parts.instance
    this.grantStore = parts.grantStore
    this.context = parts.context
    this.clock = Context.get(parts.context, Clock.Clock)
    this.sessions = new Set()
    this.instances = new Instances()
    this.waiting = new Map()
    this.waitingForServe = 0
    this.receiver = this.receiverBeforeServe()
    this.protocols = [...(options.protocols ?? [])]
  }

  readonly nowMs = (): number => Number(this.clock.currentTimeNanosUnsafe()) / 1e6

  readonly fork = <A>(effect: Effect.Effect<A>): Fiber.Fiber<A> => Effect.runForkWith(this.context)(effect)

  readonly greeting = (): Omit<Greeting, "realm" | "protocols"> => ({
    name: this.options.name,
    capabilities: this.options.capabilities ?? [],
    port: this.port,
    instance: this.instance
  })

  // ---------------------------------------------------------------- connections

  /** Takes a connection that the transport made. */
  accept(connection: Connection): void {
    const session = new Session(connection, this)
    this.sessions.add(session)
    session.start()
    if (this.sessions.size > peersMax) session.leave(`this node has ${peersMax} connections already`)
    if (this.isStranger(connection) && this.strangers() > Limits.strangersMax) {
      session.leave(`this node has ${Limits.strangersMax} connections of strangers already`)
    }
  }

  /** Whether a peer came by itself and holds no grant. One that this node dialled is about to be added. */
  private isStranger({ initiator, peer }: Connection): boolean {
    return !initiator && !this.peers.grants.has(peer)
  }

  private strangers(): number {
    let count = 0
    for (const { connection } of this.sessions) if (this.isStranger(connection)) count++
    return count
  }

  /** Speaks one more protocol, on connections that exist already too. */
  register(protocol: ChannelProtocol): void {
    if (this.protocols.some(({ name }) => name === protocol.name)) {
      throw new TypeError(`The protocol "${protocol.name}" is registered already`)
    }
    if (this.protocols.length + 1 >= Limits.protocolsMax) {
      throw new TypeError(`${this.protocols.length} protocols are registered already`)
    }
    this.protocols.push(protocol)
    for (const session of this.sessions) session.offer(protocol)
  }

  /** What has to be done from time to time. */
  look(): void {
    const nowMs = this.nowMs()
    for (const session of this.sessions) session.look(nowMs)
  }

  closeAll(reason: string): void {
    for (const session of this.sessions) session.leave(reason)
  }

  // ---------------------------------------------------------------- sessions

  readonly greeted = (session: Session, greeting: Greeting): MeshProblem | undefined => {
    const { peer } = session
    const address = session.connection.remoteAddress
    if (peer === this.identity.node.publicKey) {
      if (greeting.instance.every((byte, index) => byte === this.instance[index])) {
        session.leave("this node dialled itself")
        return undefined
      }
      return new IdentityInUse({ peer, address, own: true })
    }
    return this.instances.isSecond(peer, greeting.instance)
      ? new IdentityInUse({ peer, address, own: false })
      : undefined
  }

  readonly opened = (session: Session): void => {
    const { peer } = session
    this.peers.sessions.get(peer)?.leave("a newer connection took its place")
    this.peers.opened(session)
    this.rememberGranted(session)
    this.changed(peer)
    this.settle(peer, session)
  }

  readonly beat = (session: Session): void => {
    if (this.peers.sessions.get(session.peer) === session) this.changed(session.peer)
  }

  readonly ended = (session: Session): void => {
    const { peer, problem } = session
    this.sessions.delete(session)
    const before = this.peers.get(peer)
    if (this.peers.ended(session)) {
      this.rememberGranted(session)
      PubSub.publishUnsafe(this.changes, this.peers.get(peer) ?? { ...before!, connected: false, rttMs: null })
    }
    if (problem !== undefined) this.noteProblem(problem)
    this.settle(peer, problem ?? session.lost!)
  }

  /** Whether there is a connection to a peer, though it may still have to greet. */
  isConnected(peer: PublicKey): boolean {
    for (const session of this.sessions) if (session.peer === peer) return true
    return false
  }

  /** The session of a peer, once there is one, or why there came to be none. */
  awaitSession(peer: PublicKey): Effect.Effect<Session, NoSession> {
    return Effect.callback((resume) => {
      const session = this.peers.sessions.get(peer)
      if (session !== undefined) return resume(Effect.succeed(session))
      const settle = (result: Session | NoSession) =>
        resume(result instanceof Session ? Effect.succeed(result) : Effect.fail(result))
      const waiting = this.waiting.get(peer) ?? new Set()
      this.waiting.set(peer, waiting.add(settle))
      return Effect.sync(() => {
        waiting.delete(settle)
        if (waiting.size === 0 && this.waiting.get(peer) === waiting) this.waiting.delete(peer)
      })
    })
  }

  /** Tells those who wait for a session with this peer what came of it. */
  settle(peer: PublicKey, result: Session | NoSession): void {
    const waiting = this.waiting.get(peer)
    if (waiting === undefined) return
    this.waiting.delete(peer)
    for (const settle of waiting) settle(result)
  }

  changed(peer: PublicKey): void {
    const now = this.peers.get(peer)
    if (now !== undefined) PubSub.publishUnsafe(this.changes, now)
  }

  /** Keeps what a granted peer said of itself, for the time when it is not connected. */
  private rememberGranted(session: Session): void {
    const grant = this.peers.grants.get(session.peer)
    if (grant === undefined) return
    const { name, realm } = session.greeting!
    const address = addressOf(session)
    if (grant.name === name && grant.realm === realm && grant.address === address) return
    const { peer } = session
    this.peers.grants.set(peer, { ...grant, name, realm, address })
    const store = Effect.suspend(() => {
      // It may have been taken away, or made smaller, meanwhile.
      const now = this.peers.grants.get(peer)
      return now === undefined ? Effect.void : this.grantStore.set(now)
    })
    this.fork(
      Effect.catch(this.granting.withPermits(1)(store), (error) =>
        Effect.logWarning("What a peer says of itself was not stored", { peer, reason: error.message })
      )
    )
  }

  private noteProblem(problem: MeshProblem): void {
    if (!this.problems.add(problem, this.clock.currentTimeMillisUnsafe())) return
    this.fork(Effect.logWarning(problem.message, { peer: problem.peer, problem: problem._tag }))
  }

  // ---------------------------------------------------------------- envelopes

  readonly openEnvelopes = (session: Session, channel: Channel): EnvelopeChannel =>
    new EnvelopeChannel(channel, {
      receiver: () => this.receiver,
      refuses: (envelope) => this.refuses(session, envelope),
      peerName: () => nameOf(session),
      realm: () => session.greeting?.realm,
      nowMs: this.nowMs,
      fork: this.fork,
      lost: () => session.lost ?? new TransportLost({ peer: session.peer, reason: "it is being closed" })
    })

  private refuses({ greeting, peer }: Session, { message, to }: Envelope): Action | undefined {
    const action = this.options.actionOf?.(to, message) ?? "actors.ask"
    if (this.peers.isGranted(peer, action)) return undefined
    const { log, tooMany } = this.refusals.add(peer, this.nowMs())
    if (log) {
      const who = { peer, name: greeting?.name, action }
      this.fork(Effect.logWarning("Messages of a peer without a grant are refused", who))
    }
    if (tooMany)
      throw new Error(`it sent more than ${Limits.refusalsPerMinuteMax} messages without a grant in a minute`)
    return action
  }

  serve(receiver: Receiver): void {
    this.receiver = receiver
    Deferred.doneUnsafe(this.served, Effect.succeed(receiver))
  }

  /** Lets envelopes wait until an actor system takes them; each within its own deadline. */
  private receiverBeforeServe(): Receiver {
    const later = <A>(use: (receiver: Receiver) => Effect.Effect<A>): Effect.Effect<A> =>
      Effect.suspend(() => {
        if (this.waitingForServe >= Limits.envelopesBeforeServeMax)
          return Effect.die("no actor system takes messages yet")
        this.waitingForServe++
        return Effect.ensuring(
          Effect.flatMap(Deferred.await(this.served), use),
          Effect.sync(() => {
            this.waitingForServe--
          })
        )
      })
    return {
      ask: (envelope, peer) => later((receiver) => receiver.ask(envelope, peer)),
      stream: (envelope, peer) => Stream.unwrap(later((receiver) => Effect.succeed(receiver.stream(envelope, peer)))),
      tell: (envelope, peer) => later((receiver) => receiver.tell(envelope, peer))
    }
  }
}

const nameOf = ({ greeting, peer }: Session): string => (greeting === undefined ? peer : `${greeting.name} (${peer})`)
