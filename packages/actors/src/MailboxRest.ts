/**
 * The messages of a mailbox behind the oldest one, which lies in the mailbox itself: those in the order they came in a list of fixed
 * chunks, and urgent ones and those put back, which few actors have, beside them (`Front`). Internal to Mailbox, which made sure that
 * there is a message where one is taken.
 *
 * A message is three slots (entry, payload, ask), so that sending one allocates nothing. Adding and taking are O(1), not just
 * amortised: there is nothing to copy when a burst arrives. The first chunk is a small one, since most mailboxes that hold more than one
 * message hold few. Chunks go to a pool and come back from it. A ring that doubles, and is given back when it is empty, was measured too:
 * in bursts it spent most of its time growing.
 */
import type { Entry } from "./Actor.ts"
import type { Ask } from "./Ask.ts"
import { mailboxChunkMessages, mailboxChunksPooled, mailboxFirstChunkMessages } from "./Limits.ts"
import type { Waiting } from "./Mailbox.ts"

const slotsPerMessage = 3
// The slot behind the messages holds the next chunk.
type Chunk = Array<unknown>
const slotsOf = (chunk: Chunk): number => chunk.length - 1

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

export class MailboxRest {
  private first: Chunk | undefined
  private last: Chunk | undefined
  // Slots of the oldest message in `first`, and behind the newest in `last`.
  private readAt: number
  private writeAt: number
  // While there is something in it.
  private front: Front | undefined

  constructor() {
    this.first = undefined
    this.last = undefined
    this.readAt = 0
    this.writeAt = 0
    this.front = undefined
  }

  /** Adds at the end. */
  push(entry: Entry, payload: unknown, ask: Ask | undefined): void {
    if (this.last === undefined || this.writeAt === slotsOf(this.last)) this.append()
    const chunk = this.last!
    const at = this.writeAt
    chunk[at] = entry
    chunk[at + 1] = payload
    chunk[at + 2] = ask
    this.writeAt = at + slotsPerMessage
  }

  /** Adds behind the last urgent one. */
  pushUrgent(message: Waiting): void {
    ;(this.front ??= new Front()).urgent.push(message)
  }

  /** Adds behind all urgent ones and before all others. */
  unshift(message: Waiting): void {
    ;(this.front ??= new Front()).putBack.push(message)
  }

  /** Whether the next one is not from the chunks. */
  get hasFront(): boolean {
    return this.front !== undefined
  }

  /** Removes the next one; only if `hasFront`. */
  takeFront(): Waiting {
    const front = this.front!
    const message = front.take()
    if (front.size === 0) this.front = undefined
    return message
  }

  /** Parts of the first message in the chunks. */
  get entry(): Entry {
    return this.first![this.readAt] as Entry
  }
  get payload(): unknown {
    return this.first![this.readAt + 1]
  }
  get ask(): Ask | undefined {
    return this.first![this.readAt + 2] as Ask | undefined
  }

  /** Removes the first message in the chunks. `isLast`: there is no other. */
  drop(isLast: boolean): void {
    const chunk = this.first!
    const at = this.readAt
    // The entry belongs to the definition and may stay; the others must not be kept alive.
    chunk[at + 1] = undefined
    chunk[at + 2] = undefined
    this.readAt = at + slotsPerMessage
    if (isLast || this.readAt === slotsOf(chunk)) this.release(chunk)
  }

  /** Removes the first of its `size` messages that is not urgent; undefined when all are. */
  shed(size: number): Waiting | undefined {
    const { front } = this
    const at = front === undefined ? -1 : front.putBack.findLastIndex(({ entry }) => !entry.urgent)
    if (at >= 0) {
      const [shed] = front!.putBack.splice(at, 1)
      if (front!.size === 0) this.front = undefined
      return shed
    }
    const inChunks = size - (front?.size ?? 0)
    if (inChunks === 0) return undefined
    const shed = { entry: this.entry, payload: this.payload, ask: this.ask }
    this.drop(inChunks === 1)
    return shed
  }

  /** Names of the first `max` of its `size` messages, the next one first. */
  names(max: number, size: number): Array<string> {
    const names = this.front === undefined ? [] : this.front.names().slice(0, max)
    let chunk = this.first!
    let at = this.readAt
    while (names.length < max && names.length < size) {
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
