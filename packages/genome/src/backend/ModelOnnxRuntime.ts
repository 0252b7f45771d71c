/**
 * A Llama model on onnxruntime, as the batcher runs it. Changing layers is feeding other tensors: those of a composition
 * are wrapped once; those of a mixed batch are put together once for as long as its rows are the same.
 */
import type { Matrix } from "../Composition.ts"
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
    const inputs = isAlike ? sideBySide([first], [first], targets) : sideBySide([...new Set(rows)], rows, targets)
    if (isAlike) alike.set(first, inputs)
    else mixed.set(rows, inputs)
    return inputs
  }
}

/** Where the ranks of a composition are: the same place for every module, with zeros where a module has fewer. */
interface Place {
  readonly matrix: Matrix
  readonly from: number
  readonly rank: number
}

/** The compositions beside each other, and for each row which ranks are its own. */
const sideBySide = (
  compositions: ReadonlyArray<Matrix>,
  rows: ReadonlyArray<Matrix>,
  targets: ReadonlyArray<LinearTarget>
): Inputs => {
  let rank = 0
  const places = compositions.map((matrix): Place => {
    const place = { matrix, from: rank, rank: rankOf(matrix) }
    rank += place.rank
    return place
  })
  const inputs: Record<string, ReturnType<typeof SessionOnnxRuntime.tensor>> = {}
  for (const target of targets) {
    const { a, b } = matricesOf(target, places, rank)
    inputs[InferenceGraph.loraInput(target.name, "A")] = SessionOnnxRuntime.tensor(a, [1, target.inputs, rank])
    inputs[InferenceGraph.loraInput(target.name, "B")] = SessionOnnxRuntime.tensor(b, [1, rank, target.outputs])
  }
  const own = new Uint8Array(rows.length * rank)
  for (const [row, matrix] of rows.entries()) {
    const place = places.find((one) => one.matrix === matrix)!
    own.fill(1, row * rank + place.from, row * rank + place.from + place.rank)
  }
  return { ...inputs, [InferenceGraph.loraRowsInput]: SessionOnnxRuntime.tensor(own, [rows.length, 1, rank]) }
}

const rankOf = (matrix: Matrix): number => Object.values(matrix).reduce((most, { rank }) => Math.max(most, rank), 0)

/** A and B of a module. Those of a single composition are wrapped as they are. */
const matricesOf = ({ name, inputs, outputs }: LinearTarget, places: ReadonlyArray<Place>, rank: number) => {
  const single = places.length === 1 ? places[0]!.matrix[name] : undefined
  if (single?.rank === rank) return single
  const a = new Float32Array(inputs * rank)
  const b = new Float32Array(rank * outputs)
  for (const { from, matrix } of places) {
    const part = matrix[name]
    if (part === undefined) continue
    for (let input = 0; input < inputs; input++) {
      a.set(part.a.subarray(input * part.rank, (input + 1) * part.rank), input * rank + from)
    }
    b.set(part.b, from * outputs)
  }
  return { a, b }
}
