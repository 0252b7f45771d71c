/**
 * The queue of actors that have something to do. One per system, drained on the host's thread.
 *
 * Ready actors take turns, first come first served; a turn handles a bounded number of messages, so the wait of a ready
 * actor is at most the sum of the turns of those before it, and none starves. After a bounded number of messages, or
 * of milliseconds, the host's timers and I/O get their share. What runs the queue is the service `Drain`.
 */
import { Context, Scheduler } from "effect"
import * as Limits from "./Limits.ts"

/** How the queue gets the thread. A simulation provides its own to decide the order of everything. */
export interface Drain {
  /** Whether an ask of an idle actor may be handled at once. A simulation says no, to see every interleaving. */
  readonly direct: boolean
  /** Runs the task soon, before timers and I/O. */
  readonly soon: (task: () => void) => void
  /** Runs the task after timers and I/O had their share. */
  readonly later: (task: () => void) => void
}

/** Absent: microtasks for `soon` and Effect's Scheduler for `later`. */
export const Drain = Context.Reference<Drain | undefined>("@continuum/actors/RunQueue/Drain", {
  defaultValue: () => undefined
})

/** Both through a Scheduler of Effect: with a seeded one, actors and fibers replay together. */
export const drainByScheduler = (scheduler: Scheduler.Scheduler): Drain => {
  const dispatcher = scheduler.makeDispatcher()
  const schedule = (task: () => void) => dispatcher.scheduleTask(task, 0)
  return { direct: false, soon: schedule, later: schedule }
}

/** The drain of a context: its own if it has one, otherwise the default. */
export const drainOf = (context: Context.Context<never>): Drain =>
  Context.get(context, Drain) ?? {
    direct: true,
    soon: queueMicrotask,
    later: drainByScheduler(Context.get(context, Scheduler.Scheduler)).later
  }

/** What takes turns. */
export interface Runnable {
  /** Handles messages, at most a turn's worth, and returns how many it handled. */
  readonly turn: () => number
  /** Whether it has more to do right now. */
  readonly ready: boolean
}

export class RunQueue {
  private readonly drain: Drain
  private readonly nowMs: () => number
  // Ring of power-of-two length, as in Mailbox; grows with the number of ready actors and is given back when idle.
  private ring: Array<Runnable | undefined>
  private head: number
  private size: number
  private scheduled: boolean
  private messagesLeft: number
  private untilClock: number
  private hostTurnAtMs: number
  private readonly direct: boolean
  private directDepth: number

  constructor(drain: Drain, nowMs: () => number) {
    this.drain = drain
    this.direct = drain.direct
    this.directDepth = 0
    this.nowMs = nowMs
    this.ring = emptyRing()
    this.head = 0
    this.size = 0
    this.scheduled = false
    this.messagesLeft = Limits.hostTurnMessages
    this.untilClock = Limits.clockEveryMessages
    this.hostTurnAtMs = nowMs() + Limits.hostTurnMs
  }

  /** Adds at the end. The caller sees to it that nothing is in the queue twice. */
  push(runnable: Runnable): void {
    if (this.size === this.ring.length) this.grow()
    this.ring[(this.head + this.size) & (this.ring.length - 1)] = runnable
    this.size++
    if (!this.scheduled) {
      this.scheduled = true
      this.drain.soon(this.run)
    }
  }

  /**
   * Whether a message may be handled right now instead of in a turn: nobody waits for one, the host is not due, and the stack
   * is not deep. It counts like a message of a turn. Every `true` is followed by `leaveDirect`.
   */
  enterDirect(): boolean {
    if (this.size > 0 || !this.direct || this.directDepth >= Limits.directDepthMax) return false
    if (--this.messagesLeft <= 0 || (--this.untilClock <= 0 && this.hostIsDue())) return false
    this.directDepth++
    return true
  }

  leaveDirect(): void {
    this.directDepth--
  }

  /** Runs a task after everything that is ready now has had its turn, before timers and I/O. */
  afterTurns(task: () => void): void {
    this.drain.soon(task)
  }

  private readonly run = (): void => {
    while (this.size > 0) {
      if (this.messagesLeft <= 0 || (this.untilClock <= 0 && this.hostIsDue())) {
        this.drain.later(this.runAfterHost)
        return
      }
      const runnable = this.ring[this.head]!
      this.ring[this.head] = undefined
      this.head = (this.head + 1) & (this.ring.length - 1)
      this.size--
      const handled = runnable.turn()
      this.messagesLeft -= handled
      this.untilClock -= handled
      if (runnable.ready) {
        if (this.size === this.ring.length) this.grow()
        this.ring[(this.head + this.size) & (this.ring.length - 1)] = runnable
        this.size++
      }
    }
    this.scheduled = false
    if (this.ring.length > slotsIdleMax) this.ring = emptyRing()
  }

  private readonly runAfterHost = (): void => {
    this.messagesLeft = Limits.hostTurnMessages
    this.untilClock = Limits.clockEveryMessages
    this.hostTurnAtMs = this.nowMs() + Limits.hostTurnMs
    this.run()
  }

  private hostIsDue(): boolean {
    this.untilClock = Limits.clockEveryMessages
    return this.nowMs() >= this.hostTurnAtMs
  }

  private grow(): void {
    const larger = emptyRing(this.ring.length * 2)
    for (let i = 0; i < this.size; i++) larger[i] = this.ring[(this.head + i) & (this.ring.length - 1)]
    this.ring = larger
    this.head = 0
  }
}

// 1,024 references are 8 kB: not worth giving back. Chosen, not measured.
const slotsIdleMax = 1_024

const emptyRing = (length = 64): Array<Runnable | undefined> => {
  const ring: Array<Runnable | undefined> = []
  for (let i = 0; i < length; i++) ring.push(undefined)
  return ring
}

/** Messages in a turn of an actor: 16 at priority 128, doubled every 32 above it and halved every 32 below. */
export const turnMessages = (priority: number): number =>
  Math.min(Limits.turnMessagesMax, Math.max(1, Math.round(Limits.turnMessages * 2 ** ((priority - 128) / 32))))
