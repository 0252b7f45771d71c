/**
 * The messages of a peer that are being worked on here, each by a fiber, by the number of its ask: until it ends, is cancelled, its
 * asker stops waiting, or the connection is gone.
 */
import type { Effect, Exit, Fiber } from "effect"

/** What following needs of its node. */
export interface FollowHost {
  readonly nowMs: () => number
  readonly fork: <A>(effect: Effect.Effect<A>) => Fiber.Fiber<A>
}

interface Followed {
  readonly fiber: Fiber.Fiber<unknown>
  readonly bytes: number
  /** When its asker stops waiting, by the host's clock. */
  readonly deadlineMs: number
}

export class FollowedMessages {
  private readonly host: FollowHost
  private readonly followed: Map<number, Followed>
  /** Bytes of the frames of all that are followed. */
  bytes: number

  constructor(host: FollowHost) {
    this.host = host
    this.followed = new Map()
    this.bytes = 0
  }

  get size(): number {
    return this.followed.size
  }

  has(number: number): boolean {
    return this.followed.has(number)
  }

  /** Works on a message of a frame of so many bytes for at most `timeoutMs`, and calls `then`, perhaps at once; never once it was cancelled or late. */
  follow<A>(
    number: number,
    bytes: number,
    timeoutMs: number | undefined,
    effect: Effect.Effect<A>,
    then: (exit: Exit.Exit<A>) => void
  ): void {
    const { followed, host } = this
    const fiber = host.fork(effect)
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return then(exit)
    followed.set(number, { fiber, bytes, deadlineMs: timeoutMs === undefined ? Infinity : host.nowMs() + timeoutMs })
    this.bytes += bytes
    fiber.addObserver((exit) => {
      // One that was cancelled is no longer waited for.
      if (followed.get(number)?.fiber !== fiber) return
      this.forget(number)
      then(exit)
    })
  }

  /** Interrupts one, if it has not ended: its answer may have crossed the cancellation. */
  cancel(number: number): void {
    this.forget(number)?.fiber.interruptUnsafe()
  }

  private forget(number: number): Followed | undefined {
    const followed = this.followed.get(number)
    if (followed === undefined) return undefined
    this.followed.delete(number)
    this.bytes -= followed.bytes
    return followed
  }

  /** Interrupts what nobody waits for any more. */
  look(nowMs: number): void {
    for (const [number, { deadlineMs }] of this.followed) if (deadlineMs <= nowMs) this.cancel(number)
  }

  /** Interrupts all. */
  closed(): void {
    for (const number of this.followed.keys()) this.cancel(number)
  }
}
