/**
 * A layer is a LoRA adapter (Hu and others, LoRA, 2021): for some weight matrices W of a base model, two small matrices A
 * and B, so that the model computes x W^T + scale * x A^T B^T. It is immutable, and its identity is its content id.
 *
 * The identity is the BLAKE3 hash (as `b3sum` prints it) of one safetensors file, the canonical form of the layer, so
 * another program computes it by writing that file:
 *
 * 1. Tensors: for each target module M, `base_model.model.M.lora_A.weight` of shape [rank, inputs] and
 *    `base_model.model.M.lora_B.weight` of shape [outputs, rank], each of type F32, F16 or BF16, little-endian,
 *    row-major, every element finite. Nothing else.
 * 2. `__metadata__` with exactly these keys: `alpha`, a JSON object from every M to its alpha, sorted by M, without
 *    spaces, numbers as ECMAScript prints them; `base`, the name of the base model; `fan_in_fan_out`, `true` or `false`;
 *    `format`, `pt`; `layer`, `continuum-1`; `scaling`, `alpha/rank` or `alpha/sqrt(rank)`.
 * 3. Order of the data: by element type, F32, then BF16, then F16; then by name. No gaps.
 * 4. Header: `__metadata__` first, its keys sorted; then the tensors in the order of their data, each with `dtype`,
 *    `shape`, `data_offsets` in this order. No spaces; strings escaped as `JSON.stringify` does; then spaces up to a
 *    multiple of 8 bytes.
 * Everywhere, sorted means by the bytes of UTF-8.
 *
 * This file is also a valid `adapter_model.safetensors` for PEFT. The name, version and kind of a layer are not part of
 * what it is, and stand on its card. The same numbers in another element type are another layer.
 */
import * as ContentId from "@continuum/core/ContentId"
import { Effect, Schema } from "effect"
import { bitsOf, type FloatDtype, isFloat } from "./formats/Dtype.ts"
import * as Safetensors from "./formats/Safetensors.ts"
import type { Tensor } from "./formats/Safetensors.ts"
import type { SafetensorsMalformed } from "./formats/SafetensorsHeader.ts"
import { layerBytesMax, layerNameBytesMax, layerRankMax, layerTargetsMax } from "./Limits.ts"

/** These parts make no layer, or the bytes are not the canonical form of one. */
export class LayerMalformed extends Schema.TaggedError<LayerMalformed>()("LayerMalformed", {
  /** The target module that is wrong; absent when the layer as a whole is. */
  target: Schema.optionalKey(Schema.String),
  reason: Schema.String
}) {
  override get message() {
    return `This is not a layer: ${this.target === undefined ? "it" : `its target ${this.target}`} ${this.reason}`
  }
}

/** What one layer does to one weight matrix. */
export interface Target {
  /** Path of the module in the base model, such as `model.layers.0.self_attn.q_proj`. */
  readonly name: string
  /** Numerator of the scale. */
  readonly alpha: number
  /** Shape [rank, inputs]. */
  readonly a: Tensor
  /** Shape [outputs, rank]. */
  readonly b: Tensor
}

/** How alpha and rank make the scale: as LoRA has it, or rank-stabilised (Kalajdzievski, rsLoRA, 2023). */
export const Scaling = Schema.Literals(["alpha/rank", "alpha/sqrt(rank)"])
export type Scaling = typeof Scaling.Type

export interface Layer {
  /** Name of the base model: a content id, or a name of the Hugging Face hub such as `org/model`. */
  readonly base: string
  readonly scaling: Scaling
  /** Whether the base stores these weights as [inputs, outputs]: matters when A and B are merged into them. */
  readonly fanInFanOut: boolean
  /** At least one, sorted by name, each name once. */
  readonly targets: ReadonlyArray<Target>
}

/** Checks the parts and sorts the targets. Fails with `LayerMalformed`. */
export const make = (parts: Layer): Effect.Effect<Layer, LayerMalformed> =>
  Effect.suspend(() => {
    const targets = parts.targets.toSorted((a, b) => (a.name < b.name ? -1 : 1))
    const { base, scaling, fanInFanOut } = parts
    const layer: Layer = { base, scaling, fanInFanOut, targets }
    const problem = problemOf(layer)
    return problem === undefined ? Effect.succeed(layer) : Effect.fail(problem)
  })

/** Length of the vectors between A and B. */
export const rankOf = (target: Target): number => target.a.shape[0]!

/** The largest rank among the targets. */
export const rankMaxOf = (layer: Layer): number =>
  layer.targets.reduce((rank, target) => Math.max(rank, rankOf(target)), 0)

/** The factor of x A^T B^T. */
export const scaleOf = (layer: Layer, target: Target): number =>
  target.alpha / (layer.scaling === "alpha/rank" ? rankOf(target) : Math.sqrt(rankOf(target)))

/** The canonical bytes. Fails with `LayerMalformed` when they exceed `layerBytesMax`. */
export const encode = (layer: Layer): Effect.Effect<Uint8Array, LayerMalformed> =>
  Safetensors.write({
    metadata: new Map([
      ["alpha", `{${layer.targets.map(({ name, alpha }) => `${JSON.stringify(name)}:${alpha}`).join(",")}}`],
      ["base", layer.base],
      ["fan_in_fan_out", String(layer.fanInFanOut)],
      ["format", "pt"],
      ["layer", formatVersion],
      ["scaling", layer.scaling]
    ]),
    tensors: new Map(
      layer.targets.flatMap(({ name, a, b }) => [
        [tensorName(name, "A"), a],
        [tensorName(name, "B"), b]
      ])
    )
  }).pipe(
    Effect.mapError((error) => new LayerMalformed({ reason: `has no file: ${error.message}` })),
    Effect.filterOrFail(
      (bytes) => bytes.length <= layerBytesMax,
      (bytes) => malformed(`has ${bytes.length} bytes, more than the limit of ${layerBytesMax}`)
    )
  )

/** The identity of a layer. Reads all its weights. Fails as `encode` does. */
export const contentId = (layer: Layer): Effect.Effect<ContentId.ContentId, LayerMalformed> =>
  Effect.map(encode(layer), ContentId.of)

/**
 * Reads canonical bytes. The tensors are views into them. Fails with `SafetensorsMalformed`, or with `LayerMalformed`,
 * also for a file that has the right content in another form: its hash would not be the layer's.
 */
export const decode = Effect.fn("Layer.decode")(function* (
  bytes: Uint8Array
): Effect.fn.Return<Layer, LayerMalformed | SafetensorsMalformed> {
  if (bytes.length > layerBytesMax) {
    return yield* malformed(`has ${bytes.length} bytes, more than the limit of ${layerBytesMax}`)
  }
  const { metadata, tensors } = yield* Safetensors.read(bytes)
  if (metadata.get("layer") !== formatVersion) {
    return yield* malformed(
      `says "layer": "${metadata.get("layer") ?? ""}", and not "${formatVersion}". Import it from PEFT`
    )
  }
  const alphas = alphasOf(metadata.get("alpha"))
  if (alphas === undefined) return yield* malformed("has no alphas")
  const scaling = yield* Effect.mapError(decodeScaling(metadata.get("scaling")), () => malformed("has no scaling"))
  const targets: Array<Target> = []
  for (const [name, alpha] of alphas) {
    const a = tensors.get(tensorName(name, "A"))
    const b = tensors.get(tensorName(name, "B"))
    if (a === undefined || b === undefined) return yield* malformed("has no A or no B", name)
    targets.push({ name, alpha, a, b })
  }
  const layer = yield* make({
    base: metadata.get("base") ?? "",
    scaling,
    fanInFanOut: metadata.get("fan_in_fan_out") === "true",
    targets
  })
  const canonical = yield* encode(layer)
  return equal(canonical, bytes) ? layer : yield* malformed("is not in its canonical form. Import it from PEFT")
})

/** Name of a tensor in the canonical form and in PEFT's files. */
export const tensorName = (target: string, matrix: "A" | "B"): string =>
  `base_model.model.${target}.lora_${matrix}.weight`

const formatVersion = "continuum-1"
const decodeScaling = Schema.decodeUnknownEffect(Scaling)

/** Entries and not a record, in which a name such as `__proto__` would be lost. */
const alphasOf = (json: string | undefined): ReadonlyArray<readonly [name: string, alpha: number]> | undefined => {
  try {
    const entries = Object.entries(JSON.parse(json ?? "null") as object)
    return entries.every(([, alpha]) => typeof alpha === "number") ? entries : undefined
  } catch {
    return undefined
  }
}

// What a path of Python attributes and indices can hold. Text outside of it would only serve to confuse.
const targetPattern = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/

const problemOf = ({ base, targets }: Layer): LayerMalformed | undefined => {
  if (!isName(base)) return malformed("has no name of its base model, or one that is too long")
  if (targets.length === 0) return malformed("has no target")
  if (targets.length > layerTargetsMax) return malformed(`has more than ${layerTargetsMax} targets`)
  for (const [i, target] of targets.entries()) {
    if (!isName(target.name) || !targetPattern.test(target.name)) {
      return malformed("has a target whose name is no path of a module")
    }
    if (targets[i - 1]?.name === target.name) return malformed("is there twice", target.name)
    const reason = problemOfTarget(target)
    if (reason !== undefined) return malformed(reason, target.name)
  }
  return undefined
}

const isName = (text: string): boolean =>
  text.length > 0 && text.isWellFormed() && new TextEncoder().encode(text).length <= layerNameBytesMax

const problemOfTarget = ({ alpha, a, b }: Target): string | undefined => {
  if (!Number.isFinite(alpha) || Object.is(alpha, -0)) return `has the alpha ${alpha}`
  if (a.shape.length !== 2 || b.shape.length !== 2) return "has an A or a B that is no matrix"
  const [rank, inputs] = a.shape as [number, number]
  const [outputs, rankOfB] = b.shape as [number, number]
  if (rank !== rankOfB) return `has an A of rank ${rank} and a B of rank ${rankOfB}`
  if (rank < 1 || rank > layerRankMax) return `has the rank ${rank}, and not 1 to ${layerRankMax}`
  if (inputs < 1 || outputs < 1) return "is empty"
  for (const [name, tensor] of [
    ["A", a],
    ["B", b]
  ] as const) {
    if (!isFloat(tensor.dtype)) return `has its ${name} in ${tensor.dtype}, and not in F32, F16 or BF16`
    const bytes = (tensor.shape[0]! * tensor.shape[1]! * bitsOf(tensor.dtype)) / 8
    if (tensor.bytes.length !== bytes) return `has ${tensor.bytes.length} bytes of ${name} and needs ${bytes}`
    if (!allFinite(tensor.dtype, tensor.bytes)) return `has an infinite number or a NaN in ${name}`
  }
  return undefined
}

/** Whether no element has all bits of its exponent set, which is how infinities and NaN are written. */
const allFinite = (dtype: FloatDtype, bytes: Uint8Array): boolean => {
  const exponent = dtype === "F16" ? 0x7c00 : 0x7f80
  const width = dtype === "F32" ? 4 : 2
  // The upper half of an F32 holds its whole exponent, at the same place as in a BF16.
  for (let at = width - 2; at < bytes.length; at += width) {
    if (((bytes[at]! | (bytes[at + 1]! << 8)) & exponent) === exponent) return false
  }
  return true
}

const equal = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

const malformed = (reason: string, target?: string): LayerMalformed =>
  new LayerMalformed(target === undefined ? { reason } : { reason, target })
