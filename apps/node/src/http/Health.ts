/**
 * `GET /healthz`: 200 while the node is ready, 503 while it starts and stops. It answers from this process alone, without a
 * word to any actor, so that it says something about the process and not about its load.
 */
import { version } from "@continuum/core/Version"
import { Clock, Effect, Layer } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { Home } from "../Home.ts"
import { NodeInfo } from "../NodeInfo.ts"

export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const router = yield* HttpRouter.HttpRouter
    const info = yield* NodeInfo
    const home = yield* Home
    yield* router.add(
      "GET",
      "/healthz",
      Effect.gen(function* () {
        const status = home.phase()
        if (status !== "ok")
          return HttpServerResponse.jsonUnsafe({ status }, { status: 503, headers: { "retry-after": "1" } })
        const now = yield* Clock.currentTimeMillis
        return HttpServerResponse.jsonUnsafe({
          status,
          name: info.name,
          publicKey: info.publicKey,
          version,
          uptimeSeconds: Math.round((now - info.startedAtMs) / 1000)
        })
      })
    )
  })
)
