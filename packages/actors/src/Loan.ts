/**
 * An actor of this node that another one has: its lease, and the commits under it.
 */
import type { Lease } from "@continuum/core/LeaseAuthority"
import { Semaphore } from "effect"

export class Loan {
  readonly lease: Lease
  /** Sequence of the last commit that was stored; 0 also after a restart, when none can be sent a second time any more. */
  stored: number
  /** One commit at a time. */
  readonly turn: Semaphore.Semaphore

  constructor(lease: Lease) {
    this.lease = lease
    this.stored = 0
    this.turn = Semaphore.makeUnsafe(1)
  }
}
