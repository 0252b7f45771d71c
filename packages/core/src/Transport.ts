/**
 * Port: authenticated connections to other nodes. A connection carries whole messages, in order, at most once each; what
 * they mean is the business of the mesh above it.
 *
 * Implementations: in memory with seeded faults, Hyperswarm in process, Hyperswarm in a sidecar process. All obey the
 * laws of `testing/TransportLaws.ts`. Messages pass through plain callbacks and not through Effects, because this is the
 * hot path of every remote message; what opens, joins and dials is an Effect with typed errors.
 */
import { Context, type Effect, Schema, type Scope, type Stream } from "effect"
import { PublicKey } from "./Identity.ts"

/** No connection to the peer could be made. Whatever was to be sent was not sent. */
export class PeerUnreachable extends Schema.TaggedError<PeerUnreachable>()("PeerUnreachable", {
  /** Public key, name or `host:port`, as the caller named the peer. */
  peer: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `The peer ${this.peer} cannot be reached: ${this.reason}`
  }
}

/** The connection broke. What was sent and not answered may or may not have been handled. */
export class TransportLost extends Schema.TaggedError<TransportLost>()("TransportLost", {
  /** Public key of the peer. */
  peer: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `The connection to ${this.peer} was lost: ${this.reason}`
  }
}

/** What happens on a connection. Called synchronously, never inside `send`. */
export interface ConnectionListener {
  /** A whole message. The bytes may be overwritten after this returns: copy what is kept. */
  readonly message: (bytes: Uint8Array) => void
  /** After `send` returned false: there is room again. */
  readonly drain: () => void
  /** The last event. `undefined`: this side closed it. */
  readonly closed: (reason: TransportLost | undefined) => void
}

/** One connection to one peer, whose key the transport has verified. */
export interface Connection {
  readonly peer: PublicKey
  /** Whether this side dialled. */
  readonly initiator: boolean
  /** Where the peer is, as `host:port`; for people and for logs. */
  readonly remoteAddress: string
  /** The same 32 bytes or more on both sides and on no other connection: what a signature is bound to. */
  readonly handshakeHash: Uint8Array
  /**
   * Sends one message. False: it was taken, and the sender should wait for `drain` before it sends more. A closed
   * connection takes nothing and returns false without a drain. At most `Limits.frameBytesMax` bytes; more is a defect.
   * `first` is a byte to go before the others, for those who would copy a message only to put one before it.
   */
  readonly send: (bytes: Uint8Array, first?: number) => boolean
  /** Sets the listener, once. What arrived before is delivered first; nothing is delivered before it is set. */
  readonly listen: (listener: ConnectionListener) => void
  /** Asks the peer to wait: while paused at most the connection's credit arrives. */
  readonly pause: () => void
  readonly resume: () => void
  /** Sends what `send` took, then ends the connection for both sides. */
  readonly close: () => void
}

/** What a transport knows of itself, for `doctor` and for people. */
export interface TransportStatus {
  /** `memory`, `hyperswarm`, `sidecar (node)`, `sidecar (bare)`. */
  readonly kind: string
  /** `starting`: not ready yet, or being restarted. */
  readonly state: "starting" | "ready"
  /** UDP address at which it listens, `host:port`; undefined while it is starting. */
  readonly listening: string | undefined
  readonly bootstrap: ReadonlyArray<string>
  readonly connections: number
  /** How often it had to be started again. */
  readonly restarts: number
  /** The last time: why, and when in milliseconds since 1970. */
  readonly lastRestart?: { readonly reason: string; readonly timeMs: number } | undefined
  /** Why it is not ready, where that is known. */
  readonly problem: string | undefined
}

export class Transport extends Context.Service<
  Transport,
  {
    readonly publicKey: PublicKey
    /**
     * Every new connection, dialled and accepted, however it came about. At most one connection to each peer stays: where
     * two nodes dial each other at once, both sides keep the same one. For one consumer; those that nobody takes wait.
     */
    readonly connections: Stream.Stream<Connection>
    /**
     * Connects to a peer by its key, or does nothing when there is a connection. The connection arrives in `connections`.
     * Fails when the peer does not answer within `Limits.dialTimeoutMs`. With an address, that one is contacted first.
     */
    readonly dial: (peer: PublicKey, address?: string) => Effect.Effect<void, PeerUnreachable>
    /**
     * While the scope is open: dials the peer again, with growing pauses, whenever there is no connection to it. What
     * `address` gives is contacted before each dial.
     */
    readonly keep: (peer: PublicKey, address?: () => string | undefined) => Effect.Effect<void, never, Scope.Scope>
    /**
     * Learns to know the node that listens at `host:port`: from now on it, and whom it knows, are found by key and by topic
     * as those of `bootstrap` are. Two nodes that were started without any meet like that. Gives the address in numbers;
     * fails when nothing answers there within `Limits.contactTimeoutMs`.
     */
    readonly contact: (address: string) => Effect.Effect<string, PeerUnreachable>
    /** While the scope is open: is found under a topic of 32 bytes, and connects to all who are. */
    readonly join: (topic: Uint8Array) => Effect.Effect<void, never, Scope.Scope>
    readonly status: Effect.Effect<TransportStatus>
  }
>()("@continuum/core/Transport") {}
