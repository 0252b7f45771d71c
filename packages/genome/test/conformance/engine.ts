/**
 * The engine on Bun, Deno and Node: the same answers from the same weights, layers and seeds; a process that is killed is
 * replaced.
 */
import { Backend, collect } from "@continuum/genome/backend/Backend"
import * as EmbeddedOnnxRuntime from "@continuum/genome/backend/EmbeddedOnnxRuntime"
import * as LayerSource from "@continuum/genome/LayerSource"
import { NodeServices } from "@effect/platform-node"
import { Context, Effect, FileSystem, Layer, type Scope } from "effect"
import { check, report } from "../../../core/test/Conformance.ts"
import * as SmallModel from "../support/SmallModel.ts"

const withBackend = <A, E>(
  use: (backend: Backend["Service"], base: string) => Effect.Effect<A, E, FileSystem.FileSystem | Scope.Scope>
): Promise<A> =>
  Effect.gen(function* () {
    const { directory, base } = yield* SmallModel.folder()
    const services = yield* Layer.build(
      EmbeddedOnnxRuntime.layer({ directory }).pipe(Layer.provide(LayerSource.layerMemory([])))
    )
    return yield* use(Context.get(services, Backend), base)
  }).pipe(Effect.scoped, Effect.provide(NodeServices.layer), Effect.runPromise)

const turns = [{ role: "user", content: "hello" }] as const

/** From Bun. Start of the layer's id, then the answers. */
const expected = "e73f612b asnnndhxhqmxukpkeqqqmxsz kpnxujavpxuooopxobukpbco ecqtzaqqqppcqqkpckqqqpck"

await check("answers alike: greedy, sampled, and with a layer", () =>
  withBackend((backend, base) =>
    Effect.gen(function* () {
      const contentId = yield* backend.load(yield* SmallModel.layerOf(1, 4, base))
      const greedy = yield* collect(backend.generate({ turns, tokensMax: 24 }))
      const sampled = yield* collect(
        backend.generate({ turns, tokensMax: 24, sampling: { temperature: 1, topK: 8, seed: 5 } })
      )
      const layered = yield* collect(backend.generate({ turns, tokensMax: 24, layers: [{ contentId }] }))
      const found = [contentId.slice(0, 8), greedy.text, sampled.text, layered.text].join(" ")
      if (found !== expected) throw new Error(found)
    })
  )
)
await check("many at once get what each gets alone", () =>
  withBackend((backend) =>
    Effect.gen(function* () {
      const requests = Array.from({ length: 12 }, (_, i) => ({
        turns: [{ role: "user" as const, content: "x".repeat(3 * i) + i }],
        tokensMax: 5 + i
      }))
      const alone = yield* Effect.forEach(requests, (request) => collect(backend.generate(request)))
      const together = yield* Effect.forEach(requests, (request) => collect(backend.generate(request)), {
        concurrency: "unbounded"
      })
      return together.every(({ text }, i) => text === alone[i]!.text)
    })
  )
)
await check("damaged weights and prompts that are too long are typed errors", () =>
  withBackend((backend) =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const { directory } = yield* SmallModel.folder()
      yield* fs.truncate(`${directory}/model.safetensors`, 1000)
      const damaged = yield* Effect.flip(
        Effect.scoped(
          Layer.build(EmbeddedOnnxRuntime.layer({ directory }).pipe(Layer.provide(LayerSource.layerMemory([]))))
        )
      )
      const long = yield* Effect.flip(
        collect(backend.generate({ turns: [{ role: "user", content: "x".repeat(500) }] }))
      )
      return damaged._tag === "WeightsDamaged" && long._tag === "PromptTooLong"
    })
  )
)

report()
