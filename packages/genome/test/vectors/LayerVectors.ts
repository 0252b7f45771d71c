/**
 * Small layers with numbers made by a rule, and the identities that they must have everywhere.
 */
import type { FloatDtype } from "@continuum/genome/formats/Dtype"
import * as Safetensors from "@continuum/genome/formats/Safetensors"
import type * as Layer from "@continuum/genome/Layer"

/** Numbers of every size that F16 can hold, by a rule that needs only exact arithmetic. */
export const numbers = (count: number, seed: number): Float32Array => {
  let state = seed | 0 || 1
  return Float32Array.from({ length: count }, () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return ((state >> 16) / 32_768) * [1, 0.5, 0.001953125, 16][state & 3]!
  })
}

export const matrix = (rows: number, columns: number, seed: number, dtype: FloatDtype = "F32"): Safetensors.Tensor =>
  Safetensors.fromFloat32(numbers(rows * columns, seed), [rows, columns], dtype)

export const target = (
  name: string,
  seed: number,
  options: { rank?: number; inputs?: number; outputs?: number; alpha?: number; dtype?: FloatDtype } = {}
): Layer.Target => {
  const { rank = 4, inputs = 6, outputs = 5, alpha = 8, dtype = "F32" } = options
  return { name, alpha, a: matrix(rank, inputs, seed, dtype), b: matrix(outputs, rank, seed + 1, dtype) }
}

const q = (layer: number) => `model.layers.${layer}.self_attn.q_proj`
const v = (layer: number) => `model.layers.${layer}.self_attn.v_proj`

/** Name, parts, and the content id that `b3sum` prints for the canonical file. */
export const layers: ReadonlyArray<readonly [name: string, parts: Layer.Layer, contentId: string]> = [
  [
    "one target in F32",
    { base: "continuum/tiny", scaling: "alpha/rank", fanInFanOut: false, targets: [target(q(0), 1)] },
    "8730f77a482b69239cb99c335f7f7d776d247e1816e8af1a3f8149fcf4a8adca"
  ],
  [
    "three element types, ranks and alphas",
    {
      base: "meta-llama/Llama-3.2-1B",
      scaling: "alpha/sqrt(rank)",
      fanInFanOut: false,
      targets: [
        target(v(10), 5, { dtype: "BF16", rank: 2, alpha: 0.5 }),
        target(q(0), 3, { dtype: "F16" }),
        target(v(2), 7, { alpha: 16 })
      ]
    },
    "17a3c4fa87d31ee6ed4c291b91c9dd624d6c1d3826a73522105d2a5ab2d1954e"
  ],
  [
    "a base that stores weights the other way, a name beyond ASCII",
    { base: 'größe "🙂"', scaling: "alpha/rank", fanInFanOut: true, targets: [target("h.0.attn.c_attn", 9)] },
    "9a670b7edadbb511eb5ee417326864714e36469c9e02f559cc49e3f6aab9d2fa"
  ]
]
