/**
 * The deadlines of all asks that wait for the same length of time: a list in order of expiry, so that adding and
 * removing are O(1) and one sleeping fiber serves them all.
 *
 * The fiber looks at most once a second and ends when no ask waits, so it holds up the end of a process by a second at
 * most. An ask therefore never fails early, and at most a millisecond's rounding late.
 */
import { Effect } from "effect"
import { AskTimeout } from "./ActorError.ts"
import type { Ask } from "./Ask.ts"

const lookEveryMs = 1_000

/** What the deadlines need of the system. */
export interface Host {
  readonly nowMs: () => number
  readonly fork: (effect: Effect.Effect<void>) => unknown
}

export class AskDeadlines {
  private readonly host: Host
  readonly timeoutMs: number
  private first: Ask | undefined
  private last: Ask | undefined
  private watching: boolean

  constructor(host: Host, timeoutMs: number) {
    this.host = host
    this.timeoutMs = timeoutMs
    this.first = undefined
    this.last = undefined
    this.watching = false
  }

  add(ask: Ask): void {
    ask.deadlines = this
    ask.deadlineMs = this.host.nowMs() + this.timeoutMs
    ask.previous = this.last
    if (this.last === undefined) this.first = ask
    else this.last.next = ask
    this.last = ask
    if (!this.watching) {
      this.watching = true
      this.host.fork(this.watch)
    }
  }

  remove(ask: Ask): void {
    if (ask.previous === undefined) this.first = ask.next
    else ask.previous.next = ask.next
    if (ask.next === undefined) this.last = ask.previous
    else ask.next.previous = ask.previous
    ask.previous = undefined
    ask.next = undefined
    ask.deadlines = undefined
  }

  private readonly watch: Effect.Effect<void> = Effect.suspend(() => {
    const now = this.host.nowMs()
    while (this.first !== undefined && this.first.deadlineMs <= now) this.expire(this.first)
    if (this.first === undefined) {
      this.watching = false
      return Effect.void
    }
    return Effect.andThen(Effect.sleep(Math.min(this.first.deadlineMs - now, lookEveryMs)), this.watch)
  })

  private expire(ask: Ask): void {
    ask.fail(
      new AskTimeout({
        address: ask.cell?.address ?? "",
        messageName: ask.entry?.name ?? "",
        timeoutMs: this.timeoutMs
      })
    )
  }
}
