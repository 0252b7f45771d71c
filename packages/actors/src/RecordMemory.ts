/**
 * Memory for the records of a transaction: many short arrays side by side in one block.
 *
 * A block of its own for each record of 100 B costs more than all else that is done with it, and LMDB asks the engine for the
 * address of each block. What was taken is never given out again; a block is freed when no record of it is in use.
 */
import { recordBlockBytes } from "./Limits.ts"

export class RecordMemory {
  private block: Uint8Array
  private used: number

  constructor() {
    this.block = new Uint8Array(0)
    this.used = 0
  }

  /** Zeroed bytes. Long ones have a block of their own, so that a block is mostly used. */
  take(length: number): Uint8Array {
    if (length > recordBlockBytes / 4) return new Uint8Array(length)
    if (this.used + length > this.block.length) {
      this.block = new Uint8Array(recordBlockBytes)
      this.used = 0
    }
    const from = this.used
    this.used += length
    return this.block.subarray(from, this.used)
  }
}
