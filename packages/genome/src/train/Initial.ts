/**
 * Where a training begins: random weights from a seed.
 */
import { type LlamaConfig, linearTargets, weightShapes } from "../model/LlamaConfig.ts"
import { loraInput } from "../model/InferenceGraph.ts"
import * as RandomStream from "../model/RandomStream.ts"

/** Deviation of the embeddings. Small against the norm that follows. Chosen, not measured. */
const embeddingDeviation = 0.05

/**
 * Weights of a new base: norms are 1, a linear module keeps the variance of what goes in (1 / sqrt(inputs)), and those
 * that write back into the stream are smaller by sqrt(2 * blocks), as in GPT-2 (Radford and others, 2019).
 */
export const weights = (config: LlamaConfig, seed: number): ReadonlyMap<string, Float32Array> => {
  const random = RandomStream.make(seed)
  const residual = 1 / Math.sqrt(2 * config.num_hidden_layers)
  return new Map(
    Array.from(weightShapes(config), ([name, shape]) => {
      const data = new Float32Array(shape.reduce((product, size) => product * size, 1))
      if (shape.length === 1) return [name, data.fill(1)]
      const writesBack = name.endsWith("o_proj.weight") || name.endsWith("down_proj.weight")
      const deviation = name.includes("embed_tokens")
        ? embeddingDeviation
        : (writesBack ? residual : 1) / Math.sqrt(shape[1]!)
      for (let i = 0; i < data.length; i++) data[i] = RandomStream.normal(random) * deviation
      return [name, data]
    })
  )
}

/** A new layer, as [1, inputs, rank] and [1, rank, outputs]: A random, B zero, so that it changes nothing yet (Hu and others, 2021). */
export const layer = (config: LlamaConfig, rank: number, seed: number): ReadonlyMap<string, Float32Array> => {
  const random = RandomStream.make(seed, 1)
  return new Map(
    linearTargets(config).flatMap(({ name, inputs, outputs }) => [
      [
        loraInput(name, "A"),
        Float32Array.from({ length: inputs * rank }, () => RandomStream.normal(random) / Math.sqrt(inputs))
      ],
      [loraInput(name, "B"), new Float32Array(rank * outputs)]
    ])
  )
}
