/**
 * The part of a node's RPC contract that shows its layers. Schemas only.
 */
import { ContentId } from "@continuum/core/ContentId"
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { LayerKind, Version } from "./LayerCard.ts"

/** `hot`: an answer is computed with it now. `warm`: its tensors are in the engine. `cold`: on the disk, loaded when needed. */
export const LayerState = Schema.Literals(["cold", "warm", "hot"])
export type LayerState = typeof LayerState.Type

export const LayerSummary = Schema.Struct({
  contentId: ContentId,
  name: Schema.String,
  version: Version,
  kind: LayerKind,
  /** Name of the base model that it fits. */
  base: Schema.String,
  rank: Schema.Int,
  state: LayerState,
  /** Answers that were computed with it since the node started. */
  uses: Schema.Int,
  /** Part of these that came to their end, 0 to 1; null before the first. A client that went counts as neither. */
  successRate: Schema.NullOr(Schema.Number)
})
export type LayerSummary = typeof LayerSummary.Type

export class LayerRpcs extends RpcGroup.make(Rpc.make("layers.list", { success: Schema.Array(LayerSummary) })) {}
