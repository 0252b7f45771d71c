/**
 * Works a layer into the weights of its base, for programs that know no layers: W + scale * B A for each of its targets.
 * What comes out answers as the base does with the layer, up to the order of sums. It is a model of its own, with another
 * hash; layers of the base do not fit it.
 */
import { Effect } from "effect"
import type { DtypeUnsupported } from "../formats/Safetensors.ts"
import * as Safetensors from "../formats/Safetensors.ts"
import * as Layer from "../Layer.ts"

/** New weights; those of modules that the layer leaves alone are shared. The layer must fit: see `Composition.prepare`. */
export const merge = Effect.fn("Merge.merge")(function* (
  weights: ReadonlyMap<string, Float32Array>,
  layer: Layer.Layer
): Effect.fn.Return<ReadonlyMap<string, Float32Array>, DtypeUnsupported> {
  const merged = new Map(weights)
  for (const target of layer.targets) {
    const name = `${target.name}.weight`
    const a = yield* Safetensors.toFloat32(target.a)
    const b = yield* Safetensors.toFloat32(target.b)
    const [rank, inputs] = target.a.shape as [number, number]
    const scale = Layer.scaleOf(layer, target)
    const sum = Float32Array.from(weights.get(name)!)
    for (let at = 0; at < sum.length; at++) {
      const [output, input] = [Math.floor(at / inputs), at % inputs]
      let change = 0
      for (let r = 0; r < rank; r++) change += b[output * rank + r]! * a[r * inputs + input]!
      sum[at]! += scale * change
    }
    merged.set(name, sum)
  }
  return merged
})
