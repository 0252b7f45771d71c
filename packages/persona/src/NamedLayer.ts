/**
 * Layers as people name them. A name is what a layer's card says; a content id is what the layer is.
 */
import { ContentId } from "@continuum/core/ContentId"
import * as Nearest from "@continuum/core/Nearest"
import { Effect, Schema } from "effect"
import { LayerNameUnknown } from "./PersonaError.ts"

/** A layer that a persona wears. */
export const WornLayer = Schema.Struct({ name: Schema.String, contentId: ContentId })
export type WornLayer = typeof WornLayer.Type

/** A layer that a node has. */
export interface KnownLayer extends WornLayer {
  /** Part of the held-out exercises that it answers to the letter, 0 to 1, where it was measured. */
  readonly accuracy?: number | undefined
  /** The base that it was made for, where that is not the node's: no persona wears it, and a request for it is refused. */
  readonly otherBase?: string
}

/** The layers of these names or content ids, in this order; of one name the first. Fails with the first that there is not. */
export const resolve = (
  layers: ReadonlyArray<KnownLayer>,
  names: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<KnownLayer>, LayerNameUnknown> =>
  Effect.forEach(names, (wanted) => {
    const found =
      layers.find(({ name }) => name === wanted) ??
      layers.find(({ contentId, name }) => contentId === wanted || name.toLowerCase() === wanted.toLowerCase())
    if (found !== undefined) return Effect.succeed(found)
    const nearest = Nearest.of(
      wanted,
      layers.map(({ name }) => name)
    )
    return Effect.fail(new LayerNameUnknown({ name: wanted, nearest }))
  })
