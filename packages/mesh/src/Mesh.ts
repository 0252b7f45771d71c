/**
 * This node among others: it greets every peer that its transport connects, remembers whom the owner lets do what, and
 * carries actor messages both ways. Provides `Mesh`, and the ports `Delivery` and `PeerDirectory`.
 *
 * A stranger may greet and be listed, and nothing else. A bad peer costs only its own connection.
 */
import { type Address, localRealm } from "@continuum/core/Address"
import { Delivery, type DeliveryError } from "@continuum/core/Delivery"
import type { Envelope } from "@continuum/core/Envelope"
import type { Identity, PublicKey } from "@continuum/core/Identity"
import * as ContentId from "@continuum/core/ContentId"
import { dialTimeoutMs } from "@continuum/core/Limits"
import { Action, type Peer, PeerDirectory } from "@continuum/core/PeerDirectory"
import { PeerUnreachable, Transport } from "@continuum/core/Transport"
import { Clock, Context, Effect, Exit, Fiber, Layer, PubSub, Random, Result, Scope, Stream } from "effect"
import type { ChannelProtocol } from "./Channel.ts"
import type { EnvelopeChannel } from "./EnvelopeChannel.ts"
import { type GrantNotStored, GrantStore } from "./GrantStore.ts"
import * as Limits from "./Limits.ts"
import { MeshNode, type NoSession, type ProblemSeen } from "./MeshNode.ts"
import { isPublicKey, Peers } from "./Peers.ts"
import type { Session } from "./Session.ts"

export interface Options {
  readonly identity: Identity
  /** 1 to `Limits.nameLengthMax` printable characters. Not unique: the key is. */
  readonly name: string
  /** 32 bytes that all nodes of a network know. */
  readonly networkId: Uint8Array
  /** What this node says that it can do: the languages that it compiles. Default none. */
  readonly capabilities?: ReadonlyArray<string>
  /** Protocols besides actor messages; more can be registered later. */
  readonly protocols?: ReadonlyArray<ChannelProtocol>
  /** What a peer must be granted to send this message to this actor. Default `actors.ask` for all. */
  readonly actionOf?: (to: Address, message: string) => Action
  /** Whether to be found, and to find others, under the topic of the network. Default true. */
  readonly announce?: boolean
}

/** All that a peer can be allowed: what a grant is unless it says less. */
export const allActions: ReadonlyArray<Action> = Action.literals

export interface MeshStatus {
  readonly publicKey: PublicKey
  readonly realm: PublicKey
  readonly connected: number
  readonly granted: number
  /** Asks and tells of peers without a grant, since the process began. */
  readonly refused: number
  /** The last things that went wrong with connections, each once, newest last; at most `Limits.problemsKept`. */
  readonly problems: ReadonlyArray<ProblemSeen>
  /** What there is to do about a second process with this node's key, when there seems to be one. */
  readonly identityInUse: string | undefined
}

export class Mesh extends Context.Service<
  Mesh,
  {
    /** Node key. */
    readonly publicKey: PublicKey
    readonly realm: PublicKey
    /**
     * Connects to a peer and grants it `actions`, by default all. It is named by its node key, or by the `host:port` at
     * which it listens when it belongs to this network and can be found there. A key that nobody answers for is tried again for
     * `dialTimeoutMs`. The grant, and the wish to be connected, outlive restarts. When it fails nothing has changed.
     */
    readonly add: (
      keyOrHostPort: string,
      actions?: ReadonlyArray<Action>
    ) => Effect.Effect<Peer, PeerUnreachable | GrantNotStored>
    /** Grants a peer exactly these actions, connected or not. */
    readonly grant: (peer: PublicKey, actions: ReadonlyArray<Action>) => Effect.Effect<Peer, GrantNotStored>
    /** Takes a peer's grant away, and ends its connection with whatever runs for it. Whether it had one. */
    readonly forget: (peer: PublicKey) => Effect.Effect<boolean, GrantNotStored>
    /** Speaks one more protocol, on connections that exist already too. A second one of a name is a defect. */
    readonly register: (protocol: ChannelProtocol) => Effect.Effect<void>
    readonly status: Effect.Effect<MeshStatus>
  }
>()("@continuum/mesh/Mesh") {
  /** Ends with its connections; those who wait for a reply get `TransportLost`. */
  static readonly layer = (
    options: Options
  ): Layer.Layer<Mesh | Delivery | PeerDirectory, never, Transport | GrantStore> => Layer.effectContext(make(options))
}

const make = Effect.fn("Mesh.make")(function* (options: Options) {
  const transport = yield* Transport
  const grantStore = yield* GrantStore
  const scope = yield* Effect.scope
  const peers = new Peers(yield* grantStore.all)
  const words = yield* Effect.forEach(Array.from({ length: 16 }), () => Random.nextIntBetween(0, 255))
  const node = new MeshNode(options, {
    instance: Uint8Array.from(words),
    context: Context.omit(Scope.Scope)(yield* Effect.context<Scope.Scope>()),
    grantStore,
    peers,
    changes: yield* PubSub.sliding<Peer>(Limits.peerChangesMax)
  })
  const keeping = new Map<PublicKey, Scope.Closeable>()
  const dialling = new Set<PublicKey>()

  // ---------------------------------------------------------------- connections

  const portOf = Effect.map(transport.status, ({ listening }) => {
    const port = Number(/:(\d+)$/.exec(listening ?? "")?.[1] ?? 0)
    node.port = Number.isInteger(port) && port <= 65_535 ? port : 0
  })

  /** Where a granted peer was last; it may be there again. */
  const addressOf = (peer: PublicKey): string | undefined => peers.grants.get(peer)?.address

  /** Has the transport dial a granted peer whenever there is no connection to it. */
  const keep = (peer: PublicKey) =>
    Effect.gen(function* () {
      if (keeping.has(peer)) return
      const kept = yield* Scope.fork(scope)
      keeping.set(peer, kept)
      yield* Scope.provide(
        transport.keep(peer, () => addressOf(peer)),
        kept
      )
    })

  /** Dials a peer, once for all who wait for it. */
  const dial = (peer: PublicKey) =>
    Effect.suspend(() => {
      if (node.isConnected(peer) || dialling.has(peer)) return Effect.void
      dialling.add(peer)
      const dialled = Effect.catch(transport.dial(peer, addressOf(peer)), (error) =>
        Effect.sync(() => node.settle(peer, error))
      )
      return Effect.forkIn(
        Effect.ensuring(
          dialled,
          Effect.sync(() => dialling.delete(peer))
        ),
        scope
      )
    })

  /** A session with this peer, dialling when there is none. */
  const connectOnce = (peer: PublicKey, timeoutMs: number): Effect.Effect<Session, NoSession> =>
    Effect.gen(function* () {
      const waiting = yield* Effect.forkChild(node.awaitSession(peer), { startImmediately: true })
      yield* dial(peer)
      return yield* Fiber.join(waiting)
    }).pipe(
      Effect.timeoutOrElse({
        duration: timeoutMs,
        orElse: () => Effect.fail(new PeerUnreachable({ peer, reason: `it did not answer within ${timeoutMs} ms` }))
      })
    )

  const connect = (peer: PublicKey, timeoutMs: number): Effect.Effect<Session, PeerUnreachable> =>
    Effect.mapError(connectOnce(peer, timeoutMs), unreachableOf(peer))

  /** The same again while nobody answers: a peer that has just started is not found at once. One that refuses is asked once. */
  const connectPatiently = (peer: PublicKey): Effect.Effect<Session, PeerUnreachable> =>
    Effect.gen(function* () {
      const untilMs = (yield* Clock.currentTimeMillis) + dialTimeoutMs
      for (let pauseMs = Limits.addPauseMsMin; ; pauseMs = Math.min(2 * pauseMs, Limits.addPauseMsMax)) {
        const leftMs = untilMs - (yield* Clock.currentTimeMillis)
        const connected = yield* Effect.result(connectOnce(peer, leftMs + Limits.handshakeTimeoutMs))
        if (Result.isSuccess(connected)) return connected.success
        const { failure } = connected
        const isAway = failure._tag === "PeerUnreachable" || failure._tag === "TransportLost"
        if (!isAway || untilMs - (yield* Clock.currentTimeMillis) <= pauseMs) return yield* unreachableOf(peer)(failure)
        yield* Effect.sleep(pauseMs)
      }
    })

  /** The key of the node that listens at a UDP address, which is found through it and connected. */
  const keyAt = (hostPort: string): Effect.Effect<PublicKey, PeerUnreachable> =>
    Effect.gen(function* () {
      const known = peers.listeningAt(hostPort)
      if (known !== undefined) return known
      const changes = yield* PubSub.subscribe(node.changes)
      const address = yield* transport.contact(hostPort)
      while (true) {
        const key = peers.listeningAt(address)
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

  const grant = (peer: PublicKey, actions: ReadonlyArray<Action>): Effect.Effect<Peer, GrantNotStored> =>
    Effect.gen(function* () {
      const known = peers.get(peer)
      const grant = {
        publicKey: peer,
        actions: [...new Set(actions)],
        name: known?.name ?? "",
        address: known?.address ?? "",
        ...(known?.realm === undefined ? {} : { realm: known.realm })
      }
      yield* grantStore.set(grant)
      peers.grants.set(peer, grant)
      yield* keep(peer)
      node.changed(peer)
      return peers.get(peer)!
    })

  const add = Effect.fn("Mesh.add")(function* (keyOrHostPort: string, actions: ReadonlyArray<Action> = allActions) {
    const unreachable = (reason: string) => new PeerUnreachable({ peer: keyOrHostPort, reason })
    if (!isPublicKey(keyOrHostPort) && !/^.+:\d{1,5}$/.test(keyOrHostPort)) {
      return yield* unreachable("it is neither a public key nor host:port")
    }
    const peer = isPublicKey(keyOrHostPort) ? keyOrHostPort : yield* keyAt(keyOrHostPort)
    if (peer === options.identity.node.publicKey) return yield* unreachable("it is this node itself")
    yield* connectPatiently(peer)
    return yield* grant(peer, actions)
  })

  const forget = Effect.fn("Mesh.forget")(function* (peer: PublicKey) {
    const had = yield* grantStore.remove(peer)
    peers.grants.delete(peer)
    const kept = keeping.get(peer)
    keeping.delete(peer)
    if (kept !== undefined) yield* Scope.close(kept, Exit.void)
    peers.sessions.get(peer)?.leave("its grant was taken away")
    return had
  })

  // ---------------------------------------------------------------- delivery

  const find = (nameOrKey: string) => Effect.suspend(() => Effect.fromResult(peers.find(nameOrKey)))

  const realmOf = (realm: string): Effect.Effect<PublicKey, PeerUnreachable> => {
    if (realm === localRealm || realm === options.identity.realm.publicKey) {
      return Effect.succeed(options.identity.realm.publicKey)
    }
    if (peers.sessionOfRealm(realm as PublicKey) !== undefined) return Effect.succeed(realm as PublicKey)
    if (isPublicKey(realm)) return Effect.succeed(peers.get(realm)?.realm ?? realm)
    return Effect.flatMap(find(realm), (peer) =>
      peer.realm === undefined
        ? Effect.fail(new PeerUnreachable({ peer: realm, reason: "it was never connected, so its realm is unknown" }))
        : Effect.succeed(peer.realm)
    )
  }

  /** The channel to the realm of an envelope, dialling its node when there is none. */
  const channelTo = ({ deadlineMs, to }: Envelope): Effect.Effect<EnvelopeChannel, PeerUnreachable> => {
    const realm = to.realm as PublicKey
    const unreachable = (reason: string) => Effect.fail(new PeerUnreachable({ peer: realm, reason }))
    const dialled = peers.nodeOfRealm(realm)
    if (dialled === undefined) return unreachable("this node knows no peer of this realm; add it with peers/add")
    return Effect.flatMap(
      connect(dialled, Math.min(deadlineMs ?? Infinity, dialTimeoutMs)),
      ({ envelopes, greeting }) =>
        envelopes === undefined || greeting?.realm !== realm
          ? unreachable("the node that was of this realm no longer is")
          : Effect.succeed(envelopes)
    )
  }

  const connectedTo = ({ to }: Envelope): EnvelopeChannel | undefined =>
    peers.sessionOfRealm(to.realm as PublicKey)?.envelopes

  const withChannel = <A>(
    envelope: Envelope,
    use: (channel: EnvelopeChannel) => Effect.Effect<A, DeliveryError>
  ): Effect.Effect<A, DeliveryError> =>
    Effect.suspend(() => {
      const channel = connectedTo(envelope)
      return channel === undefined ? Effect.flatMap(channelTo(envelope), use) : use(channel)
    })

  // ---------------------------------------------------------------- running

  yield* portOf
  for (const peer of peers.grants.keys()) yield* keep(peer)
  yield* Effect.addFinalizer(() => Effect.sync(() => node.closeAll("the node stops")))
  yield* Effect.forkScoped(
    Stream.runForEach(transport.connections, (connection) =>
      Effect.andThen(
        portOf,
        Effect.sync(() => node.accept(connection))
      )
    )
  )
  yield* Effect.forkScoped(
    Effect.forever(
      Effect.andThen(
        Effect.sleep(Limits.lookEveryMs),
        Effect.andThen(
          portOf,
          Effect.sync(() => node.look())
        )
      )
    )
  )
  if (options.announce !== false) yield* transport.join(topicOf(options.networkId))

  return Context.make(
    Mesh,
    Mesh.of({
      publicKey: options.identity.node.publicKey,
      realm: options.identity.realm.publicKey,
      add,
      grant,
      forget,
      register: (protocol) => Effect.sync(() => node.register(protocol)),
      status: Effect.sync(() => statusOf(node))
    })
  ).pipe(
    Context.add(
      Delivery,
      Delivery.of({
        realmOf,
        ask: (envelope) => withChannel(envelope, (channel) => channel.ask(envelope)),
        askNow: (envelope, settle) => connectedTo(envelope)?.askNow(envelope, settle),
        stream: (envelope) =>
          Stream.unwrap(withChannel(envelope, (channel) => Effect.succeed(channel.stream(envelope)))),
        tell: (envelope) => withChannel(envelope, (channel) => channel.tell(envelope)),
        serve: (receiver) => Effect.sync(() => node.serve(receiver))
      })
    ),
    Context.add(
      PeerDirectory,
      PeerDirectory.of({
        peers: Effect.sync(() => peers.list()),
        find,
        isGranted: (peer, action) => peers.isGranted(peer, action),
        changes: Stream.fromPubSub(node.changes)
      })
    )
  )
})

const unreachableOf =
  (peer: PublicKey) =>
  (error: NoSession): PeerUnreachable =>
    error._tag === "PeerUnreachable"
      ? error
      : new PeerUnreachable({ peer, reason: "reason" in error ? error.reason : error.message })

const statusOf = (node: MeshNode): MeshStatus => {
  const second = node.problems.findLast(
    ({ problem }) =>
      (problem._tag === "IdentityInUse" && problem.own) ||
      (problem._tag === "PeerRefused" && problem.tag === "IdentityInUse")
  )
  return {
    publicKey: node.identity.node.publicKey,
    realm: node.identity.realm.publicKey,
    connected: node.peers.sessions.size,
    granted: node.peers.grants.size,
    refused: node.refusals.total,
    problems: node.problems.map((seen) => ({ ...seen })),
    identityInUse: second?.problem.message
  }
}

/** The topic under which the nodes of a network find each other. It does not tell the id of the network. */
const topicOf = (networkId: Uint8Array): Uint8Array => {
  const domain = new TextEncoder().encode("continuum/topic/1\0")
  const bytes = new Uint8Array(domain.length + networkId.length)
  bytes.set(domain)
  bytes.set(networkId, domain.length)
  return Uint8Array.from(ContentId.of(bytes).match(/../g)!, (hex) => Number.parseInt(hex, 16))
}
