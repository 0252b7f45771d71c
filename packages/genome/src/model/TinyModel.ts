/**
 * The model that comes with the package: what a fresh node speaks with, without a download. See `report.json` beside it
 * for what it can and cannot; `tools/build-tiny-model.ts` makes it.
 */
import type { ContentId } from "@continuum/core/ContentId"
import { Effect, FileSystem, Layer as EffectLayer, Schema } from "effect"
import { LayerUnknown, WeightsDamaged } from "../backend/BackendError.ts"
import * as Peft from "../formats/Peft.ts"
import * as Layer from "../Layer.ts"
import { LayerCard } from "../LayerCard.ts"
import { LayerSource } from "../LayerSource.ts"

/** Where it lies: `directory` of `EmbeddedOnnxRuntime`. */
export const directory: string = decodeURIComponent(new URL("../../assets/tiny", import.meta.url).pathname)

export interface TinyLayer {
  readonly card: LayerCard
  readonly layer: Layer.Layer
}

/** Its layers, by the name of their domain. Fails with `WeightsDamaged`, naming the file. */
export const layers: Effect.Effect<ReadonlyArray<TinyLayer>, WeightsDamaged, FileSystem.FileSystem> = Effect.gen(
  function* () {
    const fs = yield* FileSystem.FileSystem
    const names = yield* damaged(fs.readDirectory(`${directory}/layers`), `${directory}/layers`)
    return yield* Effect.forEach(names.toSorted(), (name) => readLayer(`${directory}/layers/${name}`))
  }
)

/** Reads an adapter with its card, which must be of this layer. Fails with `WeightsDamaged`, naming the file. */
const readLayer = Effect.fnUntraced(function* (
  folder: string
): Effect.fn.Return<TinyLayer, WeightsDamaged, FileSystem.FileSystem> {
  const fs = yield* FileSystem.FileSystem
  const [cardPath, configPath, weightsPath] = [`${folder}/card.json`, `${folder}/${Peft.configFile}`, `${folder}/${Peft.weightsFile}`]
  const card = yield* damaged(Effect.flatMap(fs.readFileString(cardPath), decodeCard), cardPath)
  const config = yield* damaged(fs.readFileString(configPath), configPath)
  const weights = yield* damaged(fs.readFile(weightsPath), weightsPath)
  const layer = yield* damaged(Peft.read({ config, weights }), weightsPath)
  if ((yield* damaged(Layer.contentId(layer), weightsPath)) !== card.contentId) {
    return yield* new WeightsDamaged({ file: weightsPath, reason: `is not the layer ${card.contentId} of its card` })
  }
  return { card, layer }
})

const decodeCard = Schema.decodeUnknownEffect(Schema.fromJsonString(LayerCard))

const damaged = <A, E extends { readonly message: string }, R>(effect: Effect.Effect<A, E, R>, file: string) =>
  Effect.mapError(effect, (error) => new WeightsDamaged({ file, reason: `cannot be read: ${error.message}` }))

/** A `LayerSource` of these layers. */
export const layerSource: EffectLayer.Layer<LayerSource, WeightsDamaged, FileSystem.FileSystem> = EffectLayer.effect(
  LayerSource,
  Effect.map(layers, (all) => {
    const known = new Map(all.map(({ card, layer }) => [card.contentId, layer] as const))
    return {
      get: (contentId: ContentId) => {
        const layer = known.get(contentId)
        return layer === undefined ? Effect.fail(new LayerUnknown({ contentId })) : Effect.succeed(layer)
      }
    }
  })
)
