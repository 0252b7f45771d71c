/**
 * The holder's view of a lease: how long it may still act on it. It counts from before it asked, stops a margin early, and
 * believes whichever of its clocks says that more time has passed: the monotonic one stands still while a machine sleeps, the
 * wall clock may be set back.
 */
import type { Clock } from "effect"
import { leaseMargin } from "./Limits.ts"

/** A moment by both clocks. */
interface Moment {
  readonly wallMs: number
  readonly monotonicMs: number
}

export class LeaseTerm {
  private readonly clock: Clock.Clock
  private readonly usableMs: number
  private since: Moment
  private ended: boolean

  /** The term of a lease that is being asked for now: it counts from here. */
  constructor(clock: Clock.Clock, ttlMs: number) {
    this.clock = clock
    this.usableMs = ttlMs * (1 - leaseMargin)
    this.since = this.now()
    this.ended = false
  }

  /** Now; a renewal that is asked for after it, and granted, counts from it. */
  now(): Moment {
    return {
      wallMs: this.clock.currentTimeMillisUnsafe(),
      monotonicMs: Number(this.clock.monotonicTimeNanosUnsafe()) / 1e6
    }
  }

  /** The renewal that was asked for at this moment was granted. */
  renewed(at: Moment): void {
    if (!this.ended && at.monotonicMs >= this.since.monotonicMs) this.since = at
  }

  /** Milliseconds in which the holder may still act; 0 or less: it must stop. */
  get remainingMs(): number {
    if (this.ended) return Number.NEGATIVE_INFINITY
    const { monotonicMs, wallMs } = this.now()
    return this.usableMs - Math.max(wallMs - this.since.wallMs, monotonicMs - this.since.monotonicMs)
  }

  /** Ends it now and for good: it was given back or lost, and the answer to a renewal may still be on its way. */
  end(): void {
    this.ended = true
  }
}
