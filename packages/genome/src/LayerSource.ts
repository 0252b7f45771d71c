/**
 * Port: where a backend finds a layer that a request names and that is not loaded yet.
 */
import type { ContentId } from "@continuum/core/ContentId"
import { Context, Effect, Layer as EffectLayer } from "effect"
import { LayerUnknown, type WeightsDamaged } from "./backend/BackendError.ts"
import * as Layer from "./Layer.ts"

export class LayerSource extends Context.Service<
  LayerSource,
  {
    /** A layer by its content id. */
    readonly get: (contentId: ContentId) => Effect.Effect<Layer.Layer, LayerUnknown | WeightsDamaged>
  }
>()("@continuum/genome/LayerSource") {}

/** These layers and no others. Fails as `Layer.encode` does. */
export const layerMemory = (layers: ReadonlyArray<Layer.Layer>): EffectLayer.Layer<LayerSource, Layer.LayerMalformed> =>
  EffectLayer.effect(
    LayerSource,
    Effect.gen(function* () {
      const known = new Map<ContentId, Layer.Layer>()
      for (const layer of layers) known.set(yield* Layer.contentId(layer), layer)
      return {
        get: (contentId: ContentId) => {
          const layer = known.get(contentId)
          return layer === undefined ? Effect.fail(new LayerUnknown({ contentId })) : Effect.succeed(layer)
        }
      }
    })
  )
