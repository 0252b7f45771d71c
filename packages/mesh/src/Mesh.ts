/**
 * This node among others: it greets every peer that its transport connects, remembers whom the owner lets do what, and
 * carries actor messages both ways. Provides `Mesh`, and the ports `Delivery` and `PeerDirectory`.
 *
 * A stranger may greet and be listed, and nothing else. A bad peer costs only its own connection.
 */
import type { Address } from "@continuum/core/Address"
import { Delivery } from "@continuum/core/Delivery"
import type { Identity, PublicKey } from "@continuum/core/Identity"
import * as ContentId from "@continuum/core/ContentId"
import { Action, type Peer, PeerDirectory } from "@continuum/core/PeerDirectory"
import { PeerUnreachable, Transport } from "@continuum/core/Transport"
import { Context, Effect, Layer, PubSub, Random, Result, Scope, Stream } from "effect"
import type { ChannelProtocol } from "./Channel.ts"
import { type GrantNotStored, GrantStore } from "./GrantStore.ts"
import * as Limits from "./Limits.ts"
import * as MeshDelivery from "./MeshDelivery.ts"
import { MeshDial } from "./MeshDial.ts"
import { MeshNode } from "./MeshNode.ts"
import { isPublicKey, Peers } from "./Peers.ts"
import type { ProblemSeen, StrangersSeen } from "./Problems.ts"

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
  /** What peers without a grant did wrong. */
  readonly strangers: StrangersSeen
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
  const dial = new MeshDial(node, transport, scope)

  // ---------------------------------------------------------------- connections

  const portOf = Effect.map(transport.status, ({ listening }) => {
    const port = Number(/:(\d+)$/.exec(listening ?? "")?.[1] ?? 0)
    node.port = Number.isInteger(port) && port <= 65_535 ? port : 0
  })

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
      yield* dial.keep(peer)
      node.changed(peer)
      return peers.get(peer)!
    }).pipe(node.granting.withPermits(1))

  const add = Effect.fn("Mesh.add")(function* (keyOrHostPort: string, actions: ReadonlyArray<Action> = allActions) {
    const unreachable = (reason: string) => new PeerUnreachable({ peer: keyOrHostPort, reason })
    if (!isPublicKey(keyOrHostPort) && !/^.+:\d{1,5}$/.test(keyOrHostPort)) {
      return yield* unreachable("it is neither a public key nor host:port")
    }
    // The key of a known peer's realm, which its addresses show, stands for the peer.
    const peer = isPublicKey(keyOrHostPort)
      ? Result.match(peers.find(keyOrHostPort), {
          onSuccess: ({ publicKey }) => publicKey,
          onFailure: () => keyOrHostPort
        })
      : yield* dial.keyAt(keyOrHostPort)
    if (peer === options.identity.node.publicKey) return yield* unreachable("it is this node itself")
    yield* dial.connectPatiently(peer)
    return yield* grant(peer, actions)
  })

  const forget = Effect.fn("Mesh.forget")(function* (peer: PublicKey) {
    const remove = Effect.map(grantStore.remove(peer), (had) => {
      peers.grants.delete(peer)
      return had
    })
    const had = yield* node.granting.withPermits(1)(remove)
    yield* dial.letGo(peer)
    peers.sessions.get(peer)?.leave("its grant was taken away")
    return had
  })

  // ---------------------------------------------------------------- running

  yield* portOf
  for (const peer of peers.grants.keys()) yield* dial.keep(peer)
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
    Context.add(Delivery, MeshDelivery.make(node, dial)),
    Context.add(
      PeerDirectory,
      PeerDirectory.of({
        peers: Effect.sync(() => peers.list()),
        find: (nameOrKey) => Effect.suspend(() => Effect.fromResult(peers.find(nameOrKey))),
        isGranted: (peer, action) => peers.isGranted(peer, action),
        changes: Stream.fromPubSub(node.changes)
      })
    )
  )
})

const statusOf = (node: MeshNode): MeshStatus => {
  const { seen, strangers } = node.problems
  // A stranger may say what it likes.
  const second = seen.findLast(
    ({ isStranger, problem }) =>
      (problem._tag === "IdentityInUse" && problem.own) ||
      (problem._tag === "PeerRefused" && problem.tag === "IdentityInUse" && !isStranger)
  )
  return {
    publicKey: node.identity.node.publicKey,
    realm: node.identity.realm.publicKey,
    connected: node.peers.sessions.size,
    granted: node.peers.grants.size,
    refused: node.refusals.total,
    problems: seen.map((one) => ({ ...one })),
    strangers,
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
