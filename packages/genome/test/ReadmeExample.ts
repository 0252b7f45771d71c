import { Backend, collect } from "@continuum/genome/backend/Backend"
import * as EmbeddedOnnxRuntime from "@continuum/genome/backend/EmbeddedOnnxRuntime"
import * as LayerCache from "@continuum/genome/LayerCache"
import * as LayerStore from "@continuum/genome/LayerStore"
import * as TinyModel from "@continuum/genome/model/TinyModel"
import { NodeServices } from "@effect/platform-node"
import { Effect, Layer } from "effect"

const program = Effect.gen(function* () {
  const backend = yield* Backend
  const cards = yield* (yield* LayerStore.LayerStore).list
  const prompts = { reversing: "reverse abcde", sorting: "sort tiger", english: "What is a layer?" }
  for (const [name, content] of Object.entries(prompts)) {
    const { contentId } = cards.find((card) => card.name === name)!
    const answer = backend.generate({ turns: [{ role: "user", content }], layers: [{ contentId }] })
    console.log(`${name}: ${(yield* collect(answer)).text}`)
  }
})

// The tiny model that comes with the package, and its six layers.
const model = Layer.unwrap(
  Effect.map(TinyModel.layers, (layers) =>
    EmbeddedOnnxRuntime.layer({ directory: TinyModel.directory }).pipe(
      Layer.provide(LayerCache.layerSource),
      Layer.provide(LayerCache.layer()),
      Layer.provideMerge(LayerStore.layerMemory(layers))
    )
  )
)
await Effect.runPromise(program.pipe(Effect.provide(model), Effect.provide(NodeServices.layer)))
