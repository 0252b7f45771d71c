/**
 * Port: which other nodes this node knows, and what it lets each of them do.
 *
 * A peer is named by its node key, which the transport verifies. A grant belongs to a key and outlives connections and
 * restarts. A node without a grant may do nothing but shake hands.
 */
import { Context, type Effect, Schema, type Stream } from "effect"
import { PublicKey } from "./Identity.ts"
import type { PeerUnreachable } from "./Transport.ts"

/** What a peer may be allowed to do here. docs/THREATS.md says what each includes. */
export const Action = Schema.Literals([
  "actors.ask",
  "actors.manage",
  "actors.migrate",
  "jit.run",
  "jit.compile",
  "content.read",
  "ai.generate",
  "events.read"
])
export type Action = typeof Action.Type

export const Peer = Schema.Struct({
  /** Node key. */
  publicKey: PublicKey,
  /** Key of the realm in addresses of its actors; proven in the handshake. Absent before the first one. */
  realm: Schema.optionalKey(PublicKey),
  /** The name that it gives itself; empty before the first handshake. Not unique: the key is. */
  name: Schema.String,
  /** `host:port` of its connection, or of the last one. */
  address: Schema.String,
  /** Of the last heartbeat, in milliseconds; null without a connection. */
  rttMs: Schema.NullOr(Schema.Number),
  connected: Schema.Boolean,
  /** Languages that it compiles, as it says. */
  capabilities: Schema.Array(Schema.String),
  /** How it became known. */
  scope: Schema.Literals(["lan", "mesh", "global"]),
  /** What it may do here; empty for a stranger. */
  grants: Schema.Array(Action)
})
export type Peer = typeof Peer.Type

export class PeerDirectory extends Context.Service<
  PeerDirectory,
  {
    /** Connected peers first, then those that hold a grant; at most `Limits.peersMax`. */
    readonly peers: Effect.Effect<ReadonlyArray<Peer>>
    /**
     * The peer of a node key, a realm key or a name. Peers with a grant come first; a name that two of them give themselves
     * is unreachable until a key is used.
     */
    readonly find: (nameOrKey: string) => Effect.Effect<Peer, PeerUnreachable>
    readonly isGranted: (peer: PublicKey, action: Action) => boolean
    /** Peers as they come, go and change; never ends. */
    readonly changes: Stream.Stream<Peer>
  }
>()("@continuum/core/PeerDirectory") {}
