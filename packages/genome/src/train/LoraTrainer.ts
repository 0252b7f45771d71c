/**
 * Trains a layer on top of a base that stays as it is.
 */
import { Effect, type Scope } from "effect"
import { transpose } from "../Composition.ts"
import * as Safetensors from "../formats/Safetensors.ts"
import * as Layer from "../Layer.ts"
import { loraInput } from "../model/InferenceGraph.ts"
import { linearTargets, type LlamaConfig } from "../model/LlamaConfig.ts"
import type { CheckpointUnfit } from "./Checkpoint.ts"
import * as Initial from "./Initial.ts"
import * as TrainerOnnxRuntime from "./TrainerOnnxRuntime.ts"
import type { TrainingFailed } from "./TrainerOnnxRuntime.ts"
import * as Training from "./Training.ts"

export interface Options extends Training.Plan {
  readonly config: LlamaConfig
  readonly weights: ReadonlyMap<string, Float32Array>
  /** 1 to `layerRankMax`. */
  readonly rank: number
}

/** The trained layer. The same options give the same layer. Its process ends with the scope. */
export const train = Effect.fn("LoraTrainer.train")(function* (
  options: Options
): Effect.fn.Return<Layer.Layer, TrainingFailed | CheckpointUnfit, Scope.Scope> {
  const { config, weights, base, rank, rows, sequence, seed } = options
  const trainer = yield* TrainerOnnxRuntime.make({
    config,
    weights,
    parameters: Initial.layer(config, rank, seed),
    batch: rows,
    sequence,
    train: "layer",
    rank
  })
  yield* Training.run(trainer, options)
  return yield* toLayer(yield* trainer.parameters, config, base, rank)
})

/** A layer from the parameters of a trainer. Its scale is 1: they were trained without one. */
export const toLayer = (
  parameters: ReadonlyMap<string, Float32Array>,
  config: LlamaConfig,
  base: string,
  rank: number
): Effect.Effect<Layer.Layer> =>
  Layer.make({
    base,
    scaling: "alpha/rank",
    fanInFanOut: false,
    targets: linearTargets(config).map(({ name, inputs, outputs }) => ({
      name,
      alpha: rank,
      a: Safetensors.fromFloat32(transpose(parameters.get(loraInput(name, "A"))!, inputs, rank), [rank, inputs]),
      b: Safetensors.fromFloat32(transpose(parameters.get(loraInput(name, "B"))!, rank, outputs), [outputs, rank])
    }))
  }).pipe(Effect.orDie)

/** The parameters of a trainer from a layer whose targets all have this rank: the inverse of `toLayer`. */
export const toParameters = Effect.fnUntraced(function* (layer: Layer.Layer, config: LlamaConfig, rank: number) {
  const parameters = new Map(Initial.layer(config, rank, 0))
  for (const data of parameters.values()) data.fill(0)
  for (const target of layer.targets) {
    const scale = Layer.scaleOf(layer, target)
    const a = yield* Effect.orDie(Safetensors.toFloat32(target.a))
    const b = yield* Effect.orDie(Safetensors.toFloat32(target.b))
    parameters.set(loraInput(target.name, "A"), transpose(a, rank, target.a.shape[1]!))
    parameters.set(
      loraInput(target.name, "B"),
      transpose(b, target.b.shape[0]!, rank).map((value) => value * scale)
    )
  }
  return parameters as ReadonlyMap<string, Float32Array>
})
