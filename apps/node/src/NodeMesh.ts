/**
 * This node's place among others: transport, sessions, grants and content by hash, made from its settings; or, with
 * `--offline`, the lack of one, behind the same ports.
 *
 * A node starts in a network that nobody else is in: it contacts only the nodes of `--bootstrap` and the peers that its
 * owner added. The mesh comes up in the background, and its problems never keep the node from starting.
 */
import { service } from "@continuum/actors/Service"
import { ActorSystem } from "@continuum/actors/ActorSystem"
import { type Address, localRealm } from "@continuum/core/Address"
import * as ContentId from "@continuum/core/ContentId"
import * as ContentRouting from "@continuum/core/ContentRouting"
import { Delivery } from "@continuum/core/Delivery"
import { type Action, type Peer, PeerDirectory } from "@continuum/core/PeerDirectory"
import { PublicKey } from "@continuum/core/Identity"
import type { MeshSummary } from "@continuum/core/rpc"
import { PeerUnreachable, Transport } from "@continuum/core/Transport"
import * as ContentRoutingMesh from "@continuum/mesh/content/ContentRoutingMesh"
import * as GrantStoreDisk from "@continuum/mesh/GrantStoreDisk"
import type { GrantNotStored } from "@continuum/mesh/GrantStore"
import * as LateTransport from "@continuum/mesh/LateTransport"
import { Mesh } from "@continuum/mesh/Mesh"
import * as MeshTransport from "@continuum/mesh/MeshTransport"
import { MeshOff, PeerMalformed } from "@continuum/mesh/rpc"
import * as PersonasActor from "@continuum/persona/PersonasActor"
import { Clock, Context, Effect, Layer, Schema, Stream } from "effect"
import { Home } from "./Home.ts"
import * as MeshWatch from "./MeshWatch.ts"
import * as NodeActor from "./NodeActor.ts"
import { isHostPort, NodeConfig } from "./NodeConfig.ts"
import * as NodeEvents from "./NodeEvents.ts"
import * as PeerInput from "./PeerInput.ts"
import { NodeInfo } from "./NodeInfo.ts"

type PeerError = MeshOff | PeerMalformed | PeerUnreachable | GrantNotStored

export class NodeMesh extends Context.Service<
  NodeMesh,
  {
    readonly peers: Effect.Effect<ReadonlyArray<Peer>>
    /** Connects to a node by key, name or `host:port`, and grants it these actions, by default all. */
    readonly add: (peer: string, actions?: ReadonlyArray<Action>) => Effect.Effect<Peer, PeerError>
    /** Takes the grant of a peer away. What it was. */
    readonly remove: (peer: string) => Effect.Effect<Peer, PeerError>
    readonly summary: Effect.Effect<MeshSummary>
    /** What a person should look at: of the last minutes, with how long ago it was. Empty when all is well. */
    readonly problems: Effect.Effect<ReadonlyArray<string>>
    /** What peers without a grant tried, in a sentence; undefined when nothing was. It is nothing to mend. */
    readonly strangers: Effect.Effect<string | undefined>
    /** How often what carries the mesh had to be started again, when last and why; undefined when never. It is mended already. */
    readonly restarts: Effect.Effect<string | undefined>
  }
>()("@continuum/node/NodeMesh") {}

/** All nodes are of one network, and meet only where their owners have them meet. */
const networkId = Uint8Array.from(ContentId.of("continuum/network/1").match(/../g)!, (hex) => Number.parseInt(hex, 16))

/** What went wrong with a peer is news for ten minutes: longer than any peer waits before it dials again. Chosen, not measured. */
const problemRecentMs = 600_000

const ago = (ms: number): string =>
  ms < 60_000 ? `${Math.max(0, Math.round(ms / 1_000))} s ago` : `${Math.round(ms / 60_000)} min ago`

/** What a message of a peer does here, and so what its owner must have granted it. */
export const actionOf = ({ kind }: Address, message: string): Action => {
  if (kind === "jit") return message === "compile" ? "jit.compile" : "jit.run"
  // Nodes that lend each other actors, and services that run once in a realm.
  if (kind === "lease") return "actors.migrate"
  if (kind === "module") return "jit.run"
  if (kind === PersonasActor.kind) return "ai.generate"
  if (kind === NodeActor.kind && message === "events") return "events.read"
  if (kind === NodeActor.kind && (message === "stop" || message === "forget")) return "actors.manage"
  return kind === "source" ? "jit.compile" : "actors.ask"
}

type Provided = NodeMesh | Delivery | PeerDirectory | ContentRouting.ContentRouting

const online = Layer.unwrap(
  Effect.gen(function* () {
    const { settings } = yield* NodeConfig
    const { identity, grantsPath } = yield* Home
    const { languages, port } = yield* NodeInfo
    const { bootstrap, host, name, sidecar } = settings
    const transport = LateTransport.layer({
      publicKey: identity.node.publicKey,
      bootstrap,
      start: MeshTransport.layer({
        keyPair: identity.node,
        host: host === "localhost" ? "127.0.0.1" : host,
        // The same number as the URL's, so that people have one address to tell each other.
        port,
        bootstrap,
        sidecar: sidecar === "auto" ? undefined : sidecar
      })
    })
    return Layer.merge(connected, content).pipe(
      Layer.provideMerge(Mesh.layer({ identity, name, networkId, capabilities: languages, actionOf })),
      Layer.provide(GrantStoreDisk.layer(grantsPath)),
      Layer.provideMerge(transport)
    )
  })
)

/** Content by hash: a protocol of its own on every connection. */
const content = Layer.effect(
  ContentRouting.ContentRouting,
  Effect.gen(function* () {
    const mesh = yield* Mesh
    const transport = yield* Transport
    const directory = yield* PeerDirectory
    const { protocol, routing } = yield* ContentRoutingMesh.make({
      isGranted: (peer) => directory.isGranted(peer, "content.read"),
      dial: transport.dial
    })
    yield* mesh.register(protocol)
    return routing
  })
)

const isPublicKey = Schema.is(PublicKey)

const connected = Layer.effect(
  NodeMesh,
  Effect.gen(function* () {
    const mesh = yield* Mesh
    const transport = yield* Transport
    const directory = yield* PeerDirectory
    const { settings } = yield* NodeConfig
    const watched = yield* MeshWatch.make(transport, settings)

    /** The node key of a peer that a person names. */
    const keyOf = (peer: string): Effect.Effect<PublicKey, PeerMalformed | PeerUnreachable> =>
      isPublicKey(peer)
        ? Effect.succeed(peer)
        : /^[^\s:/]+$/.test(peer)
          ? directory.find(peer).pipe(
              Effect.map(({ publicKey }) => publicKey),
              Effect.mapError((unknown) => {
                const reason = PeerInput.slipOf(peer)
                return reason === undefined ? unknown : new PeerMalformed({ input: peer, reason })
              })
            )
          : Effect.fail(new PeerMalformed({ input: peer }))
    const isThisNode = (hostPort: string) =>
      Effect.map(transport.status, ({ listening }) => {
        const port = /:(\d+)$/.exec(listening ?? "")?.[1]
        return port !== undefined && PeerInput.isOwnAddress(hostPort, Number(port))
      })
    const addAt = (hostPort: string, actions: ReadonlyArray<Action> | undefined) =>
      Effect.flatMap(isThisNode(hostPort), (itself) =>
        itself
          ? Effect.fail(new PeerUnreachable({ peer: hostPort, reason: "it is this node itself" }))
          : mesh.add(hostPort, actions)
      )

    return {
      peers: directory.peers,
      add: (peer, actions) =>
        isHostPort(peer) ? addAt(peer, actions) : Effect.flatMap(keyOf(peer), (key) => mesh.add(key, actions)),
      remove: Effect.fnUntraced(function* (peer: string) {
        const key = yield* keyOf(peer)
        const known = yield* directory.find(key)
        yield* mesh.forget(key)
        return { ...known, connected: false, grants: [] }
      }),
      summary: Effect.map(transport.status, ({ kind, listening = null, problem = null, restarts, state }) => ({
        state,
        transport: kind,
        listening,
        problem,
        restarts
      })),
      problems: Effect.gen(function* () {
        const { problem } = yield* transport.status
        const { problems } = yield* mesh.status
        const nowMs = yield* Clock.currentTimeMillis
        return [
          ...(problem === undefined ? [] : [problem]),
          ...(yield* watched),
          ...problems
            .filter(({ isStranger, timeMs }) => !isStranger && nowMs - timeMs < problemRecentMs)
            .map(({ problem, timeMs }) => `${problem.message} (${ago(nowMs - timeMs)})`)
        ]
      }),
      strangers: Effect.gen(function* () {
        const { count, lastMs } = (yield* mesh.status).strangers
        const nowMs = yield* Clock.currentTimeMillis
        return count === 0
          ? undefined
          : `${count} connection${count === 1 ? "" : "s"} of strangers ended for a fault of theirs, the last ${ago(nowMs - lastMs)}`
      }),
      restarts: Effect.gen(function* () {
        const { lastRestart, restarts } = yield* transport.status
        const nowMs = yield* Clock.currentTimeMillis
        return lastRestart === undefined
          ? undefined
          : `started again ${restarts === 1 ? "once" : `${restarts} times, the last`} ${ago(nowMs - lastRestart.timeMs)}: ${lastRestart.reason}`
      })
    }
  })
)

/** `--offline`: no socket is opened, nobody is reached. */
const offline = Layer.effectContext(
  Effect.gen(function* () {
    const { identity } = yield* Home
    const reason = "it was started with --offline"
    const off = Effect.fail(new MeshOff({ reason }))
    const unreachable = (peer: string) =>
      Effect.fail(new PeerUnreachable({ peer, reason: `this node is offline: ${reason}` }))
    return Context.make(NodeMesh, {
      peers: Effect.succeed([]),
      add: () => off,
      remove: () => off,
      summary: Effect.succeed({
        state: "off" as const,
        transport: "none",
        listening: null,
        problem: null,
        restarts: 0
      }),
      problems: Effect.succeed([]),
      strangers: Effect.succeed(undefined),
      restarts: Effect.succeed(undefined)
    }).pipe(
      Context.add(Delivery, {
        realmOf: (realm) => (realm === localRealm ? Effect.succeed(identity.realm.publicKey) : unreachable(realm)),
        askNow: () => undefined,
        ask: ({ to }) => unreachable(to.realm),
        stream: ({ to }) => Stream.fromEffect(unreachable(to.realm)),
        tell: ({ to }) => unreachable(to.realm),
        serve: () => Effect.void
      }),
      Context.add(PeerDirectory, {
        peers: Effect.succeed([]),
        find: unreachable,
        isGranted: () => false,
        changes: Stream.never
      })
    )
  })
).pipe(Layer.merge(ContentRouting.layerNone))

export const layer: Layer.Layer<
  Provided,
  Layer.Error<typeof online>,
  Layer.Services<typeof online> | Layer.Services<typeof offline>
> = Layer.unwrap(Effect.map(NodeConfig, ({ settings }) => (settings.offline ? offline : online) as typeof online))

/**
 * Tells the log and the topic `peers` who comes and goes: `continuum://local/service/mesh`. Strangers, who may dial as often as they like,
 * are in the log with `--log-level debug` only.
 */
export const layerService = Layer.effectDiscard(
  Effect.gen(function* () {
    const system = yield* ActorSystem
    const directory = yield* PeerDirectory
    const connectedBefore = new Set<string>()
    yield* system.run(
      service(
        "mesh",
        Stream.runForEach(directory.changes, ({ address, connected, grants, name, publicKey }) => {
          if (connected === connectedBefore.has(publicKey)) return Effect.void
          if (connected) connectedBefore.add(publicKey)
          else connectedBefore.delete(publicKey)
          const [log, who] =
            grants.length === 0 ? ([Effect.logDebug, "A stranger"] as const) : ([Effect.logInfo, "A peer"] as const)
          const event: typeof NodeEvents.PeerEvent.Type = connected
            ? { _tag: "Connected", publicKey, name, address }
            : { _tag: "Lost", publicKey, name, address }
          return Effect.andThen(
            system.publish(NodeEvents.peers, event),
            log(`${who} ${connected ? "is connected" : "is gone"}: ${name}`).pipe(
              Effect.annotateLogs({ publicKey, address })
            )
          )
        })
      )
    )
  })
)
