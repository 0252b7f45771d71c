/**
 * Keys and values of tokens that were computed before, for the next turn of a conversation, which begins with them.
 *
 * They depend on the layers that were active, so they are found by composition and then by the longest common beginning:
 * another composition is computed afresh. What is found equals what would be computed, so it cannot carry text from one
 * conversation into another. Bounded by bytes and entries; the least recently used goes first.
 */
import { kvCacheBytesMax, kvCacheEntriesMax } from "../Limits.ts"

/** Of one row: for each block first keys, then values, each [heads, length, size]. */
export interface RowKv {
  readonly length: number
  readonly tensors: ReadonlyArray<Float32Array>
}

interface Entry {
  readonly composition: string
  readonly tokens: ReadonlyArray<number>
  readonly kv: RowKv
  readonly bytes: number
}

export class KvCache {
  /** The least recently used first. */
  private readonly entries = new Set<Entry>()
  private bytes = 0
  private readonly heads: number
  private readonly bytesMax: number

  /** `heads`: of keys and values. */
  constructor(heads: number, bytesMax: number = kvCacheBytesMax) {
    this.heads = heads
    this.bytesMax = bytesMax
  }

  /** Keeps what was computed for `tokens`; `kv.length` of them. */
  put(composition: string, tokens: ReadonlyArray<number>, kv: RowKv): void {
    const bytes = kv.tensors.reduce((sum, tensor) => sum + tensor.byteLength, 0)
    if (bytes > this.bytesMax || kv.length === 0) return
    const known = tokens.slice(0, kv.length)
    // A longer one says all that a shorter one does.
    for (const entry of this.entries) {
      if (entry.composition === composition && common(entry.tokens, known) === entry.tokens.length) this.drop(entry)
    }
    this.entries.add({ composition, tokens: known, kv, bytes })
    this.bytes += bytes
    for (const oldest of this.entries) {
      if (this.bytes <= this.bytesMax && this.entries.size <= kvCacheEntriesMax) break
      this.drop(oldest)
    }
  }

  /** The longest beginning of `tokens` that is known, as copies; at most `lengthMax` tokens, and may be of length 0. */
  take(composition: string, tokens: ReadonlyArray<number>, lengthMax: number): RowKv | undefined {
    let best: Entry | undefined
    let length = 0
    for (const entry of this.entries) {
      if (entry.composition !== composition) continue
      const shared = Math.min(common(entry.tokens, tokens), lengthMax)
      if (shared > length) [best, length] = [entry, shared]
    }
    if (best === undefined) return undefined
    this.entries.delete(best)
    this.entries.add(best)
    return { length, tensors: best.kv.tensors.map((tensor) => shorten(tensor, this.heads, best.kv.length, length)) }
  }

  private drop(entry: Entry): void {
    this.entries.delete(entry)
    this.bytes -= entry.bytes
  }
}

const common = (a: ReadonlyArray<number>, b: ReadonlyArray<number>): number => {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return i
  return length
}

/** The first `length` positions of [heads, from, size]. */
const shorten = (tensor: Float32Array, heads: number, from: number, length: number): Float32Array => {
  const size = tensor.length / (heads * from)
  const result = new Float32Array(heads * length * size)
  for (let head = 0; head < heads; head++) {
    const start = head * from * size
    result.set(tensor.subarray(start, start + length * size), head * length * size)
  }
  return result
}
