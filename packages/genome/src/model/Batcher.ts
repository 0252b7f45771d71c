/**
 * Answers many requests with one model at the same time: continuous batching (Yu and others, Orca, 2022). Between two
 * tokens rows come, go, and give way to better ones; each row has its own layers, and none sees another's.
 *
 * A step is one run of the model: a piece of one prompt, whose last one gives the first token too, or one token for all rows
 * that have their prompt behind them; both in turn, so that a long prompt does not hold up the others. Which rows are computed is decided before each step by
 * priority, which grows by 1 for each second that a row waits and stays so for its turn of some runs; a row that gives way
 * to a better one keeps what was computed.
 */
import type { Sampling } from "../backend/Backend.ts"
import { batchRowsMax, prefillTokensMax, turnRunsMax } from "../Limits.ts"
import * as Batch from "./Batch.ts"
import { KvCache, type RowKv } from "./KvCache.ts"
import * as SamplingStream from "./Sampling.ts"
import { endsAnswer } from "./Tokenizer.ts"

/** What the model must be able to do. `Layers`: what it makes of the layers of a row. */
export interface Model<Layers> {
  readonly vocabulary: number
  readonly contextTokens: number
  readonly blocks: number
  /** Of keys and values. */
  readonly heads: number
  readonly headSize: number
  /**
   * One run: `tokens` [rows, sequence] at `positions`, after the past, of which `attended` [rows, width + sequence] counts.
   * Gives logits [rows, sequence, vocabulary] and the past with the new tokens.
   */
  readonly forward: (run: {
    readonly rows: number
    readonly sequence: number
    readonly tokens: BigInt64Array
    readonly positions: BigInt64Array
    readonly attended: BigInt64Array
    readonly past: Batch.BatchKv
    /** Of each row. The same array as long as the rows are the same. */
    readonly layers: ReadonlyArray<Layers>
  }) => Promise<{ readonly logits: Float32Array; readonly past: ReadonlyArray<Float32Array> }>
}

export interface RowRequest<Layers> {
  readonly id: number
  /** At least one. */
  readonly prompt: ReadonlyArray<number>
  readonly layers: Layers
  /** The same text for the same layers. */
  readonly composition: string
  readonly sampling: Sampling
  readonly tokensMax: number
  readonly priority: number
}

/** What happened to a row in a step. */
export type RowEvent =
  | { readonly _tag: "Token"; readonly id: number; readonly token: number }
  | { readonly _tag: "End"; readonly id: number; readonly reason: "stop" | "length" }

interface Row<Layers> extends RowRequest<Layers> {
  readonly sampler: SamplingStream.Sampler
  /** Prompt and answer so far. */
  readonly tokens: Array<number>
  readonly order: number
  /** Since when it waits for its turn, in milliseconds; undefined while it has one. */
  waitingSinceMs: number | undefined
  /** The rank with which it got its turn, and the runs for which it keeps that. */
  turn: { readonly rank: number; runsLeft: number } | undefined
  /** Tokens whose keys and values are known. */
  known: number
  /** Where they are while it is not in the batch. */
  kv: RowKv | undefined
}

/** A row in its turn gives way to a better priority, and not to one that has just waited a moment longer. */
const turnLead = 0.5

interface CurrentBatch<Layers> {
  readonly rows: ReadonlyArray<Row<Layers>>
  readonly layers: ReadonlyArray<Layers>
  past: Batch.BatchKv
}

export class Batcher<Layers> {
  private readonly rows = new Map<number, Row<Layers>>()
  private batch: CurrentBatch<Layers> | undefined
  private count = 0
  private prefilledLast = false
  private readonly cache: KvCache
  private readonly model: Model<Layers>
  private readonly nowMs: () => number
  private readonly rowsMax: number

  constructor(model: Model<Layers>, nowMs: () => number, rowsMax: number = batchRowsMax) {
    this.model = model
    this.nowMs = nowMs
    this.rowsMax = rowsMax
    this.cache = new KvCache(model.heads)
  }

  /** Rows that are not done. */
  get size(): number {
    return this.rows.size
  }

  /** Takes a request; gives the tokens of its prompt that need not be computed. */
  start(request: RowRequest<Layers>): number {
    // The last token is always computed: its logits are what the answer begins with.
    const kv = this.cache.take(request.composition, request.prompt, request.prompt.length - 1)
    this.rows.set(request.id, {
      ...request,
      sampler: SamplingStream.make(request.sampling),
      tokens: [...request.prompt],
      order: this.count++,
      waitingSinceMs: this.nowMs(),
      turn: undefined,
      known: kv?.length ?? 0,
      kv: kv ?? Batch.emptyRow(2 * this.model.blocks)
    })
    return kv?.length ?? 0
  }

  /** Forgets a row; no event names it any more. */
  cancel(id: number): void {
    this.rows.delete(id)
  }

  /** One run of the model, and what came of it. With no rows, nothing. */
  async step(): Promise<ReadonlyArray<RowEvent>> {
    const chosen = this.choose()
    if (chosen.length === 0) {
      this.batch = undefined
      return []
    }
    const unread = chosen.find((row) => row.known < row.tokens.length - 1)
    const ready = chosen.filter((row) => row.known === row.tokens.length - 1)
    if (unread !== undefined && (ready.length === 0 || !this.prefilledLast)) {
      this.prefilledLast = true
      return this.prefill(unread)
    }
    this.prefilledLast = false
    return this.decode(ready)
  }

  /** The rows whose turn it is, the best first. */
  private choose(): ReadonlyArray<Row<Layers>> {
    const nowMs = this.nowMs()
    const waitedSeconds = (row: Row<Layers>) =>
      row.waitingSinceMs === undefined ? 0 : (nowMs - row.waitingSinceMs) / 1000
    const rank = (row: Row<Layers>) =>
      row.turn === undefined ? Math.min(255, row.priority + waitedSeconds(row)) : row.turn.rank + turnLead
    const ranked = [...this.rows.values()]
      .map((row) => ({ row, rank: rank(row) }))
      .sort((x, y) => y.rank - x.rank || x.row.order - y.row.order)
    for (const [place, { row, rank }] of ranked.entries()) {
      if (place < this.rowsMax) {
        // Without a turn that lasts, what a row gained by waiting would be gone after one token.
        row.turn ??= { rank, runsLeft: turnRunsMax }
        row.waitingSinceMs = undefined
      } else {
        row.turn = undefined
        row.waitingSinceMs ??= nowMs
      }
    }
    return ranked.slice(0, this.rowsMax).map(({ row }) => row)
  }

  /** Reads a piece of a prompt; its end is followed by the first token of the answer, which needs no run of its own. */
  private async prefill(row: Row<Layers>): Promise<ReadonlyArray<RowEvent>> {
    const { heads, headSize, vocabulary } = this.model
    const end = Math.min(row.tokens.length, row.known + prefillTokensMax)
    const piece = row.tokens.slice(row.known, end)
    const past = Batch.stack([row.kv!], heads, headSize)
    const result = await this.model.forward({
      rows: 1,
      sequence: piece.length,
      tokens: BigInt64Array.from(piece, BigInt),
      positions: BigInt64Array.from(piece, (_, i) => BigInt(row.known + i)),
      attended: new BigInt64Array(end).fill(1n),
      past,
      layers: [row.layers]
    })
    row.known = end
    passTurn(row)
    row.kv = { length: end, tensors: result.past }
    // More to read, or cancelled during the run.
    if (end < row.tokens.length || !this.rows.has(row.id)) return []
    return this.advance(row, result.logits.subarray((piece.length - 1) * vocabulary))
  }

  /** The next token of each row. */
  private async decode(rows: ReadonlyArray<Row<Layers>>): Promise<ReadonlyArray<RowEvent>> {
    const batch = this.assemble(rows)
    const { width } = batch.past
    const total = width + 1
    const attended = new BigInt64Array(rows.length * total).fill(1n)
    for (const [i, row] of rows.entries()) attended.fill(0n, i * total, i * total + width - row.known)
    const result = await this.model.forward({
      rows: rows.length,
      sequence: 1,
      tokens: BigInt64Array.from(rows, (row) => BigInt(row.tokens.at(-1)!)),
      positions: BigInt64Array.from(rows, (row) => BigInt(row.known)),
      attended,
      past: batch.past,
      layers: batch.layers
    })
    batch.past = { rows: rows.length, width: total, tensors: result.past }
    const { vocabulary } = this.model
    return rows.flatMap((row, i) => {
      row.known++
      passTurn(row)
      // Cancelled during the run.
      if (!this.rows.has(row.id)) return []
      return this.advance(row, result.logits.subarray(i * vocabulary, (i + 1) * vocabulary))
    })
  }

  private advance(row: Row<Layers>, logits: Float32Array): ReadonlyArray<RowEvent> {
    const token = row.sampler.next(logits, row.tokens)
    if (endsAnswer(token)) return [this.end(row, "stop")]
    row.tokens.push(token)
    const event = { _tag: "Token", id: row.id, token } as const
    const answered = row.tokens.length - row.prompt.length
    const isFull = answered >= row.tokensMax || row.tokens.length >= this.model.contextTokens
    return isFull ? [event, this.end(row, "length")] : [event]
  }

  private end(row: Row<Layers>, reason: "stop" | "length"): RowEvent {
    this.rows.delete(row.id)
    this.cache.put(row.composition, row.tokens, this.kvOf(row))
    return { _tag: "End", id: row.id, reason }
  }

  /** The batch of exactly these rows, with the past of each. */
  private assemble(rows: ReadonlyArray<Row<Layers>>): CurrentBatch<Layers> {
    const { heads, headSize } = this.model
    const before = this.batch
    if (before !== undefined && before.rows.length === rows.length && rows.every((row, i) => row === before.rows[i])) {
      return before
    }
    for (const row of before?.rows ?? []) if (this.rows.has(row.id)) row.kv = this.kvOf(row)
    const past = Batch.stack(
      rows.map((row) => row.kv!),
      heads,
      headSize
    )
    for (const row of rows) row.kv = undefined
    this.batch = { rows, layers: rows.map(({ layers }) => layers), past }
    return this.batch
  }

  private kvOf(row: Row<Layers>): RowKv {
    if (row.kv !== undefined) return row.kv
    const { heads, headSize } = this.model
    return Batch.take(this.batch!.past, this.batch!.rows.indexOf(row), row.known, heads, headSize)
  }
}

/** Counts a run of a row's turn. */
const passTurn = <Layers>(row: Row<Layers>): void => {
  if (row.turn !== undefined && --row.turn.runsLeft === 0) row.turn = undefined
}
