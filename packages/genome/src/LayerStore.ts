/**
 * Port: the layers that a node has, with their cards. What `get` returns has the id that was asked for.
 */
import type { ContentId } from "@continuum/core/ContentId"
import { Context, Effect, Layer as EffectLayer, Schema } from "effect"
import { LayerUnknown, WeightsDamaged } from "./backend/BackendError.ts"
import type { LayerMalformed } from "./Layer.ts"
import * as Layer from "./Layer.ts"
import type { LayerCard } from "./LayerCard.ts"
import type { CardedLayer } from "./LayerFolder.ts"
import { storedLayersMax } from "./Limits.ts"

/** The layer could not be kept: the store is full, or the disk. Nothing was stored. */
export class LayerNotStored extends Schema.TaggedError<LayerNotStored>()("LayerNotStored", { reason: Schema.String }) {
  override get message() {
    return `The layer was not stored: ${this.reason}`
  }
}

export class LayerStore extends Context.Service<
  LayerStore,
  {
    /** Keeps a layer; a newer card takes the place of an older one. The card must be the layer's. */
    readonly put: (layer: CardedLayer) => Effect.Effect<void, LayerNotStored | LayerMalformed>
    readonly get: (contentId: ContentId) => Effect.Effect<CardedLayer, LayerUnknown | WeightsDamaged>
    readonly card: (contentId: ContentId) => Effect.Effect<LayerCard, LayerUnknown | WeightsDamaged>
    /** Whether there was one. */
    readonly remove: (contentId: ContentId) => Effect.Effect<boolean>
    /** By name. Those whose card cannot be read are left out. */
    readonly list: Effect.Effect<ReadonlyArray<LayerCard>>
  }
>()("@continuum/genome/LayerStore") {}

/** Fails for a card that is not the layer's, and for one layer too many; the same in every implementation. */
export const check = (
  { card, layer }: CardedLayer,
  stored: number
): Effect.Effect<void, LayerNotStored | LayerMalformed> =>
  Effect.flatMap(Layer.contentId(layer), (contentId) =>
    contentId !== card.contentId
      ? Effect.fail(
          new LayerNotStored({ reason: `its card is of the layer ${card.contentId}, and it is ${contentId}` })
        )
      : stored >= storedLayersMax
        ? Effect.fail(new LayerNotStored({ reason: `there are ${stored} already; remove some` }))
        : Effect.void
  )

export const byName = (cards: ReadonlyArray<LayerCard>): ReadonlyArray<LayerCard> =>
  cards.toSorted((a, b) => (a.name === b.name ? (a.contentId < b.contentId ? -1 : 1) : a.name < b.name ? -1 : 1))

/** Keeps layers in memory, these to begin with: for tests and for a node without a disk. */
export const layerMemory = (layers: ReadonlyArray<CardedLayer> = []): EffectLayer.Layer<LayerStore> =>
  EffectLayer.sync(LayerStore, () => {
    const stored = new Map(layers.map((one) => [one.card.contentId, one] as const))
    const get = (contentId: ContentId) => {
      const found = stored.get(contentId)
      return found === undefined ? Effect.fail(new LayerUnknown({ contentId })) : Effect.succeed(found)
    }
    return {
      put: (one) =>
        Effect.map(check(one, stored.has(one.card.contentId) ? 0 : stored.size), () => {
          stored.set(one.card.contentId, one)
        }),
      get: (contentId) => Effect.suspend(() => get(contentId)),
      card: (contentId) => Effect.suspend(() => Effect.map(get(contentId), ({ card }) => card)),
      remove: (contentId) => Effect.sync(() => stored.delete(contentId)),
      list: Effect.sync(() => byName([...stored.values()].map(({ card }) => card)))
    }
  })
