/**
 * A bounded first-in first-out queue of one actor's messages. The first message lies in the mailbox itself; those behind it
 * in a list of fixed chunks, arrays that are written and read in order; the first is a small one, since most mailboxes that hold more
 * than one message hold few.
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
  }

  /** Adds at the end. False, and nothing changed, when full. */
  offer(entry: Entry, payload: unknown, ask: Ask | undefined): boolean {
    if (this.size === 0) {
      this.oldestEntry = entry
      this.oldestPayload = payload
      this.oldestAsk = ask
      this.size = 1
      return true
    }
    if (this.size >= this.capacity) return false
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
