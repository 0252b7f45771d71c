/**
 * How good a bid for a turn is. Higher is better.
 *
 * `seed` is the formula that the project began with, to the letter. With milliseconds and tokens its last two terms come to nothing
 * (at 2,000 ms and 500 tokens, 0.0006 of 0.45), so confidence alone decides. `normalized`, the default, brings both to
 * 0 to 1 by `reference / (reference + x)`, keeps the weights, and adds the effective priority.
 */
import type { AiProcess } from "./AiProcess.ts"

export type Mode = "normalized" | "seed"

/** The weights of the terms, of both modes. */
export const weights = { confidence: 0.5, latency: 0.3, cost: 0.2, priority: 0.2 }

/** A latency that scores half of its weight: what a listener takes for prompt. Chosen, not measured. */
export const latencyMsReference = 1_000

/** A cost that scores half of its weight: an answer of two paragraphs with its prompt. Chosen, not measured. */
export const costTokensReference = 500

type Rated = Pick<AiProcess, "confidence" | "latencyMs" | "costTokens">

/** `confidence * 0.5 + (1 / latency) * 0.3 + (1 / cost) * 0.2`. */
export const seed = ({ confidence, costTokens, latencyMs }: Rated): number =>
  confidence * 0.5 + (1 / latencyMs) * 0.3 + (1 / costTokens) * 0.2

/** From 0 to 1.2. `priority` is the effective one, 0 to 255. */
export const normalized = ({ confidence, costTokens, latencyMs }: Rated, priority: number): number =>
  confidence * weights.confidence +
  (latencyMsReference / (latencyMsReference + latencyMs)) * weights.latency +
  (costTokensReference / (costTokensReference + costTokens)) * weights.cost +
  (priority / 255) * weights.priority

export const of = (mode: Mode, process: Rated, priority: number): number =>
  mode === "seed" ? seed(process) : normalized(process, priority)

/** A bid with all that decides. */
export interface Scored {
  readonly personaId: string
  readonly score: number
  readonly effectivePriority: number
  readonly readySinceMs: number
}

/** The order of bids, best first: by score, then priority, then who has been ready longer, then identifier. Total. */
export const compare = (a: Scored, b: Scored): number =>
  b.score - a.score ||
  b.effectivePriority - a.effectivePriority ||
  a.readySinceMs - b.readySinceMs ||
  (a.personaId < b.personaId ? -1 : a.personaId > b.personaId ? 1 : 0)
