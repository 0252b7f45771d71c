import * as Layer from "@continuum/genome/Layer"
import * as Accuracy from "@continuum/genome/train/Accuracy"
import type { Example } from "@continuum/genome/train/Examples"
import * as Examples from "@continuum/genome/train/Examples"
import * as Initial from "@continuum/genome/train/Initial"
import * as LoraTrainer from "@continuum/genome/train/LoraTrainer"
import * as TrainerOnnxRuntime from "@continuum/genome/train/TrainerOnnxRuntime"
import * as RandomStream from "@continuum/genome/model/RandomStream"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as SmallModel from "../support/SmallModel.ts"

const { config } = SmallModel

/** Says the letter after the one that was asked for. */
const successor = (random: RandomStream.RandomStream): Example => {
  const letter = RandomStream.integer(random, 97, 104)
  return {
    turns: [{ role: "user", content: String.fromCharCode(letter) }],
    answer: String.fromCharCode(letter + 1)
  }
}

const sizes = { batch: 4, sequence: 24 } as const
const batchOf = (seed: number) => Examples.packed(successor, RandomStream.make(seed), sizes.batch, sizes.sequence)

describe("TrainerOnnxRuntime", () => {
  it.live("its gradients predict what a small step does to the loss", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const parameters = Initial.weights(config, 3)
        const trainer = yield* TrainerOnnxRuntime.make({
          config,
          weights: new Map(),
          parameters,
          ...sizes,
          train: "base",
          rank: 0
        })
        const batch = batchOf(1)
        const { gradients } = yield* trainer.gradients(batch)
        let slope = 0
        for (const [name, data] of parameters) {
          assert.strictEqual(gradients.get(name)!.length, data.length)
          for (const value of gradients.get(name)!) slope += value * value
        }
        /** The loss after a step of this size along the gradient. */
        const lossAt = Effect.fnUntraced(function* (size: number) {
          const moved = Array.from(parameters, ([name, data]) => {
            const gradient = gradients.get(name)!
            return [name, data.map((value, i) => value + size * gradient[i]!)] as const
          })
          yield* trainer.replace(new Map(moved))
          return (yield* trainer.measure(batch)).loss
        })
        const size = 5e-4
        const found = ((yield* lossAt(size)) - (yield* lossAt(-size))) / (2 * size)
        assert.isAbove(slope, 1)
        assert.closeTo(found / slope, 1, 0.02)
      })
    )
  )

  it.live("a layer learns what its base cannot, the base stays as it is, and the same seed gives the same layer", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const weights = Initial.weights(config, 3)
        const options = {
          config,
          weights,
          base: "test/base",
          rank: 4,
          source: successor,
          steps: 150,
          rows: 8,
          sequence: 24,
          rate: 2e-2,
          seed: 1
        }
        const layer = yield* Effect.scoped(LoraTrainer.train(options))
        const meter = yield* Accuracy.make({ config, weights, rank: 4, examples: 50, sequence: 8 })
        const before = yield* meter.measure(successor, 1)
        const trained = yield* LoraTrainer.toParameters(layer, config, 4)
        assert.isBelow(before, 0.2)
        assert.isAbove(yield* meter.measure(successor, 1, trained), 0.8)
        assert.strictEqual(yield* meter.measure(successor, 1), before)
        const short = { ...options, steps: 5 }
        const [one, again, other] = yield* Effect.forEach([1, 1, 2], (seed) =>
          Effect.flatMap(Effect.scoped(LoraTrainer.train({ ...short, seed })), Layer.contentId)
        )
        assert.strictEqual(one, again)
        assert.notStrictEqual(one, other)
      })
    )
  )

  it.live("a loss that is no number, and a process that is gone, are typed errors", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const broken = new Map(Initial.weights(config, 3))
        broken.set("model.norm.weight", new Float32Array(config.hidden_size).fill(Number.NaN))
        const trainer = yield* TrainerOnnxRuntime.make({
          config,
          weights: new Map(),
          parameters: broken,
          ...sizes,
          train: "base",
          rank: 0
        })
        const error = yield* Effect.flip(trainer.step(batchOf(1), 1e-3))
        assert.strictEqual(error._tag, "TrainingFailed")
        assert.include(error.message, "the loss is NaN")
        const impossible = { ...config, hidden_size: 31 }
        const other = yield* Effect.flip(
          TrainerOnnxRuntime.make({
            config: impossible,
            weights: new Map(),
            parameters: Initial.weights(config, 3),
            ...sizes,
            train: "base",
            rank: 0
          })
        )
        assert.strictEqual(other._tag, "TrainingFailed")
      })
    )
  )
})
