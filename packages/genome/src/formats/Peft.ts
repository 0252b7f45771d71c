/**
 * LoRA adapters of Hugging Face PEFT (https://github.com/huggingface/peft): `adapter_config.json` beside
 * `adapter_model.safetensors`, from and to a layer. The bytes of the numbers stay as they are, both ways.
 *
 * An adapter that would compute something else than x W^T + scale * x A^T B^T is refused, and so is a setting that is
 * not known here and is not off: a wrong answer without a word is worse than a refusal. What only mattered for training
 * (dropout, initialisation, which layers were chosen) is not kept.
 */
import { Effect, Schema } from "effect"
import * as Layer from "../Layer.ts"
import type { LayerMalformed } from "../Layer.ts"
import { peftConfigBytesMax } from "../Limits.ts"
import * as Safetensors from "./Safetensors.ts"
import type { SafetensorsMalformed } from "./SafetensorsHeader.ts"

/** The adapter uses something that a layer does not have. */
export class PeftUnsupported extends Schema.TaggedError<PeftUnsupported>()("PeftUnsupported", {
  /** The setting or the tensor. */
  feature: Schema.String,
  hint: Schema.String
}) {
  override get message() {
    return `This PEFT adapter uses ${this.feature}, which a layer does not have. ${this.hint}`
  }
}

/** The two files are no PEFT adapter, or do not fit together. */
export class PeftMalformed extends Schema.TaggedError<PeftMalformed>()("PeftMalformed", {
  reason: Schema.String
}) {
  override get message() {
    return `This is not a PEFT adapter: ${this.reason}`
  }
}

/** Names of the two files. */
export const configFile = "adapter_config.json"
export const weightsFile = "adapter_model.safetensors"

/** The two files of an adapter. */
export interface Adapter {
  /** Text of `adapter_config.json`. */
  readonly config: string
  /** Bytes of `adapter_model.safetensors`. */
  readonly weights: Uint8Array
}

const Whole = Schema.Int.check(Schema.isGreaterThan(0))
/** What we read of the configuration; defaults are PEFT's. */
const Config = Schema.Struct({
  peft_type: Schema.String,
  base_model_name_or_path: Schema.optionalKey(Schema.NullOr(Schema.String)),
  r: Whole,
  lora_alpha: Schema.Finite,
  use_rslora: Schema.optionalKey(Schema.NullOr(Schema.Boolean)),
  fan_in_fan_out: Schema.optionalKey(Schema.NullOr(Schema.Boolean)),
  bias: Schema.optionalKey(Schema.String),
  init_lora_weights: Schema.optionalKey(Schema.NullOr(Schema.Union([Schema.Boolean, Schema.String]))),
  rank_pattern: Schema.optionalKey(Schema.NullOr(Schema.Record(Schema.String, Whole))),
  alpha_pattern: Schema.optionalKey(Schema.NullOr(Schema.Record(Schema.String, Schema.Finite)))
})
type Config = typeof Config.Type
const decodeConfig = Schema.decodeUnknownEffect(Schema.fromJsonString(Config))

/** Settings that say how the adapter was made or is loaded, and do not change what it computes. */
const harmless: ReadonlySet<string> = new Set([
  ...Object.keys(Config.fields),
  "auto_mapping",
  "corda_config",
  "ensure_weight_tying",
  "eva_config",
  "exclude_modules",
  "inference_mode",
  "layers_pattern",
  "layers_to_transform",
  "loftq_config",
  "lora_dropout",
  "lora_ga_config",
  "megatron_core",
  "peft_version",
  "qalora_group_size",
  "revision",
  "runtime_config",
  "target_modules",
  "task_type"
])

/** Ways to begin training that leave the base model as it is; others (pissa, olora, loftq, corda, ...) change it. */
const harmlessInitialisations: ReadonlySet<unknown> = new Set([
  undefined,
  null,
  true,
  false,
  "gaussian",
  "eva",
  "orthogonal"
])

/**
 * The layer of an adapter. `base` names the base model where the configuration does not, or where its name is a path on
 * the machine of whoever trained it.
 */
export const read = Effect.fn("Peft.read")(function* (
  adapter: Adapter,
  options: { readonly base?: string } = {}
): Effect.fn.Return<Layer.Layer, PeftUnsupported | PeftMalformed | SafetensorsMalformed | LayerMalformed> {
  const config = yield* readConfig(adapter.config)
  const base = options.base ?? config.base_model_name_or_path ?? ""
  if (base === "") {
    return yield* malformed(`${configFile} has no base_model_name_or_path. Say which base model it is for`)
  }
  const { tensors } = yield* Safetensors.read(adapter.weights)
  const pairs = new Map<string, { a?: Safetensors.Tensor; b?: Safetensors.Tensor }>()
  for (const [name, tensor] of tensors) {
    const match = tensorPattern.exec(name)
    if (match === null) return yield* unexpectedTensor(name)
    const [, target, matrix] = match as unknown as [string, string, "A" | "B"]
    const pair = pairs.get(target) ?? {}
    pairs.set(target, matrix === "A" ? { ...pair, a: tensor } : { ...pair, b: tensor })
  }
  const targets: Array<Layer.Target> = []
  for (const [name, { a, b }] of pairs) {
    if (a === undefined || b === undefined) {
      return yield* malformed(`${weightsFile} has no ${Layer.tensorName(name, a === undefined ? "A" : "B")}`)
    }
    const rank = lookUp(config.rank_pattern, name, config.r)
    if (a.shape[0] !== rank) {
      return yield* malformed(`${configFile} gives ${name} the rank ${rank}, and ${weightsFile} has ${a.shape[0]}`)
    }
    targets.push({ name, alpha: lookUp(config.alpha_pattern, name, config.lora_alpha), a, b })
  }
  return yield* Layer.make({
    base,
    scaling: config.use_rslora === true ? "alpha/sqrt(rank)" : "alpha/rank",
    fanInFanOut: config.fan_in_fan_out === true,
    targets
  })
})

/** The adapter of a layer, its weights in the layer's canonical form. Fails as `Layer.encode` does. */
export const write = (layer: Layer.Layer): Effect.Effect<Adapter, LayerMalformed> =>
  Effect.map(Layer.encode(layer), (weights) => {
    const ranks = patternOf(layer.targets.map((target) => [target.name, Layer.rankOf(target)]))
    const alphas = patternOf(layer.targets.map(({ name, alpha }) => [name, alpha]))
    const config = {
      alpha_pattern: alphas.pattern,
      auto_mapping: null,
      base_model_name_or_path: layer.base,
      bias: "none",
      fan_in_fan_out: layer.fanInFanOut,
      inference_mode: true,
      init_lora_weights: true,
      layers_pattern: null,
      layers_to_transform: null,
      lora_alpha: alphas.common,
      lora_dropout: 0,
      modules_to_save: null,
      peft_type: "LORA",
      r: ranks.common,
      rank_pattern: ranks.pattern,
      revision: null,
      target_modules: layer.targets.map(({ name }) => name),
      task_type: null,
      use_dora: false,
      use_rslora: layer.scaling === "alpha/sqrt(rank)"
    }
    return { config: `${JSON.stringify(config, null, 2)}\n`, weights }
  })

const tensorPattern = /^base_model\.model\.(.+)\.lora_([AB])\.weight$/

const readConfig = Effect.fnUntraced(function* (text: string) {
  if (text.length > peftConfigBytesMax)
    return yield* malformed(`${configFile} is longer than ${peftConfigBytesMax} bytes`)
  const config = yield* Effect.mapError(decodeConfig(text), ({ message }) =>
    malformed(`${configFile} is not what it should be: ${message.slice(0, 500)}`)
  )
  if (config.peft_type !== "LORA") {
    return yield* unsupported(`peft_type "${config.peft_type}"`, 'Only adapters of peft_type "LORA" are layers')
  }
  if (config.bias !== undefined && config.bias !== "none") {
    return yield* unsupported(`bias "${config.bias}"`, 'Train with bias "none"')
  }
  if (!harmlessInitialisations.has(config.init_lora_weights)) {
    return yield* unsupported(
      `init_lora_weights "${config.init_lora_weights}"`,
      "It changed the base model before training. Convert it to plain LoRA with PEFT's save_pretrained first"
    )
  }
  for (const [name, value] of Object.entries(JSON.parse(text) as object)) {
    if (!harmless.has(name) && !isOff(value)) {
      return yield* unsupported(name, hints[name] ?? "Train without it, or merge it into the base model")
    }
  }
  for (const pattern of [config.rank_pattern, config.alpha_pattern]) {
    const key = Object.keys(pattern ?? {}).find((key) => !literalPattern.test(key))
    if (key !== undefined) {
      return yield* unsupported(
        `the regular expression "${key}" as a pattern`,
        "Write the modules' names: a stranger's expression is not run"
      )
    }
  }
  return config
})

const hints: Readonly<Record<string, string>> = {
  use_dora: "DoRA also learns magnitudes. Merge it into the base model, or train with use_dora false",
  modules_to_save: "Whole modules were trained beside the adapter. Train without modules_to_save"
}

/** Whether a setting has a value that every switch has when it is off. */
const isOff = (value: unknown): boolean =>
  value === null ||
  value === false ||
  value === 0 ||
  value === "" ||
  (typeof value === "object" && Object.keys(value).length === 0)

/**
 * A module's name or its end, perhaps with PEFT's mark for its beginning; a dot stands for itself. Not a bare number,
 * which `JSON.parse` would move in front of the keys that PEFT tries first.
 */
const literalPattern = /^(?!\d+$)\^?[A-Za-z0-9_.-]+$/

/** PEFT's rule: the first key that is the module's name, or its end behind a dot. */
const lookUp = (
  pattern: Readonly<Record<string, number>> | null | undefined,
  name: string,
  otherwise: number
): number => {
  for (const [key, value] of Object.entries(pattern ?? {})) {
    if (key.startsWith("^") ? key.slice(1) === name : key === name || name.endsWith(`.${key}`)) return value
  }
  return otherwise
}

/** The value that most targets have, the smallest of them in a tie, and a pattern with the full names of the others. */
const patternOf = (values: ReadonlyArray<readonly [name: string, value: number]>) => {
  const counts = new Map<number, number>()
  for (const [, value] of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  const [[common] = [0]] = [...counts].sort(([a, countA], [b, countB]) => countB - countA || a - b)
  const others = values.filter(([, value]) => value !== common)
  return { common, pattern: Object.fromEntries(others.map(([name, value]) => [`^${name}`, value])) }
}

const unexpectedTensor = (name: string) => {
  const hint = "A layer has only lora_A and lora_B of linear modules"
  if (name.includes("lora_magnitude_vector")) return unsupported(`DoRA (${name})`, hints.use_dora!)
  if (name.includes("lora_embedding_")) return unsupported(`an adapted embedding (${name})`, hint)
  if (name.endsWith(".bias")) return unsupported(`a bias (${name})`, 'Train with bias "none" and lora_bias false')
  if (name.startsWith("base_model.model.")) return unsupported(`the tensor ${name}`, hint)
  return malformed(`${weightsFile} has the tensor "${name.slice(0, 200)}", which does not begin with base_model.model.`)
}

const unsupported = (feature: string, hint: string) => new PeftUnsupported({ feature: feature.slice(0, 300), hint })
const malformed = (reason: string) => new PeftMalformed({ reason })
