/**
 * One training from its first step to its last, the same for a base and a layer: batches from a seeded source, a rate that
 * rises for a twentieth of the steps and then falls in a line (as in most fine-tuning since Howard and Ruder, ULMFiT, 2018).
 *
 * A step's batch depends on the seed and the step alone, so a training goes on from a checkpoint as if nothing had been.
 */
import { Effect } from "effect"
import * as RandomStream from "../model/RandomStream.ts"
import * as Checkpoint from "./Checkpoint.ts"
import * as Examples from "./Examples.ts"
import type { Trainer, TrainingFailed } from "./TrainerOnnxRuntime.ts"

export interface Plan extends Checkpoint.Plan, Resuming {
  /** What is learned from. */
  readonly source: Examples.Source
}

export interface Resuming {
  /** Where to go on; default: at the beginning. */
  readonly from?: Checkpoint.Checkpoint | undefined
  /** Told where the training is, after each `everySteps` steps and after the last. */
  readonly saving?: Saving | undefined
}

export interface Saving {
  readonly everySteps: number
  readonly save: (checkpoint: Checkpoint.Checkpoint) => Effect.Effect<void>
}

/** Of the largest rate, at this step. */
export const rateAt = (step: number, steps: number): number => {
  const warm = Math.max(1, Math.floor(steps / 20))
  return step < warm ? (step + 1) / warm : 0.05 + 0.95 * (1 - (step - warm) / Math.max(1, steps - warm))
}

/** Streams of a seed from here on are those of steps; the ones below are of other uses. */
const firstStream = 1000

/** Trains to the end; gives the loss of the last step, NaN when none was left. Fails with `CheckpointUnfit` before the first. */
export const run = Effect.fn("Training.run")(function* (
  trainer: Trainer,
  { base, from, rate, rows, saving, seed, sequence, source, steps }: Plan,
  onStep: (step: number, loss: number) => Effect.Effect<void> = () => Effect.void
): Effect.fn.Return<number, TrainingFailed | Checkpoint.CheckpointUnfit> {
  const plan = { steps, rows, sequence, rate, seed, base }
  if (from !== undefined) {
    yield* Checkpoint.check(from, plan, Object.fromEntries(yield* trainer.parameters))
    yield* trainer.restore(from.state)
  }
  let loss = Number.NaN
  for (let step = from?.state.steps ?? 0; step < steps; step++) {
    const batch = Examples.packed(source, RandomStream.make(seed, firstStream + step), rows, sequence)
    loss = yield* trainer.step(batch, rate * rateAt(step, steps))
    yield* onStep(step, loss)
    if (saving !== undefined && ((step + 1) % saving.everySteps === 0 || step + 1 === steps)) {
      yield* saving.save({ plan, state: yield* trainer.save })
    }
  }
  return loss
})
