/**
 * The part of a node's RPC contract that shows its layers. Schemas only.
 */
import { ContentId } from "@continuum/core/ContentId"
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { Temperature } from "./LayerState.ts"
import { LayerKind, Version } from "./LayerCard.ts"

export const LayerSummary = Schema.Struct({
  contentId: ContentId,
  name: Schema.String,
  version: Version,
  kind: LayerKind,
  /** Name of the base model that it fits. */
  base: Schema.String,
  rank: Schema.Int,
  /** `cold`: in the store alone. `warm`: in memory. `hot`: in the engine. */
  state: Temperature,
  /** Answers that it took part in, on this node. */
  uses: Schema.Int,
  /** Part of these that came to their end, 0 to 1; null before the first. */
  successRate: Schema.NullOr(Schema.Number)
})
export type LayerSummary = typeof LayerSummary.Type

export class LayerRpcs extends RpcGroup.make(Rpc.make("layers.list", { success: Schema.Array(LayerSummary) })) {}
