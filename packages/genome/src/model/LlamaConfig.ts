/**
 * The sizes of a Llama model (Touvron and others, 2023), as `config.json` of Hugging Face transformers has them.
 */
import { Effect, Schema } from "effect"
import { modelBlocksMax, modelContextTokensMax, modelVocabularyMax, modelWidthMax } from "../Limits.ts"

const size = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 1, maximum }))

/** `config.json`. Fields that change what is computed and are not known here are refused by `problemOf`. */
export const LlamaConfig = Schema.Struct({
  model_type: Schema.Literal("llama"),
  vocab_size: size(modelVocabularyMax),
  hidden_size: size(modelWidthMax),
  intermediate_size: size(modelWidthMax),
  num_hidden_layers: size(modelBlocksMax),
  num_attention_heads: size(modelWidthMax),
  /** Fewer than the heads of queries: each pair of key and value serves several (Ainslie and others, GQA, 2023). */
  num_key_value_heads: size(modelWidthMax),
  head_dim: size(modelWidthMax),
  max_position_embeddings: size(modelContextTokensMax),
  rms_norm_eps: Schema.Finite.check(Schema.isGreaterThan(0)),
  rope_theta: Schema.Finite.check(Schema.isGreaterThan(1)),
  hidden_act: Schema.Literal("silu"),
  attention_bias: Schema.Literal(false),
  mlp_bias: Schema.Literal(false),
  tie_word_embeddings: Schema.Literal(false),
  rope_scaling: Schema.Null,
  bos_token_id: Schema.Int,
  eos_token_id: Schema.Int,
  pad_token_id: Schema.Int
})
export type LlamaConfig = typeof LlamaConfig.Type

/** The text is no configuration of a model that runs here. */
export class ConfigUnsupported extends Schema.TaggedError<ConfigUnsupported>()("ConfigUnsupported", {
  reason: Schema.String
}) {
  override get message() {
    return `This config.json is not one of a Llama model that runs here: ${this.reason}`
  }
}

/** Reads the text of `config.json`. Fails with `ConfigUnsupported`. */
export const parse = (text: string): Effect.Effect<LlamaConfig, ConfigUnsupported> =>
  decode(text).pipe(
    Effect.mapError((error) => new ConfigUnsupported({ reason: error.message })),
    Effect.flatMap((config) => {
      const reason = problemOf(config)
      return reason === undefined ? Effect.succeed(config) : Effect.fail(new ConfigUnsupported({ reason }))
    })
  )
const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(LlamaConfig))

const problemOf = (config: LlamaConfig): string | undefined => {
  if (config.head_dim % 2 !== 0) return `head_dim is ${config.head_dim}; rotary positions need an even number`
  if (config.num_attention_heads % config.num_key_value_heads !== 0) {
    return `${config.num_attention_heads} heads do not divide among ${config.num_key_value_heads} of keys and values`
  }
  return undefined
}

/** The linear modules of a block, with their path in it; all of them can have a layer. */
export const linearModules = [
  "self_attn.q_proj",
  "self_attn.k_proj",
  "self_attn.v_proj",
  "self_attn.o_proj",
  "mlp.gate_proj",
  "mlp.up_proj",
  "mlp.down_proj"
] as const
export type LinearModule = (typeof linearModules)[number]

/** Numbers that go in and come out of a linear module. */
export const linearShape = (config: LlamaConfig, module: LinearModule): { inputs: number; outputs: number } => {
  const width = config.hidden_size
  const queries = config.num_attention_heads * config.head_dim
  const keys = config.num_key_value_heads * config.head_dim
  switch (module) {
    case "self_attn.q_proj":
      return { inputs: width, outputs: queries }
    case "self_attn.k_proj":
    case "self_attn.v_proj":
      return { inputs: width, outputs: keys }
    case "self_attn.o_proj":
      return { inputs: queries, outputs: width }
    case "mlp.gate_proj":
    case "mlp.up_proj":
      return { inputs: width, outputs: config.intermediate_size }
    case "mlp.down_proj":
      return { inputs: config.intermediate_size, outputs: width }
  }
}

/** A module that a layer may target: its path in the model, such as `model.layers.0.self_attn.q_proj`, and its shape. */
export interface LinearTarget {
  readonly name: string
  readonly inputs: number
  readonly outputs: number
}

/** All of them, block by block. */
export const linearTargets = (config: LlamaConfig): ReadonlyArray<LinearTarget> =>
  Array.from({ length: config.num_hidden_layers }, (_, block) =>
    linearModules.map((module) => ({ name: moduleName(block, module), ...linearShape(config, module) }))
  ).flat()

export const moduleName = (block: number, module: string): string => `model.layers.${block}.${module}`

/** Names and shapes of all weights, as `model.safetensors` has them: linear ones are [outputs, inputs]. */
export const weightShapes = (config: LlamaConfig): ReadonlyMap<string, ReadonlyArray<number>> => {
  const width = config.hidden_size
  const shapes = new Map<string, ReadonlyArray<number>>([["model.embed_tokens.weight", [config.vocab_size, width]]])
  for (let block = 0; block < config.num_hidden_layers; block++) {
    for (const norm of ["input_layernorm", "post_attention_layernorm"]) {
      shapes.set(`${moduleName(block, norm)}.weight`, [width])
    }
    for (const module of linearModules) {
      const { inputs, outputs } = linearShape(config, module)
      shapes.set(`${moduleName(block, module)}.weight`, [outputs, inputs])
    }
  }
  return shapes.set("model.norm.weight", [width]).set("lm_head.weight", [config.vocab_size, width])
}
