/**
 * Several layers as one: their ranks side by side, the weight of each in its B, so that the product is the weighted sum
 * (x A1 B1 w1 + x A2 B2 w2 = x [A1 A2] [B1 w1; B2 w2]). Exact, and no heavier than its parts.
 *
 * Whether a sum of layers is any good is another question: it is searched for and measured, never assumed.
 */
import type { ContentId } from "@continuum/core/ContentId"
import { Effect } from "effect"
import { LayerForOtherBase, LayerUnfit } from "./backend/BackendError.ts"
import * as Safetensors from "./formats/Safetensors.ts"
import * as Layer from "./Layer.ts"
import { type LinearTarget, linearTargets, type LlamaConfig } from "./model/LlamaConfig.ts"

/** A change of one module, as the engine multiplies it: row-major, the scale in `b`. */
export interface Matrices {
  readonly rank: number
  /** [inputs, rank] */
  readonly a: Float32Array
  /** [rank, outputs] */
  readonly b: Float32Array
}

/** Changes by module; a module that is not named stays as it is. */
export type Matrix = { readonly [module: string]: Matrices }

/** A layer as the engine needs it. Fails with `LayerForOtherBase` or `LayerUnfit`. O(its numbers). */
export const prepare = Effect.fnUntraced(function* (
  contentId: ContentId,
  layer: Layer.Layer,
  base: string,
  config: LlamaConfig
): Effect.fn.Return<Matrix, LayerForOtherBase | LayerUnfit> {
  if (layer.base !== base) return yield* new LayerForOtherBase({ contentId, base: layer.base, expected: base })
  const modules = new Map(linearTargets(config).map((module) => [module.name, module]))
  const matrices: Array<readonly [string, Matrices]> = []
  for (const target of layer.targets) {
    const reason = problemOf(target, modules.get(target.name))
    if (reason !== undefined) return yield* new LayerUnfit({ contentId, target: target.name, reason })
    const rank = Layer.rankOf(target)
    // The dtypes were checked when the layer was made.
    const a = yield* Effect.orDie(Safetensors.toFloat32(target.a))
    const b = yield* Effect.orDie(Safetensors.toFloat32(target.b))
    const scale = Layer.scaleOf(layer, target)
    matrices.push([
      target.name,
      { rank, a: transpose(a, rank, target.a.shape[1]!), b: scaled(transpose(b, target.b.shape[0]!, rank), scale) }
    ])
  }
  return Object.fromEntries(matrices)
})

/** The weighted sum. One layer of weight 1 is given back as it is. */
export const compose = (
  layers: ReadonlyArray<{ readonly matrix: Matrix; readonly weight: number }>,
  config: LlamaConfig
): Matrix => {
  if (layers.length === 1 && layers[0]!.weight === 1) return layers[0]!.matrix
  const entries = linearTargets(config).flatMap((module) => {
    const parts = layers.flatMap(({ matrix, weight }) => {
      const matrices = matrix[module.name]
      return matrices === undefined || weight === 0 ? [] : [{ matrices, weight }]
    })
    return parts.length === 0 ? [] : [[module.name, sideBySide(parts, module)] as const]
  })
  return Object.fromEntries(entries)
}

const sideBySide = (
  parts: ReadonlyArray<{ readonly matrices: Matrices; readonly weight: number }>,
  { inputs, outputs }: LinearTarget
): Matrices => {
  const rank = parts.reduce((sum, { matrices }) => sum + matrices.rank, 0)
  const a = new Float32Array(inputs * rank)
  const b = new Float32Array(rank * outputs)
  let at = 0
  for (const { matrices, weight } of parts) {
    for (let row = 0; row < inputs; row++) {
      a.set(matrices.a.subarray(row * matrices.rank, (row + 1) * matrices.rank), row * rank + at)
    }
    b.set(weight === 1 ? matrices.b : scaled(matrices.b, weight), at * outputs)
    at += matrices.rank
  }
  return { rank, a, b }
}

const problemOf = ({ a, b }: Layer.Target, module: LinearTarget | undefined): string | undefined => {
  if (module === undefined) return "is no linear module of it"
  const [inputs, outputs] = [a.shape[1], b.shape[0]]
  return inputs === module.inputs && outputs === module.outputs
    ? undefined
    : `goes from ${inputs} to ${outputs} numbers, and the module from ${module.inputs} to ${module.outputs}`
}

/** Rows become columns. */
export const transpose = (data: Float32Array, rows: number, columns: number): Float32Array => {
  const result = new Float32Array(data.length)
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) result[column * rows + row] = data[row * columns + column]!
  }
  return result
}

/** The largest 32-bit float. */
const floatMax = (2 - 2 ** -23) * 2 ** 127

/**
 * What is too large for a 32-bit float becomes the largest one and not an infinity: in a batch the rows of other layers
 * multiply `b` by 0, and 0 times an infinity is no number.
 */
const scaled = (data: Float32Array, scale: number): Float32Array =>
  scale === 1 ? data : data.map((value) => Math.max(-floatMax, Math.min(floatMax, value * scale)))
