import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import fc from "fast-check"
import * as Peft from "../../src/formats/Peft.ts"
import * as Safetensors from "../../src/formats/Safetensors.ts"
import * as Layer from "../../src/Layer.ts"
import { layers, matrix, target } from "../vectors/LayerVectors.ts"

const readSync = (adapter: Peft.Adapter, options?: { base?: string }) => Effect.runSync(Peft.read(adapter, options))
const writeSync = (layer: Layer.Layer) => Effect.runSync(Peft.write(layer))
const refusal = (adapter: Peft.Adapter, options?: { base?: string }) =>
  Effect.runSync(Effect.flip(Peft.read(adapter, options)))

/** What PEFT 0.18 writes for a LoRA adapter; the fields are its, the values those of a small Llama. */
const config = {
  alora_invocation_tokens: null,
  alpha_pattern: {},
  arrow_config: null,
  auto_mapping: null,
  base_model_name_or_path: "meta-llama/Llama-3.2-1B",
  bias: "none",
  corda_config: null,
  ensure_weight_tying: false,
  eva_config: null,
  exclude_modules: null,
  fan_in_fan_out: false,
  inference_mode: true,
  init_lora_weights: true,
  layer_replication: null,
  layers_pattern: null,
  layers_to_transform: null,
  loftq_config: {},
  lora_alpha: 16,
  lora_bias: false,
  lora_dropout: 0.05,
  megatron_config: null,
  megatron_core: "megatron.core",
  modules_to_save: null,
  peft_type: "LORA",
  peft_version: "0.18.0",
  qalora_group_size: 16,
  r: 4,
  rank_pattern: {},
  revision: null,
  target_modules: ["q_proj", "v_proj"],
  target_parameters: null,
  task_type: "CAUSAL_LM",
  trainable_token_indices: null,
  use_dora: false,
  use_qalora: false,
  use_rslora: false
}
const q = (layer: number) => `model.layers.${layer}.self_attn.q_proj`
const v = (layer: number) => `model.layers.${layer}.self_attn.v_proj`

type Tensors = ReadonlyArray<readonly [name: string, tensor: Safetensors.Tensor]>
const pair = (name: string, seed: number, rank = 4): Tensors => [
  [`base_model.model.${name}.lora_A.weight`, matrix(rank, 6, seed, "BF16")],
  [`base_model.model.${name}.lora_B.weight`, matrix(5, rank, seed + 1, "BF16")]
]
const adapterOf = (changes: Record<string, unknown> = {}, tensors: Tensors = [...pair(q(0), 1), ...pair(v(0), 3)]) => ({
  config: JSON.stringify({ ...config, ...changes }, null, 2),
  weights: Effect.runSync(Safetensors.write({ metadata: new Map([["format", "pt"]]), tensors: new Map(tensors) }))
})

describe("reading an adapter", () => {
  it("gives a layer with the adapter's numbers, bit by bit", () => {
    const layer = readSync(adapterOf())
    expect({ ...layer, targets: layer.targets.map(({ name, alpha }) => [name, alpha]) }).toEqual({
      base: "meta-llama/Llama-3.2-1B",
      scaling: "alpha/rank",
      fanInFanOut: false,
      targets: [
        [q(0), 16],
        [v(0), 16]
      ]
    })
    expect(layer.targets[0]!.a).toEqual(matrix(4, 6, 1, "BF16"))
    expect(layer.targets[1]!.b).toEqual(matrix(5, 4, 4, "BF16"))
    expect(Layer.scaleOf(layer, layer.targets[0]!)).toBe(4)
  })

  it("takes the configurations of older versions, with fewer fields", () => {
    const { base_model_name_or_path, bias, lora_alpha, peft_type, r } = config
    const old = { base_model_name_or_path, bias, lora_alpha, peft_type, r, fan_in_fan_out: null, rank_pattern: null }
    expect(readSync({ ...adapterOf(), config: JSON.stringify(old) })).toEqual(readSync(adapterOf()))
  })

  it("takes rank-stabilised scaling and weights stored the other way", () => {
    const layer = readSync(adapterOf({ use_rslora: true, fan_in_fan_out: true }))
    expect([layer.scaling, layer.fanInFanOut]).toEqual(["alpha/sqrt(rank)", true])
    expect(Layer.scaleOf(layer, layer.targets[0]!)).toBe(8)
  })

  it("gives each module the rank and the alpha of the first pattern that is its name or its end", () => {
    const layer = readSync(
      adapterOf(
        {
          rank_pattern: { "layers.1.self_attn.q_proj": 2, v_proj: 8, [`^${q(2)}`]: 3 },
          alpha_pattern: { "0.self_attn.v_proj": 1.5, v_proj: 32, proj: 99, "^q_proj": 98 }
        },
        [...pair(q(0), 1), ...pair(q(1), 3, 2), ...pair(q(2), 5, 3), ...pair(v(0), 7, 8), ...pair(v(1), 9, 8)]
      )
    )
    expect(layer.targets.map((t) => [t.name, Layer.rankOf(t), t.alpha])).toEqual([
      [q(0), 4, 16],
      [v(0), 8, 1.5],
      [q(1), 2, 16],
      [v(1), 8, 32],
      [q(2), 3, 16]
    ])
  })

  it("takes the name of the base from whoever imports it, and asks for one where there is none", () => {
    expect(readSync(adapterOf(), { base: "continuum/tiny" }).base).toBe("continuum/tiny")
    for (const base_model_name_or_path of [null, ""]) {
      expect(refusal(adapterOf({ base_model_name_or_path })).message).toMatch(/Say which base model it is for/)
      expect(readSync(adapterOf({ base_model_name_or_path }), { base: "tiny" }).base).toBe("tiny")
    }
  })

  it.each(["gaussian", "eva", "orthogonal", false])(
    "does not mind that training began with %j",
    (init_lora_weights) => {
      expect(readSync(adapterOf({ init_lora_weights }))).toEqual(readSync(adapterOf()))
    }
  )
})

describe("an adapter that would compute something else is refused, and the message says what", () => {
  it.each<readonly [feature: string, change: Record<string, unknown>]>([
    ["use_dora", { use_dora: true }],
    ["modules_to_save", { modules_to_save: ["lm_head"] }],
    ['bias "all"', { bias: "all" }],
    ['bias "lora_only"', { bias: "lora_only" }],
    ["lora_bias", { lora_bias: true }],
    ['peft_type "IA3"', { peft_type: "IA3" }],
    ['peft_type "LOHA"', { peft_type: "LOHA" }],
    ['peft_type "lora"', { peft_type: "lora" }],
    ['init_lora_weights "pissa"', { init_lora_weights: "pissa" }],
    ['init_lora_weights "pissa_niter_16"', { init_lora_weights: "pissa_niter_16" }],
    ['init_lora_weights "olora"', { init_lora_weights: "olora" }],
    ['init_lora_weights "loftq"', { init_lora_weights: "loftq" }],
    [
      "layer_replication",
      {
        layer_replication: [
          [0, 4],
          [2, 5]
        ]
      }
    ],
    ["alora_invocation_tokens", { alora_invocation_tokens: [1, 2] }],
    ["target_parameters", { target_parameters: ["experts.gate"] }],
    ["trainable_token_indices", { trainable_token_indices: [7] }],
    ["use_qalora", { use_qalora: true }],
    ["megatron_config", { megatron_config: { layers: 2 } }],
    ["arrow_config", { arrow_config: { top_k: 3 } }],
    ["use_of_tomorrow", { use_of_tomorrow: true }],
    ['regular expression ".*q_proj"', { alpha_pattern: { ".*q_proj": 8 } }],
    ['regular expression "(a+)+$"', { rank_pattern: { "(a+)+$": 8 } }],
    ['regular expression "0"', { alpha_pattern: { 0: 8 } }]
  ])("%s", (feature, change) => {
    const error = refusal(adapterOf(change))
    expect(error).toBeInstanceOf(Peft.PeftUnsupported)
    expect(error.message).toContain(feature)
    expect(error.message).toMatch(/which a layer does not have\. \S/)
  })

  it.each([
    ["base_model.model.model.embed_tokens.lora_embedding_A", /adapted embedding/],
    [`base_model.model.${q(0)}.lora_magnitude_vector`, /DoRA/],
    [`base_model.model.${q(0)}.lora_B.bias`, /a bias/],
    ["base_model.model.lm_head.weight", /the tensor base_model\.model\.lm_head\.weight/],
    [`base_model.model.${q(0)}.lora_A.default.weight`, /the tensor/]
  ])("the tensor %s", (name, reason) => {
    const error = refusal(adapterOf({}, [...pair(q(0), 1), [name, matrix(4, 6, 1)]]))
    expect(error).toBeInstanceOf(Peft.PeftUnsupported)
    expect(error.message).toMatch(reason)
  })
})

describe("files that are no adapter are refused", () => {
  it.each<readonly [name: string, adapter: Peft.Adapter, tag: string, reason: RegExp]>([
    ["no JSON", { ...adapterOf(), config: "{" }, "PeftMalformed", /adapter_config\.json is not what/],
    ["a list", { ...adapterOf(), config: "[]" }, "PeftMalformed", /adapter_config\.json is not what/],
    ["an endless text", { ...adapterOf(), config: " ".repeat(2_000_000) }, "PeftMalformed", /longer than/],
    ["no peft_type", adapterOf({ peft_type: undefined }), "PeftMalformed", /peft_type/],
    ["r 0", adapterOf({ r: 0 }), "PeftMalformed", /"r"/],
    ["r 1.5", adapterOf({ r: 1.5 }), "PeftMalformed", /"r"/],
    ["alpha in a text", adapterOf({ lora_alpha: "16" }), "PeftMalformed", /lora_alpha/],
    ["no weights", { ...adapterOf(), weights: new Uint8Array(0) }, "SafetensorsMalformed", /0 bytes/],
    ["cut weights", { ...adapterOf(), weights: adapterOf().weights.slice(0, -1) }, "SafetensorsMalformed", /describes/],
    ["no tensors", adapterOf({}, []), "LayerMalformed", /no target/],
    [
      "a tensor of something else",
      adapterOf({}, [["model.norm.weight", matrix(1, 1, 1)]]),
      "PeftMalformed",
      /does not begin with base_model\.model\./
    ],
    ["no B", adapterOf({}, pair(q(0), 1).slice(0, 1)), "PeftMalformed", /has no base_model\.model\..*lora_B/],
    ["no A", adapterOf({}, pair(q(0), 1).slice(1)), "PeftMalformed", /has no base_model\.model\..*lora_A/],
    ["another rank", adapterOf({ r: 8 }), "PeftMalformed", /the rank 8, and adapter_model\.safetensors has 4/],
    [
      "B of another rank",
      adapterOf({}, [pair(q(0), 1)[0]!, pair(q(0), 1, 3)[1]!]),
      "LayerMalformed",
      /A of rank 4 and a B of rank 3/
    ],
    [
      "A of a convolution",
      adapterOf({}, [
        ["base_model.model.c.lora_A.weight", { ...matrix(4, 6, 1), shape: [4, 6, 1, 1] }],
        pair("c", 1)[1]!
      ]),
      "LayerMalformed",
      /no matrix/
    ],
    [
      "a NaN",
      adapterOf({}, [
        ["base_model.model.c.lora_A.weight", Safetensors.fromFloat32(new Float32Array(24).fill(NaN), [4, 6])],
        pair("c", 1)[1]!
      ]),
      "LayerMalformed",
      /NaN in A/
    ],
    ["a module with a strange name", adapterOf({}, pair("a b", 1)), "LayerMalformed", /no path of a module/]
  ])("%s", (_, adapter, tag, reason) => {
    const error = refusal(adapter)
    expect(error._tag).toBe(tag)
    expect(error.message).toMatch(reason)
  })
})

describe("writing an adapter", () => {
  const tensorsOf = (bytes: Uint8Array) => Effect.runSync(Safetensors.read(bytes)).tensors

  it("after reading gives the same tensors, byte by byte, under the same names", () => {
    const adapter = adapterOf({ alpha_pattern: { v_proj: 4 } })
    const again = writeSync(readSync(adapter))
    expect(tensorsOf(again.weights)).toEqual(tensorsOf(adapter.weights))
  })

  it("names ranks and alphas that differ by the whole name, so that no other module matches", () => {
    const adapter = writeSync(
      Effect.runSync(
        Layer.make({
          base: "tiny",
          scaling: "alpha/rank",
          fanInFanOut: false,
          targets: [
            target("q_proj", 1, { rank: 2, alpha: 1 }),
            target("attn.q_proj", 2),
            target("x.attn.q_proj", 3),
            target("0", 4, { alpha: 2 }),
            target("x.0", 5)
          ]
        })
      )
    )
    const written = JSON.parse(adapter.config)
    expect(written).toMatchObject({
      peft_type: "LORA",
      r: 4,
      lora_alpha: 8,
      rank_pattern: { "^q_proj": 2 },
      alpha_pattern: { "^0": 2, "^q_proj": 1 },
      target_modules: ["0", "attn.q_proj", "q_proj", "x.0", "x.attn.q_proj"],
      base_model_name_or_path: "tiny",
      bias: "none",
      use_dora: false,
      modules_to_save: null
    })
    // PEFT tries each key as the regular expression (.*\.)?(key)$ from the beginning of the module's name.
    for (const key of Object.keys(written.alpha_pattern)) {
      const matched = written.target_modules.filter((name: string) => new RegExp(`^(.*\\.)?(${key})$`).test(name))
      expect(matched).toEqual([key.slice(1)])
    }
  })

  it("and reading it gives the same layer, whatever its targets, ranks, alphas and types", () => {
    const names = fc.constantFrom("q_proj", "attn.q_proj", "x.attn.q_proj", "0", "x.0", q(0), q(1), q(10), v(0))
    const targets = fc.uniqueArray(
      fc.record({
        name: names,
        rank: fc.integer({ min: 1, max: 5 }),
        alpha: fc.oneof(fc.integer({ min: 0, max: 4 }), fc.constantFrom(0.1, 1e-7, 1e21, -2)),
        dtype: fc.constantFrom("F32" as const, "F16" as const, "BF16" as const),
        seed: fc.nat()
      }),
      { minLength: 1, maxLength: 8, selector: ({ name }) => name }
    )
    fc.assert(
      fc.property(
        targets,
        fc.boolean(),
        fc.boolean(),
        fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }),
        (given, rslora, fanInFanOut, base) => {
          const layer = Effect.runSync(
            Layer.make({
              base,
              scaling: rslora ? "alpha/sqrt(rank)" : "alpha/rank",
              fanInFanOut,
              targets: given.map(({ name, seed, ...options }) => target(name, seed, options))
            })
          )
          const adapter = writeSync(layer)
          expect(readSync(adapter)).toEqual(layer)
          expect(adapter.weights).toEqual(Effect.runSync(Layer.encode(layer)))
          expect(writeSync(readSync(adapter))).toEqual(adapter)
        }
      ),
      { numRuns: 200 }
    )
  })

  it("gives the known layers back from their adapters", () => {
    for (const [, parts] of layers) {
      const layer = Effect.runSync(Layer.make(parts))
      expect(readSync(writeSync(layer))).toEqual(layer)
    }
  })
})
