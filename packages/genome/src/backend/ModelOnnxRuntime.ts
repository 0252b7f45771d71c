/**
 * A Llama model on onnxruntime, as the batcher runs it. Changing layers is feeding other tensors: those of a composition
 * are wrapped once; those of a mixed batch are put together once for as long as its rows are the same.
 */
import type { Matrices, Matrix } from "../Composition.ts"
import type { Model } from "../model/Batcher.ts"
import * as InferenceGraph from "../model/InferenceGraph.ts"
import { linearTargets, type LinearTarget, type LlamaConfig } from "../model/LlamaConfig.ts"
import { encode } from "../onnx/OnnxFile.ts"
import * as SessionOnnxRuntime from "./SessionOnnxRuntime.ts"

type Inputs = { readonly [name: string]: ReturnType<typeof SessionOnnxRuntime.tensor> }

/** No change of any module. */
export const noLayers: Matrix = {}

export const open = async (
  config: LlamaConfig,
  weights: ReadonlyMap<string, Float32Array>,
  threads: number
): Promise<Model<Matrix>> => {
  const session = await SessionOnnxRuntime.open(encode(InferenceGraph.make(config, weights, { layers: true })), threads)
  const { head_dim: headSize, num_hidden_layers: blocks, num_key_value_heads: heads } = config
  const pastNames = namesOf(blocks, InferenceGraph.pastInput)
  const presentNames = namesOf(blocks, InferenceGraph.presentOutput)
  const inputsOf = layerInputs(config)
  return {
    vocabulary: config.vocab_size,
    contextTokens: config.max_position_embeddings,
    blocks,
    heads,
    headSize,
    forward: async ({ rows, sequence, tokens, positions, attended, past, layers }) => {
      const inputs: Record<string, ReturnType<typeof SessionOnnxRuntime.tensor>> = {
        ...inputsOf(layers),
        input_ids: SessionOnnxRuntime.tensor(tokens, [rows, sequence]),
        position_ids: SessionOnnxRuntime.tensor(positions, [rows, sequence]),
        attention_mask: SessionOnnxRuntime.tensor(attended, [rows, past.width + sequence])
      }
      for (const [i, name] of pastNames.entries()) {
        inputs[name] = SessionOnnxRuntime.tensor(past.tensors[i]!, [rows, heads, past.width, headSize])
      }
      const results = await session.run(inputs)
      return {
        logits: results["logits"]!.data as Float32Array,
        past: presentNames.map((name) => results[name]!.data as Float32Array)
      }
    }
  }
}

const namesOf = (blocks: number, name: (block: number, what: "key" | "value") => string): ReadonlyArray<string> =>
  Array.from({ length: blocks }, (_, block) => [name(block, "key"), name(block, "value")]).flat()

/** Gives the inputs for the layers of each row: the same ones for the same composition, or the same array of rows. */
export const layerInputs = (config: LlamaConfig): ((rows: ReadonlyArray<Matrix>) => Inputs) => {
  const targets = linearTargets(config)
  /** For one composition in all rows. */
  const alike = new WeakMap<Matrix, Inputs>()
  /** For rows that differ. */
  const mixed = new WeakMap<ReadonlyArray<Matrix>, Inputs>()
  return (rows) => {
    const first = rows[0]!
    const isAlike = rows.every((matrix) => matrix === first)
    const known = isAlike ? alike.get(first) : mixed.get(rows)
    if (known !== undefined) return known
    const inputs = Object.fromEntries(targets.flatMap((target) => stacked(target, isAlike ? [first] : rows)))
    if (isAlike) alike.set(first, inputs)
    else mixed.set(rows, inputs)
    return inputs
  }
}

/** A and B of a module for some rows; smaller ranks are filled up with zeros. */
const stacked = ({ name, inputs, outputs }: LinearTarget, rows: ReadonlyArray<Matrix>) => {
  const parts = rows.map((matrix): Matrices | undefined => matrix[name])
  const rank = parts.reduce((most, part) => Math.max(most, part?.rank ?? 0), 0)
  const single = parts.length === 1 ? parts[0] : undefined
  const a = single?.a ?? new Float32Array(rows.length * inputs * rank)
  const b = single?.b ?? new Float32Array(rows.length * rank * outputs)
  if (single === undefined) {
    for (const [row, part] of parts.entries()) {
      if (part === undefined) continue
      for (let input = 0; input < inputs; input++) {
        const values = part.a.subarray(input * part.rank, (input + 1) * part.rank)
        a.set(values, (row * inputs + input) * rank)
      }
      b.set(part.b, row * rank * outputs)
    }
  }
  return [
    [InferenceGraph.loraInput(name, "A"), SessionOnnxRuntime.tensor(a, [rows.length, inputs, rank])],
    [InferenceGraph.loraInput(name, "B"), SessionOnnxRuntime.tensor(b, [rows.length, rank, outputs])]
  ] as const
}
