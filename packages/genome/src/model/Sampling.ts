/**
 * Chooses the next token from the logits of a model. Everything that leaves a choice draws from a seeded stream, so the
 * same seed gives the same text.
 */
import * as DeterministicMath from "@continuum/core/DeterministicMath"
import type { Sampling } from "../backend/Backend.ts"
import * as RandomStream from "./RandomStream.ts"

export interface Sampler {
  /** The next token, for logits of the whole vocabulary and all tokens before it. O(vocabulary), sorted where it must be. */
  readonly next: (logits: Float32Array, before: ReadonlyArray<number>) => number
}

export const make = (settings: Sampling): Sampler => {
  const { temperature = 0, repetitionPenalty = 1, topK, topP = 1, seed = 0 } = settings
  const random = RandomStream.make(seed)
  return {
    next: (given, before) => {
      const logits = repetitionPenalty === 1 ? given : penalised(given, before, repetitionPenalty)
      if (temperature === 0) return mostLikely(logits)
      return draw(candidates(logits, temperature, topK ?? logits.length, topP), random())
    }
  }
}

/** The first of the largest. */
export const mostLikely = (logits: Float32Array): number => {
  let best = 0
  for (let token = 1; token < logits.length; token++) if (logits[token]! > logits[best]!) best = token
  return best
}

const penalised = (logits: Float32Array, before: ReadonlyArray<number>, penalty: number): Float32Array => {
  const result = logits.slice()
  for (const token of new Set(before)) result[token]! *= result[token]! > 0 ? 1 / penalty : penalty
  return result
}

interface Candidate {
  readonly token: number
  /** Not yet divided by their sum. */
  readonly weight: number
}

/** The most likely tokens first; at most `topK`, and as few as together have the probability `topP`, at least one. */
const candidates = (
  logits: Float32Array,
  temperature: number,
  topK: number,
  topP: number
): ReadonlyArray<Candidate> => {
  const largest = logits[mostLikely(logits)]!
  const all = Array.from(logits, (logit, token) => ({
    token,
    weight: DeterministicMath.exp((logit - largest) / temperature)
  }))
  if (topK >= all.length && topP >= 1) return all
  // Equal weights stay in the order of their tokens: the sort is stable.
  const ranked = all.sort((x, y) => y.weight - x.weight).slice(0, topK)
  const wanted = topP * total(ranked)
  let sum = 0
  const enough = ranked.findIndex(({ weight }) => (sum += weight) >= wanted)
  return enough < 0 ? ranked : ranked.slice(0, enough + 1)
}

const draw = (ranked: ReadonlyArray<Candidate>, random: number): number => {
  let rest = random * total(ranked)
  return (ranked.find(({ weight }) => (rest -= weight) < 0) ?? ranked[0]!).token
}

const total = (ranked: ReadonlyArray<Candidate>): number => ranked.reduce((sum, { weight }) => sum + weight, 0)
