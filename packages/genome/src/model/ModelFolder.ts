/**
 * A model in the layout of Hugging Face: `config.json`, `model.safetensors`, and beside them `continuum.json`, which says
 * what the weights must hash to and so gives the base its name. Without that file the name is for the caller to say.
 */
import { ContentId } from "@continuum/core/ContentId"
import { Effect, FileSystem, Schema } from "effect"
import { WeightsDamaged } from "../backend/BackendError.ts"
import { layerNameBytesMax } from "../Limits.ts"
import * as LlamaConfig from "./LlamaConfig.ts"

export const configFile = "config.json"
export const weightsFile = "model.safetensors"
export const manifestFile = "continuum.json"

export const Manifest = Schema.Struct({
  /** For people, such as `continuum/tiny`. */
  name: Schema.NonEmptyString.check(Schema.isMaxLength(layerNameBytesMax - 20)),
  /** Of `model.safetensors`. */
  weights: ContentId
})
export type Manifest = typeof Manifest.Type

export interface ModelFolder {
  readonly config: LlamaConfig.LlamaConfig
  /** Path of the weights. */
  readonly weightsPath: string
  /** Of the weights, where it is known. */
  readonly contentId: ContentId | undefined
  /** Name of the base model, as its layers have it. */
  readonly base: string
}

/** `continuum/tiny@0123456789abcdef`: a layer for these weights fits no others, whatever they are called. */
export const baseName = ({ name, weights }: Manifest): string => `${name}@${weights.slice(0, 16)}`

/** Reads what stands beside the weights. Fails with `WeightsDamaged`, naming the file. */
export const read = Effect.fn("ModelFolder.read")(function* (
  directory: string,
  base?: string
): Effect.fn.Return<ModelFolder, WeightsDamaged, FileSystem.FileSystem> {
  const fs = yield* FileSystem.FileSystem
  const path = (name: string) => `${directory}/${name}`
  const text = (name: string) =>
    Effect.mapError(
      fs.readFileString(path(name)),
      (error) => new WeightsDamaged({ file: path(name), reason: `cannot be read: ${error.message}` })
    )
  const config = yield* Effect.flatMap(text(configFile), LlamaConfig.parse).pipe(
    Effect.catchTag("ConfigUnsupported", ({ reason }) =>
      Effect.fail(new WeightsDamaged({ file: path(configFile), reason: `does not describe a model: ${reason}` }))
    )
  )
  const manifest = (yield* Effect.orElseSucceed(fs.exists(path(manifestFile)), () => false))
    ? yield* Effect.flatMap(text(manifestFile), decodeManifest).pipe(
        Effect.catchTag("SchemaError", (error) =>
          Effect.fail(new WeightsDamaged({ file: path(manifestFile), reason: `is not a manifest: ${error.message}` }))
        )
      )
    : undefined
  return {
    config,
    weightsPath: path(weightsFile),
    contentId: manifest?.weights,
    base: base ?? (manifest === undefined ? directory : baseName(manifest))
  }
})
const decodeManifest = Schema.decodeUnknownEffect(Schema.fromJsonString(Manifest))
