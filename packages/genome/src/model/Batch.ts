/**
 * Rows of different lengths side by side: the shorter ones are filled up on the left, where attention does not look.
 */
import type { RowKv } from "./KvCache.ts"

/** Keys and values of several rows: for each block first keys, then values, each [rows, heads, width, size]. */
export interface BatchKv {
  readonly rows: number
  readonly width: number
  readonly tensors: ReadonlyArray<Float32Array>
}

/** Puts rows together; the batch is as wide as the longest. `tensors`: how many a row has. O(their numbers). */
export const stack = (rows: ReadonlyArray<RowKv>, heads: number, size: number): BatchKv => {
  const width = rows.reduce((most, { length }) => Math.max(most, length), 0)
  const count = rows[0]!.tensors.length
  const tensors = Array.from({ length: count }, () => new Float32Array(rows.length * heads * width * size))
  for (const [row, { length, tensors: parts }] of rows.entries()) {
    for (let i = 0; i < count; i++) {
      for (let head = 0; head < heads; head++) {
        const part = parts[i]!.subarray(head * length * size, (head + 1) * length * size)
        tensors[i]!.set(part, ((row * heads + head) * width + width - length) * size)
      }
    }
  }
  return { rows: rows.length, width, tensors }
}

/** Takes out the last `length` positions of a row, as a copy. */
export const take = (batch: BatchKv, row: number, length: number, heads: number, size: number): RowKv => ({
  length,
  tensors: batch.tensors.map((tensor) => {
    const part = new Float32Array(heads * length * size)
    for (let head = 0; head < heads; head++) {
      const end = ((row * heads + head) * batch.width + batch.width) * size
      part.set(tensor.subarray(end - length * size, end), head * length * size)
    }
    return part
  })
})

/** Nothing computed yet. */
export const emptyRow = (tensors: number): RowKv => ({
  length: 0,
  tensors: Array.from({ length: tensors }, () => new Float32Array(0))
})
