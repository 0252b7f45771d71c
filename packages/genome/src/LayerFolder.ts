/**
 * A layer as a folder: a PEFT adapter as Hugging Face has it, and beside it `card.json`. What is read is what the card
 * says: its content id is verified.
 */
import { Effect, FileSystem, Schema } from "effect"
import { WeightsDamaged } from "./backend/BackendError.ts"
import * as Peft from "./formats/Peft.ts"
import * as Layer from "./Layer.ts"
import { LayerCard } from "./LayerCard.ts"

export const cardFile = "card.json"

export interface CardedLayer {
  readonly card: LayerCard
  readonly layer: Layer.Layer
}

/** The files of a layer, by name. Fails as `Layer.encode` does. */
export const filesOf = ({
  card,
  layer
}: CardedLayer): Effect.Effect<ReadonlyMap<string, Uint8Array>, Layer.LayerMalformed> =>
  Peft.write(layer).pipe(
    Effect.mapError((error) => new Layer.LayerMalformed({ reason: `has no adapter: ${error.message}` })),
    Effect.map(
      ({ config, weights }) =>
        new Map([
          [Peft.configFile, new TextEncoder().encode(config)],
          [Peft.weightsFile, weights],
          [cardFile, new TextEncoder().encode(`${JSON.stringify(card, undefined, 2)}\n`)]
        ])
    )
  )

/** Reads the card alone. Fails with `WeightsDamaged`, naming the file. */
export const readCard = Effect.fnUntraced(function* (
  folder: string
): Effect.fn.Return<LayerCard, WeightsDamaged, FileSystem.FileSystem> {
  const fs = yield* FileSystem.FileSystem
  const path = `${folder}/${cardFile}`
  return yield* damaged(Effect.flatMap(fs.readFileString(path), decodeCard), path)
})

/** Reads layer and card. Fails with `WeightsDamaged`, naming the file. */
export const read = Effect.fn("LayerFolder.read")(function* (
  folder: string
): Effect.fn.Return<CardedLayer, WeightsDamaged, FileSystem.FileSystem> {
  const fs = yield* FileSystem.FileSystem
  const card = yield* readCard(folder)
  const configPath = `${folder}/${Peft.configFile}`
  const weightsPath = `${folder}/${Peft.weightsFile}`
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
