import { ActorSystem } from "@continuum/actors/ActorSystem"
import * as EmbeddedOnnxRuntime from "@continuum/genome/backend/EmbeddedOnnxRuntime"
import { layerMemory } from "@continuum/genome/LayerSource"
import * as TinyModel from "@continuum/genome/model/TinyModel"
import { layerPages } from "@continuum/persona/retrieval/Library"
import * as Personas from "@continuum/persona/Personas"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer, Stream } from "effect"

const program = Effect.gen(function* () {
  const personas = yield* Personas.Personas

  const ask = (prompt: string) =>
    personas.process("teacher-ai", { domain: "chat", context: { _tag: "Conversation", id: "first" }, prompt }).pipe(
      Stream.runForEach((change) =>
        Effect.sync(() => {
          if (change._tag === "Text") return void text.push(change.text)
          const { bids, worker } = change.trace
          console.log(`${text.splice(0).join("")} (${worker}: ${bids[0]!.reason})`)
        })
      )
    )
  const text: Array<string> = []

  // The tiny model, with the layer that has learned to sort.
  yield* ask("Sort the letters of tiger.")
  // A quotation, and what comes after it.
  yield* ask("What is a tide?")
  yield* ask("Tell me more.")
  // No page knows.
  yield* ask("Who invented spaghetti?")

  const error = yield* Effect.flip(personas.find("Techer AI"))
  console.log(error.message)
})

// Your own pages; a node takes the documents of this project.
const pages = [
  { source: "sea.md", text: "# The sea\n\n## Tides\n\nTides follow the moon.\n\n## Spring tides\n\nHigher." }
]
const layers = Effect.map(TinyModel.layers, (all) =>
  all.map(({ card }) => ({ name: card.name, contentId: card.contentId }))
)

const minds = Layer.unwrap(Effect.map(layers, (known) => Personas.layer({ layers: Effect.succeed(known) }))).pipe(
  Layer.provide(Layer.mergeAll(ActorSystem.layerWithoutStorage(), layerPages(pages))),
  Layer.provide(EmbeddedOnnxRuntime.layer({ directory: TinyModel.directory })),
  Layer.provide(Layer.unwrap(Effect.map(TinyModel.layers, (all) => layerMemory(all.map(({ layer }) => layer))))),
  Layer.provide(NodeServices.layer)
)
await Effect.runPromise(Effect.provide(program, minds))
