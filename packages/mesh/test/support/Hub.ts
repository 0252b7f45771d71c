/**
 * Nodes of a mesh in one process: a transport for each, joined by pairs of connections in memory.
 */
import * as Delivery from "@continuum/core/Delivery"
import { keyPairFromSeed, type Identity, type PublicKey } from "@continuum/core/Identity"
import { PeerDirectory } from "@continuum/core/PeerDirectory"
import { type Connection, PeerUnreachable, Transport } from "@continuum/core/Transport"
import { Context, Effect, Layer, Queue, type Scope, Stream } from "effect"
import * as GrantStore from "@continuum/mesh/GrantStore"
import { Mesh, type Options } from "@continuum/mesh/Mesh"
import * as ConnectionPair from "@continuum/mesh/testing/ConnectionPair"

export const identityOf = (seed: number): Identity => ({
  node: keyPairFromSeed(new Uint8Array(32).fill(seed)),
  realm: keyPairFromSeed(new Uint8Array(32).fill(seed + 100))
})

interface Member {
  readonly queue: Queue.Queue<Connection>
  readonly port: number
}

/** Joins transports. Dialling a key gives both sides a new connection; at most one of each pair of keys stays. */
export class Hub {
  private readonly members: Map<PublicKey, Member>
  /** Ends of the connections that were made, the last one last. */
  readonly ends: Array<readonly [ConnectionPair.PairEnd, ConnectionPair.PairEnd]>
  private hashes: number
  dials: number

  constructor() {
    this.members = new Map()
    this.ends = []
    this.hashes = 0
    this.dials = 0
  }

  transport(publicKey: PublicKey, port = 0): Layer.Layer<Transport> {
    return Layer.effect(
      Transport,
      Effect.map(Queue.unbounded<Connection>(), (queue) => {
        this.members.set(publicKey, { queue, port })
        return Transport.of({
          publicKey,
          connections: Stream.fromQueue(queue),
          dial: (peer) =>
            Effect.suspend(() => {
              this.dials++
              return this.connect(publicKey, peer) === undefined
                ? Effect.fail(new PeerUnreachable({ peer, reason: "nobody has this key" }))
                : Effect.void
            }),
          keep: () => Effect.void,
          contact: (address) => Effect.succeed(address),
          join: () => Effect.void,
          status: Effect.succeed({
            kind: "memory",
            state: "ready",
            listening: `127.0.0.1:${port}`,
            bootstrap: [],
            connections: 0,
            restarts: 0,
            problem: undefined
          })
        })
      })
    )
  }

  /** Connects two members; the end of the dialler first. */
  connect(from: PublicKey, to: PublicKey, options: ConnectionPair.PairOptions = {}) {
    const [near, far] = [this.members.get(from), this.members.get(to)]
    if (far === undefined || near === undefined) return undefined
    const handshakeHash = new Uint8Array(32).fill(++this.hashes)
    const pair = ConnectionPair.make(from, to, { handshakeHash, ...options })
    this.ends.push(pair)
    Queue.offerUnsafe(near.queue, pair[0])
    Queue.offerUnsafe(far.queue, pair[1])
    return pair
  }

  /** From now on nobody has this key. */
  leave(publicKey: PublicKey): void {
    this.members.delete(publicKey)
  }

  /** A connection whose other end the test plays. */
  stranger(from: PublicKey, to: PublicKey, options: ConnectionPair.PairOptions = {}): ConnectionPair.PairEnd {
    const handshakeHash = new Uint8Array(32).fill(++this.hashes)
    const [near, far] = ConnectionPair.make(from, to, { handshakeHash, ...options })
    Queue.offerUnsafe(this.members.get(to)!.queue, far)
    return near
  }
}

export interface Node {
  readonly mesh: Mesh["Service"]
  readonly delivery: Delivery.Delivery["Service"]
  readonly directory: PeerDirectory["Service"]
  readonly key: PublicKey
  readonly realm: PublicKey
}

export const networkId = new Uint8Array(32).fill(42)

/** Starts a node on the hub, for as long as the scope lives. */
export const start = (
  hub: Hub,
  seed: number,
  options: Partial<Options> & { readonly port?: number; readonly grants?: Layer.Layer<GrantStore.GrantStore> } = {}
): Effect.Effect<Node, never, Scope.Scope> => {
  const identity = options.identity ?? identityOf(seed)
  const key = identity.node.publicKey
  return Effect.map(
    Layer.build(
      Mesh.layer({ identity, name: `node-${seed}`, networkId, ...options }).pipe(
        Layer.provide([hub.transport(key, options.port ?? 4000 + seed), options.grants ?? GrantStore.layerMemory])
      )
    ),
    (context) => ({
      mesh: Context.get(context, Mesh),
      delivery: Context.get(context, Delivery.Delivery),
      directory: Context.get(context, PeerDirectory),
      key,
      realm: identity.realm.publicKey
    })
  )
}
