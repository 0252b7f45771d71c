/** Nodes of a mesh over real Hyperswarm, each with a sidecar of its own, and peers that write whatever bytes they like. */
import { ContentRouting } from "@continuum/core/ContentRouting"
import { ContentStore, layerMemory } from "@continuum/core/ContentStore"
import * as Delivery from "@continuum/core/Delivery"
import type { Identity, PublicKey } from "@continuum/core/Identity"
import { decodePublicKey, encodePublicKey } from "@continuum/core/Identity"
import { PeerDirectory } from "@continuum/core/PeerDirectory"
import type { Opened } from "@continuum/core/Swarm"
import { Transport } from "@continuum/core/Transport"
import type { ChannelProtocol } from "@continuum/mesh/Channel"
import * as ContentRoutingMesh from "@continuum/mesh/content/ContentRoutingMesh"
import * as GrantStore from "@continuum/mesh/GrantStore"
import * as Handshake from "@continuum/mesh/Handshake"
import { parseAddress } from "@continuum/mesh/HyperswarmOptions"
import * as Limits from "@continuum/mesh/Limits"
import { Mesh } from "@continuum/mesh/Mesh"
import * as SidecarProcess from "@continuum/mesh/SidecarProcess"
import * as SidecarTransport from "@continuum/mesh/SidecarTransport"
import { Context, Deferred, Effect, Exit, Layer, Redacted, type Scope } from "effect"
import { Buffer } from "node:buffer"
import { identityOf, networkId } from "./Hub.ts"

export interface RealNode {
  readonly mesh: Mesh["Service"]
  readonly delivery: Delivery.Delivery["Service"]
  readonly directory: PeerDirectory["Service"]
  readonly routing: ContentRouting["Service"]
  readonly store: ContentStore["Service"]
  readonly identity: Identity
  readonly key: PublicKey
  /** Process id of its sidecar. */
  readonly pid: () => number
}

/** A ready node that lets everybody read its content. `meddle` changes what its content channels do. */
export const start = (
  bootstrap: ReadonlyArray<string>,
  seed: number,
  meddle: (protocol: ChannelProtocol) => ChannelProtocol = (protocol) => protocol
): Effect.Effect<RealNode, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const identity = identityOf(seed)
    const { pid, transport } = yield* SidecarTransport.make({ keyPair: identity.node, bootstrap })
    while ((yield* transport.status).state !== "ready") yield* Effect.sleep(10)
    const options = { identity, name: `node-${seed}`, networkId, announce: false }
    const context = yield* Layer.build(
      Mesh.layer(options).pipe(
        Layer.provide([Layer.succeed(Transport, transport), GrantStore.layerMemory]),
        Layer.merge(Layer.fresh(layerMemory))
      )
    )
    const [mesh, store] = [Context.get(context, Mesh), Context.get(context, ContentStore)]
    const { protocol, routing } = yield* Effect.provideService(
      ContentRoutingMesh.make({ isGranted: () => true, dial: transport.dial }),
      ContentStore,
      store
    )
    yield* mesh.register(meddle(protocol))
    return {
      mesh,
      delivery: Context.get(context, Delivery.Delivery),
      directory: Context.get(context, PeerDirectory),
      routing,
      store,
      identity,
      key: identity.node.publicKey,
      pid
    }
  })

/** A connection of somebody who keeps to nothing: he reads all bytes, and gives no credit for them. */
export interface RawPeer {
  readonly identity: Identity
  readonly write: (bytes: Uint8Array) => void
  readonly end: () => void
  /** A greeting as a message of a transport. */
  readonly greeting: (network?: Uint8Array) => Uint8Array
  /** Bytes that came. */
  readonly received: () => number
  /** Why the connection ended, once it has. */
  readonly closed: Effect.Effect<string>
}

/** Connects a sidecar without any of our transport above it. */
export const connectRaw = (
  bootstrap: ReadonlyArray<string>,
  seed: number,
  peer: PublicKey
): Effect.Effect<RawPeer, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const identity = identityOf(seed)
    const ready = yield* Deferred.make<void>()
    const opened = yield* Deferred.make<Opened, Error>()
    const closed = yield* Deferred.make<string>()
    let received = 0
    const sidecar = yield* Effect.acquireRelease(
      Effect.tryPromise(() =>
        SidecarProcess.open(
          "bare",
          {
            seed: Buffer.from(Redacted.value(identity.node.secret)).toString("hex"),
            host: "127.0.0.1",
            port: 0,
            bootstrap: bootstrap.map(parseAddress),
            reachable: true,
            keepAliveMs: Limits.silenceMsMax / 4,
            silenceMsMax: Limits.silenceMsMax,
            connectionsMax: 4,
            bytesWaitingMax: 2 ** 30
          },
          {
            bound: () => {},
            ready: () => Deferred.doneUnsafe(ready, Exit.void),
            down: (problem) => Deferred.doneUnsafe(closed, Exit.succeed(problem)),
            opened: (one) => Deferred.doneUnsafe(opened, Exit.succeed(one)),
            received: (_, bytes) => (received += bytes.length),
            closed: (_, reason) => Deferred.doneUnsafe(closed, Exit.succeed(reason)),
            dialFailed: (_, reason) => Deferred.doneUnsafe(opened, Exit.fail(new Error(reason))),
            contacted: () => {},
            contactFailed: () => {}
          }
        )
      ),
      ({ stop }) => Effect.promise(stop)
    )
    yield* Deferred.await(ready)
    sidecar.dial(decodePublicKey(peer))
    const { handshakeHash, id, initiator } = yield* Deferred.await(opened)
    const connection = { peer: encodePublicKey(decodePublicKey(peer)), initiator, handshakeHash }
    return {
      identity,
      write: (bytes) => sidecar.write(id, bytes),
      end: () => sidecar.end(id),
      greeting: (network = networkId) =>
        message([
          0,
          0,
          ...Handshake.encode(
            {
              name: "raw",
              capabilities: [],
              port: 0,
              instance: new Uint8Array(16).fill(seed),
              protocols: ["continuum/envelope/1"]
            },
            identity,
            network,
            connection as never
          )
        ]),
      received: () => received,
      closed: Deferred.await(closed)
    }
  })

/** A message of a transport in one piece. */
export const message = (bytes: ArrayLike<number>): Uint8Array => {
  const frame = new Uint8Array(4 + bytes.length)
  frame.set([bytes.length, bytes.length >>> 8, bytes.length >>> 16, 0])
  frame.set(bytes, 4)
  return frame
}
