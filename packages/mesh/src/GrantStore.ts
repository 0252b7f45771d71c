/**
 * Port: what this node lets each peer do, kept across restarts. A grant belongs to a node key.
 *
 * It also remembers where the peer was and which realm is its own, so that a peer which is not connected can be dialled
 * by the address of one of its actors.
 */
import { PublicKey } from "@continuum/core/Identity"
import { peersMax } from "@continuum/core/Limits"
import { Action } from "@continuum/core/PeerDirectory"
import { Context, Effect, Layer, Schema } from "effect"

/** What one peer may do here, and what it last said of itself. */
export const Grant = Schema.Struct({
  /** Node key. */
  publicKey: PublicKey,
  actions: Schema.Array(Action),
  /** The name that it gave itself; empty before the first handshake. */
  name: Schema.String,
  realm: Schema.optionalKey(PublicKey),
  /** `host:port` of its last connection; empty before the first one. */
  address: Schema.String
})
export type Grant = typeof Grant.Type

/** The grant was not changed: the disk is full or not writable, or there are too many. */
export class GrantNotStored extends Schema.TaggedError<GrantNotStored>()("GrantNotStored", {
  reason: Schema.String
}) {
  override get message() {
    return `The grant was not stored: ${this.reason}`
  }
}

export class GrantStore extends Context.Service<
  GrantStore,
  {
    /** All grants, each key once, in the order of their first setting; at most `peersMax`. */
    readonly all: Effect.Effect<ReadonlyArray<Grant>>
    /** Keeps a grant in place of an earlier one of the same key. Durable when it succeeds. */
    readonly set: (grant: Grant) => Effect.Effect<void, GrantNotStored>
    /** Forgets the grant of a key. Whether there was one. */
    readonly remove: (publicKey: PublicKey) => Effect.Effect<boolean, GrantNotStored>
  }
>()("@continuum/mesh/GrantStore") {}

/** Refuses one grant more than a node remembers peers. */
export const checkRoom = (grants: ReadonlyMap<PublicKey, Grant>, grant: Grant): Effect.Effect<void, GrantNotStored> =>
  grants.size < peersMax || grants.has(grant.publicKey)
    ? Effect.void
    : Effect.fail(new GrantNotStored({ reason: `there are ${peersMax} grants already; forget a peer first` }))

/** Grants that live as long as this process. */
export const layerMemory: Layer.Layer<GrantStore> = Layer.sync(GrantStore, () => {
  const grants = new Map<PublicKey, Grant>()
  return {
    all: Effect.sync(() => [...grants.values()]),
    set: (grant) =>
      Effect.andThen(
        checkRoom(grants, grant),
        Effect.sync(() => void grants.set(grant.publicKey, grant))
      ),
    remove: (publicKey) => Effect.sync(() => grants.delete(publicKey))
  }
})
