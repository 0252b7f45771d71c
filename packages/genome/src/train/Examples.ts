/**
 * From examples to batches: conversations with the answer that they should get, as rows of tokens.
 */
import type { Turn } from "../backend/Backend.ts"
import { encodePrompt, encodeText, marks } from "../model/Tokenizer.ts"
import type { RandomStream } from "../model/RandomStream.ts"
import type { Batch } from "./TrainerProtocol.ts"

export interface Example {
  readonly turns: ReadonlyArray<Turn>
  readonly answer: string
}

/** Draws an example. Every call may give another one. */
export type Source = (random: RandomStream) => Example

interface Tokens {
  readonly prompt: ReadonlyArray<number>
  /** With the end mark. */
  readonly answer: ReadonlyArray<number>
}

const tokensOf = ({ turns, answer }: Example): Tokens => ({
  prompt: encodePrompt(turns),
  answer: [...encodeText(answer), marks.end]
})

/** Tokens of an example, end mark included. */
export const lengthOf = (example: Example): number => {
  const { prompt, answer } = tokensOf(example)
  return prompt.length + answer.length
}

/**
 * Rows filled with one example after the other; only answers count. A model learns to look no further back than the start
 * mark. Throws a `RangeError` for an example that is longer than a row.
 */
export const packed = (source: Source, random: RandomStream, rows: number, sequence: number): Batch => {
  const batch = empty(rows, sequence)
  let left: Tokens | undefined
  for (let row = 0; row < rows; row++) {
    let at = 0
    for (;;) {
      const next = left ?? tokensOf(source(random))
      left = undefined
      const length = next.prompt.length + next.answer.length
      if (length - 1 > sequence) throw new RangeError(`An example of ${length} tokens for rows of ${sequence}`)
      if (at + length - 1 > sequence) {
        left = next
        break
      }
      at = write(batch, row * sequence + at, next) - row * sequence
    }
  }
  return batch
}

/** A row for each example, to measure answers one by one. */
export const single = (examples: ReadonlyArray<Example>, sequence: number): Batch => {
  const batch = empty(examples.length, sequence)
  for (const [row, example] of examples.entries()) {
    const tokens = tokensOf(example)
    const length = tokens.prompt.length + tokens.answer.length
    if (length - 1 > sequence) throw new RangeError(`An example of ${length} tokens for rows of ${sequence}`)
    write(batch, row * sequence, tokens)
  }
  return batch
}

/**
 * Which rows of a `single` batch were answered to the letter. Each token is predicted from the right ones before it; when
 * all are right, the model says exactly this by itself, too.
 */
export const exact = ({ targets, counts }: Batch, predicted: Int32Array, rows: number): ReadonlyArray<boolean> => {
  const sequence = targets.length / rows
  return Array.from({ length: rows }, (_, row) => {
    for (let at = row * sequence; at < (row + 1) * sequence; at++) {
      if (counts[at] === 1 && predicted[at] !== targets[at]) return false
    }
    return true
  })
}

const empty = (rows: number, sequence: number): Batch => ({
  tokens: new Int32Array(rows * sequence).fill(marks.pad),
  targets: new Int32Array(rows * sequence).fill(marks.pad),
  counts: new Uint8Array(rows * sequence)
})

/** Writes an example and gives the place behind it. The end mark is only a target. */
const write = ({ tokens, targets, counts }: Batch, start: number, { prompt, answer }: Tokens): number => {
  const all = [...prompt, ...answer]
  for (let i = 0; i + 1 < all.length; i++) {
    tokens[start + i] = all[i]!
    targets[start + i] = all[i + 1]!
    counts[start + i] = i + 1 >= prompt.length ? 1 : 0
  }
  return start + all.length - 1
}
