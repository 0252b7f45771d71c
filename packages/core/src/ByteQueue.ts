/** Bytes that wait, in one buffer that grows as needed: however small the parts are, they cost no more than their bytes. */
export class ByteQueue {
  private buffer: Uint8Array
  private start: number
  private end: number

  constructor() {
    this.buffer = empty
    this.start = 0
    this.end = 0
  }

  get length(): number {
    return this.end - this.start
  }

  /** Copies bytes to the end. Amortised linear in their number. */
  push(bytes: Uint8Array): void {
    if (this.end + bytes.length > this.buffer.length) this.makeRoom(bytes.length)
    this.buffer.set(bytes, this.end)
    this.end += bytes.length
  }

  /** What waits, without taking it. Valid until the next `push`. */
  peek(): Uint8Array {
    return this.buffer.subarray(this.start, this.end)
  }

  /** Drops bytes from the front. An empty queue gives its buffer back. */
  drop(count: number): void {
    this.start += count
    if (this.start === this.end) this.clear()
  }

  clear(): void {
    this.buffer = empty
    this.start = 0
    this.end = 0
  }

  private makeRoom(count: number): void {
    const { length } = this
    // What was dropped is room, too, once it is at least half: moving then costs no more than what was dropped.
    const target =
      length + count <= this.buffer.length && this.start >= length
        ? this.buffer
        : new Uint8Array(Math.max(2 * length, length + count, 256))
    target.set(this.peek())
    this.buffer = target
    this.start = 0
    this.end = length
  }
}

const empty = new Uint8Array(0)
