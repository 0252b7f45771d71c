/**
 * One training from its first step to its last, the same for a base and a layer: batches from a seeded source, a rate that
 * rises for a twentieth of the steps and then falls in a line (as in most fine-tuning since Howard and Ruder, ULMFiT, 2018).
 */
import { Effect } from "effect"
import * as RandomStream from "../model/RandomStream.ts"
import * as Examples from "./Examples.ts"
import type { Trainer, TrainingFailed } from "./TrainerOnnxRuntime.ts"

export interface Plan {
  /** What is learned from. */
  readonly source: Examples.Source
  readonly steps: number
  /** Sequences in a batch, and tokens in a sequence. */
  readonly rows: number
  readonly sequence: number
  /** The largest rate, about 3e-3 for a base and 1e-2 for a layer of the tiny model. */
  readonly rate: number
  readonly seed: number
}

/** Of the largest rate, at this step. */
export const rateAt = (step: number, steps: number): number => {
  const warm = Math.max(1, Math.floor(steps / 20))
  return step < warm ? (step + 1) / warm : 0.05 + 0.95 * (1 - (step - warm) / Math.max(1, steps - warm))
}

/** Trains to the end; gives the loss of the last step. `onStep`: told each step's loss. */
export const run = Effect.fn("Training.run")(function* (
  trainer: Trainer,
  { source, steps, rows, sequence, rate, seed }: Plan,
  onStep: (step: number, loss: number) => Effect.Effect<void> = () => Effect.void
): Effect.fn.Return<number, TrainingFailed> {
  const random = RandomStream.make(seed, 2)
  let loss = Number.NaN
  for (let step = 0; step < steps; step++) {
    const batch = Examples.packed(source, random, rows, sequence)
    loss = yield* trainer.step(batch, rate * rateAt(step, steps))
    yield* onStep(step, loss)
  }
  return loss
})
