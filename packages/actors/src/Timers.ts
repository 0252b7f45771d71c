/**
 * The timers of one actor: messages to itself, once or again and again. They live as long as it does: a restart or a stop
 * cancels them, and what a cancelled timer has already put into the mailbox is not handled.
 *
 * A periodic timer keeps its rhythm whatever its messages cost, but never has two of them waiting: an actor that is too
 * slow misses some.
 */
import { Duration } from "effect"
import type { Entry, TimerOptions } from "./Actor.ts"
import type { ActorCell } from "./ActorCell.ts"
import type { Due } from "./Alarm.ts"
import * as Limits from "./Limits.ts"

interface Timer {
  readonly key: string
  /** Handles the message, unless the timer was cancelled meanwhile. */
  readonly entry: Entry
  /** Undefined: it goes off once. */
  readonly everyMs: number | undefined
  readonly payload: unknown
  due: Due | undefined
  timeMs: number
  /** Whether a message of it waits. */
  waits: boolean
}

export class Timers {
  private readonly cell: ActorCell
  private readonly byKey: Map<string, Timer>

  constructor(cell: ActorCell) {
    this.cell = cell
    this.byKey = new Map()
  }

  get size(): number {
    return this.byKey.size
  }

  /** Sets a timer in place of an earlier one of the same key. Throws `RangeError` for one too many or a bad duration. */
  set(key: string, when: TimerOptions, message: Entry, payload: unknown): void {
    const ms = Duration.toMillis(Duration.fromInputUnsafe(when.every === undefined ? when.after : when.every))
    const everyMs = when.every === undefined ? undefined : ms
    if (!(Number.isFinite(ms) && ms >= (everyMs === undefined ? 0 : 1)))
      throw new RangeError(`A timer needs a finite duration, and a period of at least 1 ms, not ${ms} ms`)
    this.cancel(key)
    if (this.byKey.size >= Limits.timersMax)
      throw new RangeError(`${this.cell.address} has ${Limits.timersMax} timers already: cancel some first`)
    const timer: Timer = {
      key,
      entry: {
        ...message,
        handler: (state, payload, context) => {
          if (this.byKey.get(key) !== timer) return state
          timer.waits = false
          if (everyMs === undefined) this.byKey.delete(key)
          return message.handler(state, payload, context)
        }
      },
      everyMs,
      payload,
      due: undefined,
      timeMs: this.cell.kernel.nowMs() + ms,
      waits: false
    }
    this.byKey.set(key, timer)
    this.arm(timer)
  }

  cancel(key: string): void {
    const timer = this.byKey.get(key)
    if (timer === undefined) return
    this.byKey.delete(key)
    if (timer.due !== undefined) this.cell.kernel.alarm.cancel(timer.due)
  }

  cancelAll(): void {
    // Deleting the present key is allowed while a Map is walked.
    for (const key of this.byKey.keys()) this.cancel(key)
  }

  private arm(timer: Timer): void {
    timer.due = this.cell.kernel.alarm.set(timer.timeMs, () => {
      timer.due = undefined
      this.goOff(timer)
    })
  }

  private goOff(timer: Timer): void {
    const { cell } = this
    if (!timer.waits) {
      const { spans } = cell.kernel
      const entry = spans === undefined ? timer.entry : spans.sample(timer.entry, cell.address, undefined)
      const refused = cell.offer(entry, timer.payload, undefined)
      if (refused === undefined) timer.waits = true
      else {
        cell.deadLetter(timer.entry, refused.message)
        if (timer.everyMs === undefined) this.byKey.delete(timer.key)
      }
    }
    if (timer.everyMs === undefined) return
    // After a pause of the process the rhythm goes on, and what was missed is not made up for.
    const lateMs = cell.kernel.nowMs() - timer.timeMs
    timer.timeMs += timer.everyMs * (Math.floor(lateMs / timer.everyMs) + 1)
    this.arm(timer)
  }
}
