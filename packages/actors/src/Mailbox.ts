/**
 * A bounded queue of one actor's messages: urgent ones first, then those that were put back, then the others in the order they
 * came. The oldest message lies in the mailbox itself, and those behind it in its `MailboxRest`, which is made for the first of them: an
 * actor that never has two messages waiting costs nothing more, and one that is idle costs the same whatever it went through.
 */
import type { Entry } from "./Actor.ts"
import type { Ask } from "./Ask.ts"
import { MailboxRest } from "./MailboxRest.ts"

/** One message outside of the chunks. */
export interface Waiting {
  readonly entry: Entry
  readonly payload: unknown
  readonly ask: Ask | undefined
}

export class Mailbox {
  /** Messages waiting. */
  size: number
  /** Messages that may wait; a whole number of 1 or more. */
  readonly capacity: number
  // The oldest message, while there is any.
  private oldestEntry: Entry | undefined
  private oldestPayload: unknown
  private oldestAsk: Ask | undefined
  private rest: MailboxRest | undefined

  constructor(capacity: number) {
    this.size = 0
    this.capacity = capacity
    this.oldestEntry = undefined
    this.oldestPayload = undefined
    this.oldestAsk = undefined
    this.rest = undefined
  }

  /** Adds at the end, or behind the last urgent one if it is urgent. False, and nothing changed, when full. */
  put(entry: Entry, payload: unknown, ask: Ask | undefined): boolean {
    if (this.size === 0) {
      this.setOldest(entry, payload, ask)
      this.size = 1
      return true
    }
    if (this.size >= this.capacity) return false
    this.place(entry, payload, ask)
    return true
  }

  /** Adds a message as `put` does, also when it is full: for messages that are counted elsewhere. */
  add(entry: Entry, payload: unknown, ask: Ask | undefined): void {
    if (this.size === 0) this.put(entry, payload, ask)
    else this.place(entry, payload, ask)
  }

  /** Only while there is a message already. */
  private place(entry: Entry, payload: unknown, ask: Ask | undefined): void {
    const rest = (this.rest ??= new MailboxRest())
    if (!entry.urgent) rest.push(entry, payload, ask)
    else if (this.oldestEntry!.urgent) rest.pushUrgent({ entry, payload, ask })
    else {
      rest.unshift(this.oldest())
      this.setOldest(entry, payload, ask)
    }
    this.size++
  }

  /**
   * Puts messages back that were taken before: in this order, before all others that are not urgent, even when the mailbox is
   * full.
   */
  putBack(messages: ReadonlyArray<Waiting>): void {
    if (messages.length === 0) return
    const rest = (this.rest ??= new MailboxRest())
    const urgentFirst = this.size > 0 && this.oldestEntry!.urgent
    if (this.size > 0 && !urgentFirst) rest.unshift(this.oldest())
    for (const message of messages.toReversed()) rest.unshift(message)
    this.size += messages.length
    if (!urgentFirst) this.takeFront(rest)
  }

  /** Parts of the oldest message; only while `size` is above 0. */
  get entry(): Entry {
    return this.oldestEntry!
  }
  get payload(): unknown {
    return this.oldestPayload
  }
  get ask(): Ask | undefined {
    return this.oldestAsk
  }

  /** Removes the oldest message; only while `size` is above 0. */
  drop(): void {
    if (--this.size === 0) {
      this.oldestPayload = undefined
      this.oldestAsk = undefined
      return
    }
    const rest = this.rest!
    if (rest.hasFront) return this.takeFront(rest)
    this.setOldest(rest.entry, rest.payload, rest.ask)
    rest.drop(this.size === 1)
  }

  /** Removes the oldest message that is not urgent, or the oldest one when all are. Only while `size` is above 0. */
  shed(): Waiting {
    const shed = this.oldestEntry!.urgent ? this.rest?.shed(this.size - 1) : undefined
    if (shed !== undefined) {
      this.size--
      return shed
    }
    const oldest = this.oldest()
    this.drop()
    return oldest
  }

  /** Names of the first `max` messages, oldest first. */
  names(max: number): Array<string> {
    if (this.size === 0 || max <= 0) return []
    const rest = this.rest === undefined ? [] : this.rest.names(max - 1, this.size - 1)
    return [this.oldestEntry!.name, ...rest]
  }

  /** Chunks in use. O(their number). */
  get chunks(): number {
    return this.rest === undefined ? 0 : this.rest.chunks
  }

  private oldest(): Waiting {
    return { entry: this.oldestEntry!, payload: this.oldestPayload, ask: this.oldestAsk }
  }

  private setOldest(entry: Entry, payload: unknown, ask: Ask | undefined): void {
    this.oldestEntry = entry
    this.oldestPayload = payload
    this.oldestAsk = ask
  }

  private takeFront(rest: MailboxRest): void {
    const { ask, entry, payload } = rest.takeFront()
    this.setOldest(entry, payload, ask)
  }
}
