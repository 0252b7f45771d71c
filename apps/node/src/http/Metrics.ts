/**
 * `GET /metrics`: counters and gauges in the Prometheus text format, read from plain fields at the moment of the scrape.
 * Units are base units (seconds, bytes), as `promtool check metrics` asks.
 */
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { Inventory } from "../Inventory.ts"

/** One metric: a name with its unit, what it means, and its value. */
export interface Metric {
  readonly name: string
  readonly help: string
  readonly type: "counter" | "gauge"
  readonly value: number
}

/** The text of some metrics: https://prometheus.io/docs/instrumenting/exposition_formats/ */
export const exposition = (metrics: ReadonlyArray<Metric>): string =>
  metrics
    .map(
      ({ name, help, type, value }) =>
        `# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n# TYPE ${name} ${type}\n${name} ${number(value)}\n`
    )
    .join("")

const number = (value: number): string =>
  Number.isFinite(value) ? String(value) : Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf"

export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const router = yield* HttpRouter.HttpRouter
    const inventory = yield* Inventory
    yield* router.add(
      "GET",
      "/metrics",
      Effect.map(inventory.metrics, (metrics) =>
        HttpServerResponse.text(exposition(metrics), { contentType: "text/plain; version=0.0.4; charset=utf-8" })
      )
    )
  })
)
