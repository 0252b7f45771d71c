/**
 * A bounded queue of one actor's messages: urgent ones first, then those that were put back, then the others in the order they
 * came. The first message lies in the mailbox itself; those behind it in a list of fixed chunks, arrays that are written and read
 * in order; the first is a small one, since most mailboxes that hold more than one message hold few. Urgent ones and those put
 * back, which few actors have, wait beside them (`Front`).
 *
 * A message is three slots (entry, payload, ask), so that sending one allocates nothing. Offer and drop are O(1), not just
 * amortised: there is nothing to copy when a burst arrives. A mailbox with at most one message holds no chunk, so an idle
 * actor costs the same whatever it went through; chunks go to a small pool and come back from it. A ring that doubles, and
 * is given back when it is empty, was measured too: in bursts it spent most of its time growing.
 */
import type { Entry } from "./Actor.ts"
import type { Ask } from "./Ask.ts"
import { mailboxChunkMessages, mailboxChunksPooled, mailboxFirstChunkMessages } from "./Limits.ts"

const slotsPerMessage = 3
// The slot behind the messages holds the next chunk.
type Chunk = Array<unknown>
const slotsOf = (chunk: Chunk): number => chunk.length - 1

/** One message outside of the chunks. */
export interface Waiting {
  readonly entry: Entry
  readonly payload: unknown
  readonly ask: Ask | undefined
}

/** Messages that come before those in the chunks, the first one apart. */
class Front {
  /** In their order; those before `urgentAt` are taken. */
  readonly urgent: Array<Waiting | undefined>
  urgentAt: number
  /** In the opposite order. */
  readonly putBack: Array<Waiting>

  constructor() {
    this.urgent = []
    this.urgentAt = 0
    this.putBack = []
  }

  get size(): number {
    return this.urgent.length - this.urgentAt + this.putBack.length
  }

  take(): Waiting {
    if (this.urgentAt === this.urgent.length) return this.putBack.pop()!
    const waiting = this.urgent[this.urgentAt]!
    this.urgent[this.urgentAt++] = undefined
    if (this.urgentAt === this.urgent.length) {
      this.urgent.length = 0
      this.urgentAt = 0
    }
    return waiting
  }

  /** Names of its messages, the next one first. */
  names(): Array<string> {
    const ahead = [...this.urgent.slice(this.urgentAt), ...this.putBack.toReversed()]
    return ahead.map((waiting) => waiting!.entry.name)
  }
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
  private first: Chunk | undefined
  private last: Chunk | undefined
  // Slots of the second message in `first`, and behind the newest in `last`.
  private readAt: number
  private writeAt: number
  // While there is something in it.
  private front: Front | undefined

  constructor(capacity: number) {
    this.size = 0
    this.capacity = capacity
    this.oldestEntry = undefined
    this.oldestPayload = undefined
    this.oldestAsk = undefined
    this.first = undefined
    this.last = undefined
    this.readAt = 0
    this.writeAt = 0
    this.front = undefined
  }

  /** Adds at the end, or behind the last urgent one if it is urgent. False, and nothing changed, when full. */
  offer(entry: Entry, payload: unknown, ask: Ask | undefined): boolean {
    if (this.size === 0) {
      this.oldestEntry = entry
      this.oldestPayload = payload
      this.oldestAsk = ask
      this.size = 1
      return true
    }
    if (this.size >= this.capacity) return false
    return this.place(entry, payload, ask)
  }

  /** Adds a message as `offer` does, also when it is full: for messages that are counted elsewhere. */
  add(entry: Entry, payload: unknown, ask: Ask | undefined): void {
    if (this.size === 0) this.offer(entry, payload, ask)
    else this.place(entry, payload, ask)
  }

  /** Only while there is a message already. */
  private place(entry: Entry, payload: unknown, ask: Ask | undefined): true {
    if (entry.urgent) return this.offerUrgent(entry, payload, ask)
    if (this.last === undefined || this.writeAt === slotsOf(this.last)) this.append()
    const chunk = this.last!
    const at = this.writeAt
    chunk[at] = entry
    chunk[at + 1] = payload
    chunk[at + 2] = ask
    this.writeAt = at + slotsPerMessage
    this.size++
    return true
  }

  private offerUrgent(entry: Entry, payload: unknown, ask: Ask | undefined): true {
    const front = (this.front ??= new Front())
    if (this.oldestEntry!.urgent) front.urgent.push({ entry, payload, ask })
    else {
      front.putBack.push(this.oldest())
      this.oldestEntry = entry
      this.oldestPayload = payload
      this.oldestAsk = ask
    }
    this.size++
    return true
  }

  /**
   * Puts messages back that were taken before: in this order, before all others that are not urgent, even when the mailbox is
   * full.
   */
  putBack(messages: ReadonlyArray<Waiting>): void {
    if (messages.length === 0) return
    const front = (this.front ??= new Front())
    const urgentFirst = this.size > 0 && this.oldestEntry!.urgent
    if (this.size > 0 && !urgentFirst) front.putBack.push(this.oldest())
    for (const message of messages.toReversed()) front.putBack.push(message)
    this.size += messages.length
    if (!urgentFirst) this.refill(front)
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
    if (this.front !== undefined) return this.refill(this.front)
    const chunk = this.first!
    const at = this.readAt
    this.oldestEntry = chunk[at] as Entry
    this.oldestPayload = chunk[at + 1]
    this.oldestAsk = chunk[at + 2] as Ask | undefined
    // The entry belongs to the definition and may stay; the others must not be kept alive.
    chunk[at + 1] = undefined
    chunk[at + 2] = undefined
    this.readAt = at + slotsPerMessage
    if (this.size === 1 || this.readAt === slotsOf(chunk)) this.release(chunk)
  }

  /** Names of the first `max` messages, oldest first. */
  names(max: number): Array<string> {
    const names: Array<string> = []
    if (this.size > 0 && max > 0) names.push(this.oldestEntry!.name)
    if (this.front !== undefined) names.push(...this.front.names().slice(0, max - names.length))
    let chunk = this.first!
    let at = this.readAt
    while (names.length < max && names.length < this.size) {
      if (at === slotsOf(chunk)) {
        chunk = chunk[at] as Chunk
        at = 0
      }
      names.push((chunk[at] as Entry).name)
      at += slotsPerMessage
    }
    return names
  }

  /** Chunks in use. O(their number). */
  get chunks(): number {
    let count = 0
    for (let chunk = this.first; chunk !== undefined; chunk = chunk.at(-1) as Chunk | undefined) count++
    return count
  }

  private oldest(): Waiting {
    return { entry: this.oldestEntry!, payload: this.oldestPayload, ask: this.oldestAsk }
  }

  /** Makes the first message of the front the oldest one. */
  private refill(front: Front): void {
    const { ask, entry, payload } = front.take()
    this.oldestEntry = entry
    this.oldestPayload = payload
    this.oldestAsk = ask
    if (front.size === 0) this.front = undefined
  }

  private append(): void {
    let chunk: Chunk
    if (this.last === undefined) {
      this.first = chunk = smallPool.pop() ?? smallChunk.slice()
      this.readAt = 0
    } else this.last[slotsOf(this.last)] = chunk = pool.pop() ?? emptyChunk.slice()
    this.last = chunk
    this.writeAt = 0
  }

  /** Gives back the first chunk, which has been read to its end or to the end of all messages. */
  private release(chunk: Chunk): void {
    const next = slotsOf(chunk)
    this.first = chunk[next] as Chunk | undefined
    this.readAt = 0
    if (this.first === undefined) this.last = undefined
    chunk[next] = undefined
    const into = next === slotsOf(smallChunk) ? smallPool : pool
    if (into.length < mailboxChunksPooled) into.push(chunk)
  }
}

const makeChunk = (messages: number): Chunk => Array.from({ length: messages * slotsPerMessage + 1 })
const emptyChunk = makeChunk(mailboxChunkMessages)
const smallChunk = makeChunk(mailboxFirstChunkMessages)

// For the whole thread: what is in them is empty, so systems may share them.
const pool: Array<Chunk> = []
const smallPool: Array<Chunk> = []
