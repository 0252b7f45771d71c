import * as ContentId from "@continuum/core/ContentId"
import { describe, expect, it } from "@effect/vitest"
import { blake3 } from "@noble/hashes/blake3.js"
import { Effect } from "effect"
import fc from "fast-check"
import * as Safetensors from "../src/formats/Safetensors.ts"
import * as Layer from "../src/Layer.ts"
import { layerRankMax, layerTargetsMax } from "../src/Limits.ts"
import { layers, matrix, target } from "./vectors/LayerVectors.ts"

const makeSync = (parts: Layer.Layer) => Effect.runSync(Layer.make(parts))
const encodeSync = (layer: Layer.Layer) => Effect.runSync(Layer.encode(layer))
const refusal = (parts: Layer.Layer) => Effect.runSync(Effect.flip(Layer.make(parts)))
const refusalOfBytes = (bytes: Uint8Array) => Effect.runSync(Effect.flip(Layer.decode(bytes)))

const q = "model.layers.0.self_attn.q_proj"
const parts: Layer.Layer = { base: "tiny", scaling: "alpha/rank", fanInFanOut: false, targets: [target(q, 1)] }

/**
 * The canonical form, written again from its description and nothing else. Element types come in the order F32, BF16, F16.
 */
const canonical = (layer: Layer.Layer): Uint8Array => {
  const order = ["F32", "BF16", "F16"]
  const tensors = layer.targets
    .flatMap(({ name, a, b }) => [
      { name: `base_model.model.${name}.lora_A.weight`, tensor: a },
      { name: `base_model.model.${name}.lora_B.weight`, tensor: b }
    ])
    .toSorted((x, y) => order.indexOf(x.tensor.dtype) - order.indexOf(y.tensor.dtype) || (x.name < y.name ? -1 : 1))
  const alphas = layer.targets.toSorted((x, y) => (x.name < y.name ? -1 : 1)).map((t) => `"${t.name}":${t.alpha}`)
  let header =
    `{"__metadata__":{"alpha":${JSON.stringify(`{${alphas.join(",")}}`)},"base":${JSON.stringify(layer.base)},` +
    `"fan_in_fan_out":"${layer.fanInFanOut}","format":"pt","layer":"continuum-1","scaling":"${layer.scaling}"}`
  let offset = 0
  for (const { name, tensor } of tensors) {
    header += `,"${name}":{"dtype":"${tensor.dtype}","shape":[${tensor.shape}],"data_offsets":[${offset},${offset + tensor.bytes.length}]}`
    offset += tensor.bytes.length
  }
  header += "}"
  const json = new TextEncoder().encode(header)
  const padded = new Uint8Array(Math.ceil(json.length / 8) * 8).fill(0x20)
  padded.set(json)
  const length = new Uint8Array(new BigUint64Array([BigInt(padded.length)]).buffer)
  return new Uint8Array(Buffer.concat([length, padded, ...tensors.map(({ tensor }) => tensor.bytes)]))
}

describe("the identity of a layer", () => {
  for (const [name, given, contentId] of layers) {
    it(`is the BLAKE3 hash of its canonical form: ${name}`, () => {
      const layer = makeSync(given)
      expect(encodeSync(layer)).toEqual(canonical(given))
      const hash = Buffer.from(blake3(canonical(given))).toString("hex")
      expect(Effect.runSync(Layer.contentId(layer))).toBe(hash)
      expect(hash).toBe(contentId)
    })
  }

  it("does not depend on the order in which targets are given", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([0, 1, 2, 3, 4, 10, 11], { minLength: 2 }), (order) => {
        const targets = order.map((i) => target(`model.layers.${i}.mlp.up_proj`, i))
        const sorted = order.toSorted((a, b) => a - b).map((i) => target(`model.layers.${i}.mlp.up_proj`, i))
        expect(encodeSync(makeSync({ ...parts, targets }))).toEqual(encodeSync(makeSync({ ...parts, targets: sorted })))
      })
    )
  })

  it("changes with every part of what a layer is", () => {
    const [only] = parts.targets as [Layer.Target]
    const changedWeight = only.a.bytes.slice()
    changedWeight[0]! ^= 1
    const variants: ReadonlyArray<Layer.Layer> = [
      parts,
      { ...parts, base: "tiny2" },
      { ...parts, scaling: "alpha/sqrt(rank)" },
      { ...parts, fanInFanOut: true },
      { ...parts, targets: [{ ...only, name: "model.layers.0.self_attn.k_proj" }] },
      { ...parts, targets: [{ ...only, alpha: 9 }] },
      { ...parts, targets: [{ ...only, a: { ...only.a, bytes: changedWeight } }] },
      {
        ...parts,
        targets: [{ ...only, a: only.b, b: only.a }].map((t) => ({ ...t, a: matrix(4, 5, 2), b: matrix(6, 4, 1) }))
      },
      { ...parts, targets: [target(q, 1, { dtype: "F16" })] },
      { ...parts, targets: [target(q, 1, { dtype: "BF16" })] },
      { ...parts, targets: [only, target("model.layers.1.self_attn.q_proj", 3)] }
    ]
    const ids = variants.map((variant) => Effect.runSync(Layer.contentId(makeSync(variant))))
    expect(new Set(ids).size).toBe(variants.length)
  })
})

describe("a layer", () => {
  it("comes back from its canonical form", () => {
    for (const [, given] of layers) {
      const layer = makeSync(given)
      expect(Effect.runSync(Layer.decode(encodeSync(layer)))).toEqual(layer)
    }
  })

  it("may change modules whose names mean something to JavaScript, or are numbers", () => {
    const names = ["10", "9", "2", "__proto__", "constructor", "x.0"]
    const layer = makeSync({ ...parts, targets: names.map((name, i) => target(name, i + 1, { alpha: i + 1 })) })
    expect(encodeSync(layer)).toEqual(canonical(layer))
    expect(Effect.runSync(Layer.decode(encodeSync(layer)))).toEqual(layer)
  })

  it("has the scale of LoRA or of rsLoRA, and the largest of its ranks", () => {
    const targets = [target("a", 1, { rank: 4, alpha: 8 }), target("b", 2, { rank: 16, alpha: 8 })]
    const plain = makeSync({ ...parts, targets })
    expect(plain.targets.map((t) => Layer.scaleOf(plain, t))).toEqual([2, 0.5])
    const stabilised = makeSync({ ...parts, targets, scaling: "alpha/sqrt(rank)" })
    expect(stabilised.targets.map((t) => Layer.scaleOf(stabilised, t))).toEqual([4, 2])
    expect(Layer.rankMaxOf(plain)).toBe(16)
  })
})

describe("parts that make no layer are refused with the target and the reason", () => {
  const [only] = parts.targets as [Layer.Target]
  const withTarget = (change: Partial<Layer.Target>): Layer.Layer => ({ ...parts, targets: [{ ...only, ...change }] })
  const poisoned = (dtype: "F32" | "F16" | "BF16", value: number) => {
    const values = new Float32Array(24)
    values[23] = value
    return Safetensors.fromFloat32(values, [4, 6], dtype)
  }
  it.each<readonly [name: string, parts: Layer.Layer, reason: RegExp]>([
    ["no base", { ...parts, base: "" }, /no name of its base model/],
    ["a base of 256 bytes", { ...parts, base: "ü".repeat(128) }, /too long/],
    ["half a character as base", { ...parts, base: "\ud800" }, /base model/],
    ["no target", { ...parts, targets: [] }, /no target/],
    ["a target twice", { ...parts, targets: [only, { ...only }] }, /q_proj is there twice/],
    ["a target without a name", withTarget({ name: "" }), /no path of a module/],
    ["a target with a slash", withTarget({ name: "../q_proj" }), /no path of a module/],
    ["a target with an empty step", withTarget({ name: "model..q_proj" }), /no path of a module/],
    ["a target of 256 bytes", withTarget({ name: "x".repeat(256) }), /no path of a module/],
    ["alpha NaN", withTarget({ alpha: NaN }), /q_proj has the alpha NaN/],
    ["alpha infinite", withTarget({ alpha: Infinity }), /alpha Infinity/],
    ["alpha -0", withTarget({ alpha: -0 }), /alpha/],
    ["A of one dimension", withTarget({ a: Safetensors.fromFloat32(new Float32Array(24), [24]) }), /no matrix/],
    ["B of a convolution", withTarget({ b: Safetensors.fromFloat32(new Float32Array(20), [5, 4, 1, 1]) }), /no matrix/],
    ["different ranks", withTarget({ b: matrix(5, 3, 2) }), /A of rank 4 and a B of rank 3/],
    ["rank 0", withTarget({ a: matrix(0, 6, 1), b: matrix(5, 0, 1) }), /rank 0/],
    [
      "a rank above the limit",
      withTarget({ a: matrix(layerRankMax + 1, 1, 1), b: matrix(1, layerRankMax + 1, 1) }),
      /rank 1025/
    ],
    ["no inputs", withTarget({ a: matrix(4, 0, 1) }), /is empty/],
    ["no outputs", withTarget({ b: matrix(0, 4, 1) }), /is empty/],
    ["F64", withTarget({ a: { dtype: "F64", shape: [4, 6], bytes: new Uint8Array(192) } }), /A in F64/],
    [
      "8-bit numbers",
      withTarget({ b: { dtype: "F8_E4M3", shape: [5, 4], bytes: new Uint8Array(20) } }),
      /B in F8_E4M3/
    ],
    ["too few bytes", withTarget({ a: { ...only.a, bytes: only.a.bytes.slice(1) } }), /has 95 bytes of A and needs 96/],
    ["a NaN in F32", withTarget({ a: poisoned("F32", NaN) }), /NaN in A/],
    ["an infinity in F32", withTarget({ a: poisoned("F32", -Infinity) }), /infinite number or a NaN in A/],
    ["a NaN in F16", withTarget({ a: poisoned("F16", NaN) }), /NaN in A/],
    ["an overflow to infinity in F16", withTarget({ a: poisoned("F16", 70_000) }), /infinite/],
    ["a NaN in BF16", withTarget({ a: poisoned("BF16", NaN) }), /NaN in A/],
    ["an infinity in BF16", withTarget({ a: poisoned("BF16", Infinity) }), /infinite/]
  ])("%s", (_, given, reason) => {
    const error = refusal(given)
    expect(error).toBeInstanceOf(Layer.LayerMalformed)
    expect(error.message).toMatch(/^This is not a layer: it/)
    expect(error.message).toMatch(reason)
  })

  it("but not at the edge: the largest finite numbers, the largest rank, the longest names, the most targets", () => {
    for (const [dtype, value] of [
      ["F32", 3.4028234663852886e38],
      ["F16", 65_504],
      ["BF16", 3.3895313892515355e38]
    ] as const) {
      expect(makeSync(withTarget({ a: poisoned(dtype, value) })).targets).toHaveLength(1)
    }
    makeSync(withTarget({ a: matrix(layerRankMax, 1, 1), b: matrix(1, layerRankMax, 1) }))
    makeSync({ ...withTarget({ name: "x".repeat(255), alpha: 0 }), base: "b".repeat(255) })
    const many = (count: number) =>
      Array.from({ length: count }, (_, i) => target(`m.${i}`, i + 1, { rank: 1, inputs: 1, outputs: 1 }))
    expect(makeSync({ ...parts, targets: many(layerTargetsMax) }).targets).toHaveLength(layerTargetsMax)
    expect(refusal({ ...parts, targets: many(layerTargetsMax + 1) }).message).toMatch(/more than 4096 targets/)
  })
})

describe("bytes that are not the canonical form are refused", () => {
  const bytes = encodeSync(makeSync(parts))
  const { metadata, tensors } = Effect.runSync(Safetensors.read(bytes))
  const rewritten = (
    changes: ReadonlyArray<readonly [string, string | undefined]>,
    extra: ReadonlyArray<readonly [string, Safetensors.Tensor]> = []
  ) => {
    const changed = new Map(metadata)
    for (const [key, value] of changes) {
      if (value === undefined) changed.delete(key)
      else changed.set(key, value)
    }
    return Effect.runSync(Safetensors.write({ metadata: changed, tensors: new Map([...tensors, ...extra]) }))
  }

  it.each<readonly [name: string, bytes: Uint8Array, tag: string, reason: RegExp]>([
    ["no file", new Uint8Array(3), "SafetensorsMalformed", /3 bytes/],
    ["a cut file", bytes.slice(0, -1), "SafetensorsMalformed", /describes/],
    ["another program's file", rewritten([["layer", undefined]]), "LayerMalformed", /Import it from PEFT/],
    [
      "a later version",
      rewritten([["layer", "continuum-2"]]),
      "LayerMalformed",
      /"continuum-2", and not "continuum-1"/
    ],
    ["no alphas", rewritten([["alpha", undefined]]), "LayerMalformed", /no alphas/],
    ["alphas that are no JSON", rewritten([["alpha", "{"]]), "LayerMalformed", /no alphas/],
    ["an alpha that is a text", rewritten([["alpha", `{"${q}":"8"}`]]), "LayerMalformed", /no alphas/],
    ["an alpha for no tensor", rewritten([["alpha", `{"${q}":8,"x":8}`]]), "LayerMalformed", /x has no A or no B/],
    ["no alpha for a tensor", rewritten([["alpha", "{}"]]), "LayerMalformed", /no target/],
    ["an alpha written otherwise", rewritten([["alpha", `{"${q}":8.0}`]]), "LayerMalformed", /canonical/],
    ["alphas with a space", rewritten([["alpha", `{"${q}": 8}`]]), "LayerMalformed", /canonical/],
    ["an alpha twice", rewritten([["alpha", `{"${q}":8,"${q}":8}`]]), "LayerMalformed", /canonical/],
    ["another scaling", rewritten([["scaling", "alpha"]]), "LayerMalformed", /no scaling/],
    ["no base", rewritten([["base", undefined]]), "LayerMalformed", /base model/],
    ["a fan_in_fan_out of Python", rewritten([["fan_in_fan_out", "False"]]), "LayerMalformed", /canonical/],
    ["more metadata", rewritten([["note", "hello"]]), "LayerMalformed", /canonical/],
    ["one more tensor", rewritten([], [["extra", matrix(1, 1, 1)]]), "LayerMalformed", /canonical/]
  ])("%s", (_, given, tag, reason) => {
    const error = refusalOfBytes(given)
    expect(error._tag).toBe(tag)
    expect(error.message).toMatch(reason)
  })

  it("and so is the same content with another header, which would have another hash", () => {
    const spaced = new Uint8Array(bytes.length + 8)
    spaced.set(bytes.subarray(0, 8))
    const headerBytes = Number(new DataView(bytes.buffer).getBigUint64(0, true))
    new DataView(spaced.buffer).setBigUint64(0, BigInt(headerBytes + 8), true)
    spaced.set(bytes.subarray(8, 8 + headerBytes), 8)
    spaced.fill(0x20, 8 + headerBytes, 16 + headerBytes)
    spaced.set(bytes.subarray(8 + headerBytes), 16 + headerBytes)
    expect(Effect.runSync(Safetensors.read(spaced)).tensors).toEqual(tensors)
    expect(refusalOfBytes(spaced).message).toMatch(/canonical form/)
  })

  it("so that two different files never pass for one layer: any changed byte is refused or makes another layer", () => {
    const id = ContentId.of(bytes)
    fc.assert(
      fc.property(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, difference) => {
        const changed = bytes.slice()
        changed[at]! ^= difference
        const decoded = Effect.runSync(
          Effect.match(Effect.flatMap(Layer.decode(changed), Layer.contentId), {
            onSuccess: (contentId) => contentId,
            onFailure: () => undefined
          })
        )
        expect(decoded).not.toBe(id)
        if (decoded !== undefined) expect(decoded).toBe(ContentId.of(changed))
      }),
      { numRuns: 500 }
    )
  })
})
