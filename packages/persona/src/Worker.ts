/**
 * A worker can answer a prompt. Each says first how sure it is; the best bid gets the turn, and the others stay silent.
 */
import type { Sampling, Turn, Usage } from "@continuum/genome/backend/Backend"
import type { BackendError } from "@continuum/genome/backend/BackendError"
import type { Effect, Stream } from "effect"
import type { Recognised } from "./Exercise.ts"
import type { Introduction } from "./Introduction.ts"
import type { KnownLayer, WornLayer } from "./NamedLayer.ts"
import type { AnswerTooLong } from "./PersonaError.ts"
import type { Template } from "./Templates.ts"
import type { Bid, Source, WorkerName } from "./Trace.ts"

/** What a persona knows when it decides: the end of its first step. */
export interface Perception {
  readonly persona: Template
  readonly prompt: string
  /** What was said before, oldest first. */
  readonly history: ReadonlyArray<Turn>
  /** The layers it wears; or, with `insists`, exactly those that the caller asked for. */
  readonly layers: ReadonlyArray<KnownLayer>
  readonly insists: boolean
  /** The exercise that the prompt is, if it is one that a layer at hand has learned. */
  readonly exercise: Recognised | undefined
  /** What the persona has to say of itself, if the prompt asks for that. */
  readonly introduction: Introduction | undefined
  readonly sampling: Sampling | undefined
  readonly stop: ReadonlyArray<string>
  readonly tokensMax: number | undefined
}

/** A piece of an answer, as the backends have it; the last one with what it took. */
export type Piece =
  | { readonly _tag: "Text"; readonly text: string }
  | { readonly _tag: "End"; readonly reason: "stop" | "length"; readonly usage: Usage }

/** An answer that a worker could give. Nothing is computed before its first pull. */
export interface Offer {
  readonly bid: Bid
  readonly layers: ReadonlyArray<WornLayer>
  readonly sources: ReadonlyArray<Source>
  readonly answer: Stream.Stream<Piece, BackendError | AnswerTooLong>
}

export interface Worker {
  readonly name: WorkerName
  readonly offer: (perception: Perception) => Effect.Effect<Offer>
}
