/**
 * The weights of a model from the bytes of its `model.safetensors`: all there, of the right shape, and numbers.
 */
import { Effect } from "effect"
import { WeightsDamaged } from "../backend/BackendError.ts"
import * as Safetensors from "../formats/Safetensors.ts"
import { type LlamaConfig, weightShapes } from "./LlamaConfig.ts"

/** Weights by name, as 32-bit floats. `file`: its name, for errors. Fails with `WeightsDamaged`, naming the tensor. */
export const read = Effect.fnUntraced(function* (
  file: string,
  bytes: Uint8Array,
  config: LlamaConfig
): Effect.fn.Return<ReadonlyMap<string, Float32Array>, WeightsDamaged> {
  const { tensors } = yield* Safetensors.read(bytes).pipe(
    Effect.mapError(
      ({ tensor, reason }) => new WeightsDamaged(tensor === undefined ? { file, reason } : { file, tensor, reason })
    )
  )
  const weights = new Map<string, Float32Array>()
  for (const [name, shape] of weightShapes(config)) {
    const damaged = (reason: string) => new WeightsDamaged({ file, tensor: name, reason })
    const tensor = tensors.get(name)
    if (tensor === undefined) return yield* damaged("is missing")
    if (tensor.shape.join() !== shape.join()) {
      return yield* damaged(`has the shape [${tensor.shape.join(", ")}], and config.json says [${shape.join(", ")}]`)
    }
    const numbers = yield* Effect.mapError(Safetensors.toFloat32(tensor), () => damaged(`is of type ${tensor.dtype}`))
    if (!numbers.every(Number.isFinite)) return yield* damaged("has an infinite number or a NaN")
    weights.set(name, numbers)
  }
  return weights
})

/** The bytes of a `model.safetensors`, in 32-bit floats. Throws for weights that are not the model's: a broken invariant. */
export const write = (config: LlamaConfig, weights: ReadonlyMap<string, Float32Array>): Effect.Effect<Uint8Array> =>
  Safetensors.write({
    metadata: new Map([["format", "pt"]]),
    tensors: new Map(
      Array.from(weightShapes(config), ([name, shape]) => [name, Safetensors.fromFloat32(weights.get(name)!, shape)])
    )
  }).pipe(Effect.orDie)
