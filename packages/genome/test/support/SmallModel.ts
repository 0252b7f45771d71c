/**
 * A random model of a few thousand numbers in a temporary folder, and layers for it: everything of the engine but sense.
 */
import * as ContentId from "@continuum/core/ContentId"
import * as Layer from "@continuum/genome/Layer"
import * as HuggingFace from "@continuum/genome/model/HuggingFace"
import { loraInput } from "@continuum/genome/model/InferenceGraph"
import type { LlamaConfig } from "@continuum/genome/model/LlamaConfig"
import * as ModelFolder from "@continuum/genome/model/ModelFolder"
import * as RandomStream from "@continuum/genome/model/RandomStream"
import { marks, vocabularySize } from "@continuum/genome/model/Tokenizer"
import * as Weights from "@continuum/genome/model/Weights"
import * as Initial from "@continuum/genome/train/Initial"
import * as LoraTrainer from "@continuum/genome/train/LoraTrainer"
import { Effect, FileSystem } from "effect"

export const config: LlamaConfig = {
  model_type: "llama",
  vocab_size: vocabularySize,
  hidden_size: 32,
  intermediate_size: 48,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 8,
  max_position_embeddings: 192,
  rms_norm_eps: 1e-5,
  rope_theta: 10_000,
  hidden_act: "silu",
  attention_bias: false,
  mlp_bias: false,
  tie_word_embeddings: false,
  rope_scaling: null,
  bos_token_id: marks.start,
  eos_token_id: marks.end,
  pad_token_id: marks.pad
}

/** Random weights whose answers are printable and never end by themselves: only the letters a to z have a chance. */
export const weightsOf = (config: LlamaConfig): ReadonlyMap<string, Float32Array> => {
  const all = new Map(Initial.weights(config, 7))
  for (const [name, data] of all) {
    if (name.includes("_proj") || name === "model.embed_tokens.weight")
      all.set(
        name,
        data.map((value) => value * 2)
      )
  }
  const head = all.get("lm_head.weight")!.map((value) => value * 3)
  const norm = all.get("model.norm.weight")!
  const width = config.hidden_size
  for (let token = 0; token < config.vocab_size; token++) {
    if (token < 97 || token > 122) head.fill(0, token * width, (token + 1) * width)
  }
  return all.set("lm_head.weight", head).set("model.norm.weight", norm)
}
export const weights = weightsOf(config)

/** A layer that changes answers. */
export const layerOf = (seed: number, rank: number, base: string): Effect.Effect<Layer.Layer> => {
  const random = RandomStream.make(seed, 9)
  const parameters = new Map(Initial.layer(config, rank, seed))
  for (const [name, data] of parameters) {
    if (name.endsWith("_B"))
      parameters.set(
        name,
        data.map(() => RandomStream.normal(random) * 0.5)
      )
  }
  return LoraTrainer.toLayer(parameters, config, base, rank)
}

/** The weights with a layer worked in: what the engine must equal without doing it. */
export const merged = (layer: Layer.Layer, weight = 1) =>
  Effect.map(LoraTrainer.toParameters(layer, config, Layer.rankMaxOf(layer)), (parameters) => {
    const all = new Map(weights)
    for (const { name } of layer.targets) {
      const key = `${name}.weight`
      const rank = Layer.rankMaxOf(layer)
      const [a, b] = [parameters.get(loraInput(name, "A"))!, parameters.get(loraInput(name, "B"))!]
      const [inputs, outputs] = [a.length / rank, b.length / rank]
      all.set(
        key,
        all.get(key)!.map((value, i) => {
          const [output, input] = [Math.floor(i / inputs), i % inputs]
          let sum = 0
          for (let r = 0; r < rank; r++) sum += a[input * rank + r]! * b[r * outputs + output]!
          return value + weight * sum
        })
      )
    }
    return all
  })

/** Writes a model folder and gives its path and the name of its base. */
export const folder = Effect.fnUntraced(function* (given: ReadonlyMap<string, Float32Array> = weights, sizes = config) {
  const fs = yield* FileSystem.FileSystem
  const directory = yield* fs.makeTempDirectoryScoped({ prefix: "continuum-genome-" })
  const file = yield* Weights.write(sizes, given)
  const manifest = { name: "test/small", weights: ContentId.of(file) }
  for (const [name, text] of HuggingFace.filesOf(sizes)) yield* fs.writeFileString(`${directory}/${name}`, text)
  yield* fs.writeFile(`${directory}/${ModelFolder.weightsFile}`, file)
  yield* fs.writeFileString(`${directory}/${ModelFolder.manifestFile}`, JSON.stringify(manifest))
  return { directory, base: ModelFolder.baseName(manifest) }
})
