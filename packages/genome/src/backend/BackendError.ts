/**
 * What a request to a model can fail with. All of it can cross the wire.
 */
import { ContentId } from "@continuum/core/ContentId"
import { Schema } from "effect"
import { layerNameBytesMax } from "../Limits.ts"

/** The prompt leaves no room for an answer. Nothing was computed. */
export class PromptTooLong extends Schema.TaggedError<PromptTooLong>()("PromptTooLong", {
  promptTokens: Schema.Int,
  contextTokens: Schema.Int
}) {
  override get message() {
    return (
      `The prompt has ${this.promptTokens} tokens and the model a context of ${this.contextTokens}, the answer ` +
      "included. Leave out the oldest turns, or use a model with a larger context"
    )
  }
}

/** A setting of the request is out of its range. */
export class RequestMalformed extends Schema.TaggedError<RequestMalformed>()("RequestMalformed", {
  reason: Schema.String
}) {
  override get message() {
    return `The model cannot take this request: ${this.reason}`
  }
}

/** There is no such layer in this node. */
export class LayerUnknown extends Schema.TaggedError<LayerUnknown>()("LayerUnknown", { contentId: ContentId }) {
  override get message() {
    return `There is no layer ${this.contentId} here. See layers/list, or import it`
  }
}

/** The layer was made for another base model, on which it would compute noise. */
export class LayerForOtherBase extends Schema.TaggedError<LayerForOtherBase>()("LayerForOtherBase", {
  contentId: ContentId,
  /** Of the layer. */
  base: Schema.String,
  /** Of the backend. */
  expected: Schema.String
}) {
  override get message() {
    const base = this.base.slice(0, layerNameBytesMax)
    return `The layer ${this.contentId} is for the base model "${base}", and this is "${this.expected}"`
  }
}

/** The layer names the right base model and does not fit it. */
export class LayerUnfit extends Schema.TaggedError<LayerUnfit>()("LayerUnfit", {
  contentId: ContentId,
  target: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `The layer ${this.contentId} does not fit its base model: its target ${this.target} ${this.reason}`
  }
}

/** A file of the model is missing, cut off or holds numbers that are none. Build or fetch it again. */
export class WeightsDamaged extends Schema.TaggedError<WeightsDamaged>()("WeightsDamaged", {
  file: Schema.String,
  /** Absent when the file as a whole is wrong. */
  tensor: Schema.optionalKey(Schema.String),
  reason: Schema.String
}) {
  override get message() {
    const what = this.tensor === undefined ? "It" : `Its tensor ${this.tensor}`
    return `The model file ${this.file} is damaged. ${what} ${this.reason}. Put back a whole copy of it`
  }
}

/** More requests wait than the limit allows. Nothing was computed. */
export class BackendBusy extends Schema.TaggedError<BackendBusy>()("BackendBusy", { queueCapacity: Schema.Int }) {
  override get message() {
    return `${this.queueCapacity} requests wait for the model already. Try again later`
  }
}

/** The engine's process ended, or said nothing for too long, with this request in it. It is being replaced. */
export class BackendFailed extends Schema.TaggedError<BackendFailed>()("BackendFailed", { reason: Schema.String }) {
  override get message() {
    return `The model engine failed: ${this.reason}. It is started again; repeat the request`
  }
}

export const BackendError = Schema.Union([
  PromptTooLong,
  RequestMalformed,
  LayerUnknown,
  LayerForOtherBase,
  LayerUnfit,
  WeightsDamaged,
  BackendBusy,
  BackendFailed
])
export type BackendError = typeof BackendError.Type
