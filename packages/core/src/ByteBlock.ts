/**
 * Room for small byte arrays, many in one block: each array of its own above 64 bytes is an allocation outside of the engine's heap,
 * which costs more than filling it.
 *
 * What was taken is the taker's alone. Keeping one array keeps its block of `blockBytes`.
 */
const blockBytes = 16 * 1024
/** Larger ones are worth an allocation of their own. Chosen, not measured. */
const sharedBytesMax = 2 * 1024

export class ByteBlock {
  private block: Uint8Array
  private used: number

  constructor() {
    this.block = new Uint8Array(0)
    this.used = 0
  }

  /** So many zeros that nobody else has. */
  take(size: number): Uint8Array {
    if (size > sharedBytesMax) return new Uint8Array(size)
    if (this.used + size > this.block.length) {
      this.block = new Uint8Array(blockBytes)
      this.used = 0
    }
    const bytes = this.block.subarray(this.used, this.used + size)
    this.used += size
    return bytes
  }
}
