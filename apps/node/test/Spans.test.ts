import * as Actor from "@continuum/actors/Actor"
import { ActorSystem } from "@continuum/actors/ActorSystem"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { NodeConfig, type Settings } from "../src/NodeConfig.ts"
import * as Spans from "../src/Spans.ts"

interface Received {
  readonly path: string | undefined
  readonly body: {
    readonly resourceSpans: ReadonlyArray<{
      readonly resource: { readonly attributes: ReadonlyArray<{ readonly key: string; readonly value: object }> }
      readonly scopeSpans: ReadonlyArray<{ readonly spans: ReadonlyArray<OtlpSpan> }>
    }>
  }
}

interface OtlpSpan {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly attributes: ReadonlyArray<{ readonly key: string; readonly value: { readonly stringValue?: string } }>
}

/** A collector that keeps what it is sent. */
const collector = Effect.acquireRelease(
  Effect.callback<{ readonly url: string; readonly received: Array<Received>; readonly close: () => void }>(
    (resume) => {
      const received: Array<Received> = []
      const server = createServer((request, response) => {
        let text = ""
        request.setEncoding("utf8").on("data", (chunk: string) => (text += chunk))
        request.on("end", () => {
          received.push({ path: request.url, body: JSON.parse(text) as Received["body"] })
          response.end("{}")
        })
      })
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo
        resume(Effect.succeed({ url: `http://127.0.0.1:${port}/v1/traces`, received, close: () => server.close() }))
      })
    }
  ),
  ({ close }) => Effect.sync(close)
)

const Counter = Actor.actor("counter", { state: 0, add: (state, n: number) => state + n })

/** A system as a node with these settings has it; ends before this returns, so that all is sent. */
const withSettings = <A, E>(settings: Partial<Settings>, use: Effect.Effect<A, E, ActorSystem>) => {
  const { otlp, spanRatio = 1 } = settings
  const system = ActorSystem.layerWithoutStorage({
    nodeName: "north",
    ...(otlp ? { spans: { ratio: spanRatio } } : {})
  })
  const config = Layer.succeed(NodeConfig, {
    settings: { name: "north", otlp, spanRatio } as Settings,
    entries: []
  })
  return Effect.provide(use, system.pipe(Layer.provideMerge(Spans.layer), Layer.provide(config)))
}

const addTwice = Effect.gen(function* () {
  const system = yield* ActorSystem
  yield* Effect.withSpan(system.ref(Counter, "c").add(1), "request", { kind: "server" })
  yield* system.ref(Counter, "c").add(1)
})

describe("spans of messages", () => {
  it.live("arrive at the collector that the settings name, each below its asker", () =>
    Effect.gen(function* () {
      const { received, url } = yield* collector
      yield* withSettings({ otlp: url }, addTwice)
      assert.deepStrictEqual([...new Set(received.map(({ path }) => path))], ["/v1/traces"])
      const resources = received.flatMap(({ body }) => body.resourceSpans)
      assert.deepInclude(resources[0]!.resource.attributes, {
        key: "service.name",
        value: { stringValue: "continuum" }
      })
      const spans = resources.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
      assert.deepStrictEqual(spans.map(({ name }) => name).sort(), ["counter.add", "counter.add", "request"])
      const request = spans.find(({ name }) => name === "request")!
      const [add, alone] = spans.filter(({ name }) => name === "counter.add")
      assert.strictEqual(add!.parentSpanId, request.spanId)
      assert.strictEqual(add!.traceId, request.traceId)
      assert.isUndefined(alone!.parentSpanId)
      assert.deepInclude(add!.attributes, { key: "actor.outcome", value: { stringValue: "handled" } })
    }).pipe(Effect.scoped)
  )

  it.live("are a share: without any, requests and messages send nothing", () =>
    Effect.gen(function* () {
      const { received, url } = yield* collector
      yield* withSettings({ otlp: url, spanRatio: 0 }, addTwice)
      yield* withSettings({}, addTwice)
      assert.deepStrictEqual(received, [])
    }).pipe(Effect.scoped)
  )

  it.live(
    "are lost when the collector is not there, and nothing else is",
    () =>
      Effect.gen(function* () {
        const { close, url } = yield* Effect.scoped(collector)
        close()
        yield* withSettings({ otlp: url }, addTwice)
      }),
    30_000
  )
})
