import { ActorSystem } from "@continuum/actors/ActorSystem"
import * as ActorStorageMemory from "@continuum/actors/ActorStorageMemory"
import { Backend, collect } from "@continuum/genome/backend/Backend"
import * as EmbeddedOnnxRuntime from "@continuum/genome/backend/EmbeddedOnnxRuntime"
import * as LayerActor from "@continuum/genome/LayerActor"
import * as LayerCache from "@continuum/genome/LayerCache"
import * as LayerCard from "@continuum/genome/LayerCard"
import * as LayerStore from "@continuum/genome/LayerStore"
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import * as SmallModel from "./support/SmallModel.ts"

const setup = Effect.gen(function* () {
  const { directory, base } = yield* SmallModel.folder()
  const layers = yield* Effect.forEach([1, 2], (seed) =>
    Effect.gen(function* () {
      const layer = yield* SmallModel.layerOf(seed, 4, base)
      const card = yield* LayerCard.of(layer, {
        name: `layer ${seed}`,
        version: "1.0.0",
        kind: "domain",
        license: "Apache-2.0",
        created: "2026-01-31T12:00:00Z",
        parents: []
      })
      return { card, layer }
    })
  )
  const services = EmbeddedOnnxRuntime.layer({ directory }).pipe(
    Layer.provideMerge(LayerCache.layerSource),
    Layer.provideMerge(LayerCache.layer()),
    Layer.provideMerge(LayerStore.layerMemory(layers)),
    Layer.provideMerge(ActorSystem.layer().pipe(Layer.provide(ActorStorageMemory.layer)))
  )
  return { context: yield* Layer.build(services), ids: layers.map(({ card }) => card.contentId) }
})

describe("LayerActor", () => {
  it.live("layers load, swap and unload under a conversation, which goes on", () =>
    Effect.gen(function* () {
      const { context, ids } = yield* setup
      yield* Effect.gen(function* () {
        const system = yield* ActorSystem
        const backend = yield* Backend
        const actor = yield* system.register(LayerActor.make(yield* LayerActor.acceptsStored))
        const [first, second] = ids.map((id) => system.ref(actor, id))
        assert.strictEqual((yield* first!.statistics()).state, "cold")
        assert.deepInclude(yield* first!.load(), { state: "hot", loads: 1 })

        const turns = [{ role: "user", content: "hello" }] as const
        const before = yield* collect(backend.generate({ turns, tokensMax: 20, layers: [{ contentId: ids[0]! }] }))
        const swapped = [
          ...turns,
          { role: "assistant", content: before.text },
          { role: "user", content: "more" }
        ] as const
        // In the middle of an answer with the first, the second comes and the first goes.
        const chunks = yield* backend
          .generate({ turns: swapped, tokensMax: 40, layers: [{ contentId: ids[0]! }] })
          .pipe(
            Stream.tap((chunk) =>
              chunk._tag === "Text" ? Effect.andThen(second!.load(), first!.unload({})) : Effect.void
            ),
            Stream.runCollect
          )
        const text = chunks.map((chunk) => (chunk._tag === "Text" ? chunk.text : "")).join("")
        const after = yield* collect(
          backend.generate({ turns: swapped, tokensMax: 40, layers: [{ contentId: ids[1]! }] })
        )
        assert.notStrictEqual(after.text, text)
        assert.strictEqual((yield* first!.statistics()).state, "warm")
        assert.strictEqual((yield* first!.unload({ cold: true })).state, "cold")
        // A request that names it brings it back by itself, and gets what it got before.
        const again = yield* collect(
          backend.generate({ turns: swapped, tokensMax: 40, layers: [{ contentId: ids[0]! }] })
        )
        assert.strictEqual(again.text, text)
        assert.strictEqual((yield* first!.statistics()).state, "hot")
      }).pipe(Effect.provide(context))
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )

  it.live("counts its uses, and a name that no layer has is unknown", () =>
    Effect.gen(function* () {
      const { context, ids } = yield* setup
      yield* Effect.gen(function* () {
        const system = yield* ActorSystem
        const actor = yield* system.register(LayerActor.make(yield* LayerActor.acceptsStored))
        const layer = system.ref(actor, ids[0]!)
        yield* layer.used({ uses: 1, failures: 0 })
        yield* layer.used({ uses: 3, failures: 1 })
        yield* system.restart(layer.address)
        assert.deepInclude(yield* layer.statistics(), { uses: 4, failures: 1, loads: 0 })
        const unknown = yield* Effect.flip(system.ref(actor, "0".repeat(64)).statistics())
        assert.strictEqual(unknown._tag, "AddressUnknown")
        const malformed = yield* Effect.flip(system.ref(actor, "nonsense").load())
        assert.strictEqual(malformed._tag, "AddressUnknown")
      }).pipe(Effect.provide(context))
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )
})
