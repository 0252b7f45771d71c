/**
 * Where the spans of this node go: by OTLP over HTTP to a collector, when the settings name one. Those that begin a trace are sampled;
 * the others go with their parents. A collector that is down costs the spans, and nothing else.
 */
import { version } from "@continuum/core/Version"
import { Effect, Layer, Option, Random, Tracer } from "effect"
import { FetchHttpClient } from "effect/http"
import { OtlpExporter, OtlpSerialization, OtlpTracer } from "effect/observability"
import { NodeConfig } from "./NodeConfig.ts"

export const layer = Layer.unwrap(
  Effect.map(NodeConfig, ({ settings: { name, otlp, spanRatio } }) =>
    otlp === undefined ? Layer.empty : exporting(otlp, spanRatio, name)
  )
)

const exporting = (url: string, ratio: number, node: string): Layer.Layer<never> =>
  Layer.effect(
    Tracer.Tracer,
    Effect.gen(function* () {
      const resource = {
        serviceName: "continuum",
        serviceVersion: version,
        attributes: { "service.instance.id": node }
      }
      const tracer = yield* OtlpTracer.make({ url, resource })
      const random = yield* Random.Random
      return sampled(tracer, ratio, () => random.nextDoubleUnsafe())
    })
  ).pipe(
    Layer.provide(OtlpExporter.layerFlusher),
    Layer.provide(OtlpSerialization.layerJson),
    Layer.provide(FetchHttpClient.layer)
  )

/** A tracer that keeps a share of the traces that begin with it. Those of messages are chosen by the actor system already. */
const sampled = (tracer: Tracer.Tracer, ratio: number, chance: () => number): Tracer.Tracer =>
  Tracer.make({
    span: (options) => {
      if (options.kind === "consumer") return tracer.span(options)
      const isChosen = Option.match(options.parent, {
        onNone: () => chance() < ratio,
        onSome: ({ sampled }) => sampled
      })
      return tracer.span({ ...options, sampled: options.sampled && isChosen })
    }
  })
