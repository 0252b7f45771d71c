/**
 * What `/metrics` says of the model: tokens by layer, and how soon answers begin.
 */
import type { ReadonlyHistogram } from "@continuum/genome/backend/Histogram"
import type { Metric } from "./http/Exposition.ts"
import type { LayerUsage } from "./Layers.ts"

/** Layers that nothing was asked of yet have no line. */
export const of = (usages: ReadonlyArray<LayerUsage>, firstText: ReadonlyHistogram): ReadonlyArray<Metric> => [
  {
    name: "continuum_model_prompt_tokens_total",
    help: "Tokens of prompts that the model has read, by layer",
    type: "counter",
    samples: usages.map(({ layer, promptTokens }) => ({ labels: { layer }, value: promptTokens }))
  },
  {
    name: "continuum_model_completion_tokens_total",
    help: "Tokens that the model has written, by layer",
    type: "counter",
    samples: usages.map(({ completionTokens, layer }) => ({ labels: { layer }, value: completionTokens }))
  },
  {
    name: "continuum_model_first_text_seconds",
    help: "Time from a request of the model to its first text",
    type: "histogram",
    samples: [
      ...firstText.buckets().map(([bound, value]) => ({
        suffix: "_bucket" as const,
        labels: { le: String(bound) },
        value
      })),
      { suffix: "_bucket", labels: { le: "+Inf" }, value: firstText.count() },
      { suffix: "_sum", value: firstText.sum() },
      { suffix: "_count", value: firstText.count() }
    ]
  }
]
