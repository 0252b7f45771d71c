/**
 * One clock for all that is due later: a heap of times with what to do then, and one sleeping fiber for the earliest.
 *
 * Setting and cancelling are O(log n). Nothing runs early; what is due runs in the order of its time, and of its setting
 * where times are equal. A clock that jumps ahead makes things due at once, one that jumps back makes them late by as much.
 */
import { Effect, Exit, type Fiber } from "effect"
import { alarmSleepMsMax } from "./Limits.ts"

/** What an alarm needs of the system. */
export interface Host {
  readonly nowMs: () => number
  readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
}

/** Something that is due at a time. */
export class Due {
  /** Milliseconds since the epoch. */
  readonly timeMs: number
  readonly task: () => void
  readonly order: number
  // Place in the heap; -1 when it is not in it.
  at: number
  constructor(timeMs: number, task: () => void, order: number) {
    this.timeMs = timeMs
    this.task = task
    this.order = order
    this.at = -1
  }
}

export class Alarm {
  private readonly host: Host
  private readonly sleepMsMax: number
  private readonly heap: Array<Due>
  private order: number
  private fiber: Fiber.Fiber<void> | undefined
  private sleepsUntilMs: number
  private stopped: boolean

  /** `sleepMsMax`: milliseconds until it looks at the clock again, in case that jumped. */
  constructor(host: Host, sleepMsMax = alarmSleepMsMax) {
    this.host = host
    this.sleepMsMax = sleepMsMax
    this.heap = []
    this.order = 0
    this.fiber = undefined
    this.sleepsUntilMs = Number.POSITIVE_INFINITY
    this.stopped = false
  }

  get size(): number {
    return this.heap.length
  }

  set(timeMs: number, task: () => void): Due {
    const due = new Due(timeMs, task, this.order++)
    if (this.stopped) return due
    due.at = this.heap.push(due) - 1
    this.rise(due.at)
    this.sleep()
    return due
  }

  cancel(due: Due): void {
    if (due.at >= 0) this.remove(due.at)
    if (this.heap.length === 0) this.rest()
  }

  /** Forgets all that is due, for good: the system has stopped. */
  stop(): void {
    this.stopped = true
    for (const due of this.heap) due.at = -1
    this.heap.length = 0
    this.rest()
  }

  private sleep(): void {
    const first = this.heap[0]
    if (first === undefined || this.sleepsUntilMs <= first.timeMs) return
    this.rest()
    const now = this.host.nowMs()
    // At least a millisecond, so that others get the thread.
    const untilMs = Math.min(first.timeMs, now + this.sleepMsMax)
    this.sleepsUntilMs = untilMs
    const fiber = this.host.fork(Effect.sleep(Math.max(1, untilMs - now)))
    this.fiber = fiber
    fiber.addObserver((exit) => {
      if (this.fiber !== fiber || Exit.isFailure(exit)) return
      this.fiber = undefined
      this.sleepsUntilMs = Number.POSITIVE_INFINITY
      this.ring()
    })
  }

  /** Stops sleeping. */
  private rest(): void {
    const { fiber } = this
    this.fiber = undefined
    this.sleepsUntilMs = Number.POSITIVE_INFINITY
    fiber?.interruptUnsafe()
  }

  private ring(): void {
    const now = this.host.nowMs()
    // What these tasks set in their turn waits for the next time, so that others get the thread.
    const before = this.order
    while (this.heap.length > 0 && this.heap[0]!.timeMs <= now && this.heap[0]!.order < before) this.remove(0).task()
    this.sleep()
  }

  private remove(at: number): Due {
    const removed = this.heap[at]!
    const last = this.heap.pop()!
    removed.at = -1
    if (last !== removed) {
      this.heap[at] = last
      last.at = at
      this.rise(at)
      this.sink(last.at)
    }
    return removed
  }

  private rise(from: number): void {
    for (let at = from; at > 0;) {
      const above = (at - 1) >> 1
      if (!isBefore(this.heap[at]!, this.heap[above]!)) return
      this.swap(at, above)
      at = above
    }
  }

  private sink(from: number): void {
    for (let at = from; ;) {
      const left = 2 * at + 1
      if (left >= this.heap.length) return
      const right = left + 1
      const least = right < this.heap.length && isBefore(this.heap[right]!, this.heap[left]!) ? right : left
      if (!isBefore(this.heap[least]!, this.heap[at]!)) return
      this.swap(at, least)
      at = least
    }
  }

  private swap(one: number, other: number): void {
    const { heap } = this
    const due = heap[one]!
    heap[one] = heap[other]!
    heap[other] = due
    heap[one]!.at = one
    due.at = other
  }
}

const isBefore = (one: Due, other: Due): boolean =>
  one.timeMs < other.timeMs || (one.timeMs === other.timeMs && one.order < other.order)
