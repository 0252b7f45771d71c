/**
 * Port: who alone may do something, such as run the actor of an address, and until when.
 *
 * A lease has an epoch that only grows, also over restarts of the authority: whoever stores something checks `isCurrent`, so
 * that a holder that was too slow to notice its end changes nothing any more. The authority counts a lease from when it has
 * granted it, its holder from before it asked (`LeaseTerm`), so the holder stops first; wall clocks may jump. An
 * implementation passes the laws in `testing/LeaseAuthorityLaws.ts`.
 */
import { Context, type Effect, Schema } from "effect"

export const Lease = Schema.Struct({
  /** What is held: an address as text. */
  address: Schema.String,
  /** Who holds it. */
  holder: Schema.String,
  /** Larger than that of every lease before. */
  epoch: Schema.Int.check(Schema.isGreaterThan(0)),
  /** Milliseconds from a grant or a renewal to its end. */
  ttlMs: Schema.Int.check(Schema.isGreaterThan(0))
})
export type Lease = typeof Lease.Type

/** A lease that has not ended. */
export interface CurrentLease extends Lease {
  /** Milliseconds until it ends, unless it is renewed; above 0. */
  readonly remainingMs: number
}

/** Somebody has it already, be it the one that asks. */
export class LeaseHeld extends Schema.TaggedError<LeaseHeld>()("LeaseHeld", {
  address: Schema.String,
  holder: Schema.String,
  remainingMs: Schema.Number
}) {
  override get message() {
    return `${this.address} is held by ${this.holder}, which has to renew it within ${Math.ceil(this.remainingMs)} ms. Try again then`
  }
}

/** The lease has ended, was given back, or another one was granted since. Its holder must stop what it did under it. */
export class LeaseLost extends Schema.TaggedError<LeaseLost>()("LeaseLost", {
  address: Schema.String,
  epoch: Schema.Int
}) {
  override get message() {
    return `The lease of ${this.address} with epoch ${this.epoch} is lost. Stop what was done under it, and acquire another`
  }
}

/** The authority could not grant it: its storage failed, it cannot be reached, or it has as many leases as it may. */
export class LeaseNotGranted extends Schema.TaggedError<LeaseNotGranted>()("LeaseNotGranted", {
  address: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `No lease of ${this.address} was granted: ${this.reason}. Nothing has changed; try again`
  }
}

export class LeaseAuthority extends Context.Service<
  LeaseAuthority,
  {
    /**
     * Grants a lease that nobody has. Stored before it is granted. Throws `RangeError` for a time outside of
     * `Limits.leaseTtlMsMin` to `Limits.leaseTtlMsMax`.
     */
    readonly acquire: (
      address: string,
      holder: string,
      ttlMs: number
    ) => Effect.Effect<Lease, LeaseHeld | LeaseNotGranted>
    /** Begins its time anew. One that has ended is never revived. */
    readonly renew: (lease: Lease) => Effect.Effect<void, LeaseLost | LeaseNotGranted>
    /** Gives it back before its end, or takes it away. Whether it was still on record. */
    readonly release: (lease: Lease) => Effect.Effect<boolean, LeaseNotGranted>
    /** The lease of an address, unless it has ended. */
    readonly find: (address: string) => Effect.Effect<CurrentLease | undefined, LeaseNotGranted>
  }
>()("@continuum/core/LeaseAuthority") {}
