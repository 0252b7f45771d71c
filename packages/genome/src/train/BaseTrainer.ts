/**
 * Trains a base model from random weights.
 */
import { Effect, type Scope } from "effect"
import type { LlamaConfig } from "../model/LlamaConfig.ts"
import type { CheckpointUnfit } from "./Checkpoint.ts"
import * as Initial from "./Initial.ts"
import * as TrainerOnnxRuntime from "./TrainerOnnxRuntime.ts"
import type { TrainingFailed } from "./TrainerOnnxRuntime.ts"
import * as Training from "./Training.ts"

export interface Options extends Omit<Training.Plan, "base"> {
  readonly config: LlamaConfig
  /** Cores that it may use. */
  readonly threads: number
  /** Told each step's loss. */
  readonly onStep?: (step: number, loss: number) => Effect.Effect<void>
}

/** The trained weights. The same options give the same ones. Its process ends with the scope. */
export const train = Effect.fn("BaseTrainer.train")(function* (
  options: Options
): Effect.fn.Return<ReadonlyMap<string, Float32Array>, TrainingFailed | CheckpointUnfit, Scope.Scope> {
  const { config, rows, sequence, seed, threads } = options
  const trainer = yield* TrainerOnnxRuntime.make({
    config,
    weights: new Map(),
    parameters: Initial.weights(config, seed),
    batch: rows,
    sequence,
    train: "base",
    rank: 0,
    threads
  })
  yield* Training.run(trainer, { ...options, base: "" }, options.onStep)
  return yield* trainer.parameters
})
