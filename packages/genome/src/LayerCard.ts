/**
 * What people and nodes say about a layer. The layer itself is named by its content id; a card may be wrong, and a layer
 * may have several.
 */
import { ContentId } from "@continuum/core/ContentId"
import { Effect, Schema } from "effect"
import * as Layer from "./Layer.ts"
import { layerNameBytesMax, layerParentsMax, layerRankMax, layerTargetsMax } from "./Limits.ts"

/**
 * What a layer is for. `domain`: an expertise; `project`: a codebase and its team; `personality`: traits; `recent`: the
 * last interactions; `ephemeral`: one conversation, and never stored or shared.
 */
export const LayerKind = Schema.Literals(["domain", "project", "personality", "recent", "ephemeral"])
export type LayerKind = typeof LayerKind.Type

/** Versions such as 1.2.3 or 2.0.0-beta.1 (https://semver.org, version 2). */
export const Version = Schema.String.check(
  Schema.isPattern(
    /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[A-Za-z-][\dA-Za-z-]*)(\.(0|[1-9]\d*|\d*[A-Za-z-][\dA-Za-z-]*))*)?(\+[\dA-Za-z-]+(\.[\dA-Za-z-]+)*)?$/
  ),
  Schema.isMaxLength(layerNameBytesMax)
)

const Name = Schema.NonEmptyString.check(Schema.isMaxLength(layerNameBytesMax))

export const LayerCard = Schema.Struct({
  contentId: ContentId,
  /** For people, such as `React Expert`. */
  name: Name,
  version: Version,
  kind: LayerKind,
  /** Name of the base model, as in the layer. */
  base: Name,
  /** The largest rank among the targets. */
  rank: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: layerRankMax })),
  /** Paths of the modules that it changes, sorted. */
  targets: Schema.Array(Name).check(Schema.isMinLength(1), Schema.isMaxLength(layerTargetsMax)),
  /** SPDX expression, such as `Apache-2.0`. */
  license: Name,
  /** ISO 8601, UTC. */
  created: Schema.String.check(Schema.isPattern(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/)),
  /** Layers that it was made from: the one it continues or forks first. */
  parents: Schema.Array(ContentId).check(Schema.isMaxLength(layerParentsMax))
})
export type LayerCard = typeof LayerCard.Type

/** What a card says that the layer does not. */
export type Description = Omit<LayerCard, "contentId" | "base" | "rank" | "targets">

/** The card of a layer. Fails as `Layer.encode` does. */
export const of = (layer: Layer.Layer, description: Description): Effect.Effect<LayerCard, Layer.LayerMalformed> =>
  Effect.map(Layer.contentId(layer), (contentId) => ({
    ...description,
    contentId,
    base: layer.base,
    rank: Layer.rankMaxOf(layer),
    targets: layer.targets.map(({ name }) => name)
  }))
