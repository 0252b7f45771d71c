/**
 * How an answer came to be: who bid for it, who gave it, from what, and what it took.
 */
import { Schema } from "effect"
import { WornLayer } from "./NamedLayer.ts"

export const WorkerName = Schema.Literals(["introduction", "model", "retrieval"])
export type WorkerName = typeof WorkerName.Type

/** What a worker thinks of its own answer before it gives it. */
export const Bid = Schema.Struct({
  worker: WorkerName,
  /** 0 to 1. */
  confidence: Schema.Number.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
  /** Such as `arithmetic`, or `docs/GLOSSARY.md, "RTOS"`. */
  reason: Schema.String
})
export type Bid = typeof Bid.Type

/** A passage that was quoted. */
export const Source = Schema.Struct({ source: Schema.String, heading: Schema.String })
export type Source = typeof Source.Type

export const Trace = Schema.Struct({
  /** `introduction`: what the persona says of itself. `model`: generated, token by token. `retrieval`: quoted from the pages that `sources` name, or the sentence that none knows. */
  worker: WorkerName,
  /** Of all workers, best first. */
  bids: Schema.Array(Bid),
  layers: Schema.Array(WornLayer),
  sources: Schema.Array(Source),
  promptTokens: Schema.Int,
  /** Of the answer. */
  tokens: Schema.Int,
  /** Milliseconds from the event to the first text. */
  ttftMs: Schema.Number,
  /** Milliseconds from the event to the end. */
  ms: Schema.Number,
  /** What it is charged, in millionths: 0 on the own machine. */
  cost: Schema.Number
})
export type Trace = typeof Trace.Type
