import { layer as layerHttpServer } from "@effect/platform-node/NodeHttpServer"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { createServer } from "node:http"
import * as Health from "../src/http/Health.ts"
import { Home, type Phase } from "../src/Home.ts"
import { NodeInfo } from "../src/NodeInfo.ts"

describe("/healthz", () => {
  it.live("is 503 with the reason while the node starts and while it stops, and 200 in between", () =>
    Effect.gen(function* () {
      let phase: Phase = "starting"
      const info = { name: "tester", publicKey: "y".repeat(52), startedAtMs: 0 } as NodeInfo["Service"]
      const home = { phase: () => phase } as Home["Service"]
      const server = yield* Layer.build(
        HttpRouter.serve(Health.layer, { disableLogger: true, disableListenLog: true }).pipe(
          Layer.provideMerge(
            layerHttpServer(createServer, { port: 0, host: "127.0.0.1", gracefulShutdownTimeout: 100 })
          ),
          Layer.provide([Layer.succeed(NodeInfo, info), Layer.succeed(Home, home)])
        )
      )
      const { address } = yield* Effect.provide(HttpServer.HttpServer, server)
      const port = address._tag === "UnixPathAddress" ? 0 : address.port
      const ask = Effect.promise(async () => {
        const response = await fetch(`http://127.0.0.1:${port}/healthz`, { headers: { connection: "close" } })
        return [response.status, response.headers.get("retry-after"), await response.json()]
      })
      assert.deepStrictEqual(yield* ask, [503, "1", { status: "starting" }])
      phase = "ok"
      const [status, , body] = yield* ask
      assert.strictEqual(status, 200)
      assert.deepInclude(body, { status: "ok", name: "tester", publicKey: "y".repeat(52) })
      phase = "stopping"
      assert.deepStrictEqual(yield* ask, [503, "1", { status: "stopping" }])
    }).pipe(Effect.scoped)
  )
})
