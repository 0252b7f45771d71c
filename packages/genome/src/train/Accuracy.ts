/**
 * How many answers a model, with or without a layer, gives to the letter.
 */
import { Effect, type Scope, Semaphore } from "effect"
import type { LlamaConfig } from "../model/LlamaConfig.ts"
import * as RandomStream from "../model/RandomStream.ts"
import * as Examples from "./Examples.ts"
import * as Initial from "./Initial.ts"
import * as TrainerOnnxRuntime from "./TrainerOnnxRuntime.ts"
import type { TrainingFailed } from "./TrainerOnnxRuntime.ts"

export interface Meter {
  /** Part of the answers that are right, for `examples` drawn with this seed. `layer`: parameters of a trainer; none is the base. */
  readonly measure: (
    source: Examples.Source,
    seed: number,
    layer?: ReadonlyMap<string, Float32Array>
  ) => Effect.Effect<number, TrainingFailed>
}

export interface Options {
  readonly config: LlamaConfig
  readonly weights: ReadonlyMap<string, Float32Array>
  /** Rank of the layers that will be measured. */
  readonly rank: number
  /** Answers in a measurement. */
  readonly examples: number
  /** Tokens of the longest example. */
  readonly sequence: number
}

/** A meter; its process ends with the scope. */
export const make = Effect.fn("Accuracy.make")(function* ({
  config,
  weights,
  rank,
  examples,
  sequence
}: Options): Effect.fn.Return<Meter, TrainingFailed, Scope.Scope> {
  const nothing = new Map(
    Array.from(Initial.layer(config, rank, 0), ([name, data]) => [name, new Float32Array(data.length)])
  )
  const trainer = yield* TrainerOnnxRuntime.make({
    config,
    weights,
    parameters: nothing,
    batch: examples,
    sequence,
    train: "none",
    rank
  })
  const turn = yield* Semaphore.make(1)
  const measure = Effect.fnUntraced(function* (
    source: Examples.Source,
    seed: number,
    layer: ReadonlyMap<string, Float32Array> = nothing
  ) {
    const random = RandomStream.make(seed, 3)
    const batch = Examples.single(
      Array.from({ length: examples }, () => source(random)),
      sequence
    )
    yield* trainer.replace(layer)
    const { predicted } = yield* trainer.measure(batch)
    return Examples.exact(batch, predicted, examples).filter(Boolean).length / examples
  })
  return { measure: (source, seed, layer) => measure(source, seed, layer).pipe(turn.withPermit) }
})
