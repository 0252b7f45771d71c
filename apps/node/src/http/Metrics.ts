/**
 * `GET /metrics`: counters, gauges and histograms in the Prometheus text format, read from plain fields at the moment of
 * the scrape.
 */
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { Inventory } from "../Inventory.ts"
import { exposition } from "./Exposition.ts"

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
