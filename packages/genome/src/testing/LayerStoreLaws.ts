/**
 * What every LayerStore does. Run each law with an empty store.
 */
import type { ContentId } from "@continuum/core/ContentId"
import { type Law, same } from "@continuum/core/testing/Law"
import { Effect, Schema } from "effect"
import * as Safetensors from "../formats/Safetensors.ts"
import * as Layer from "../Layer.ts"
import * as LayerCard from "../LayerCard.ts"
import type { CardedLayer } from "../LayerFolder.ts"
import { LayerStore } from "../LayerStore.ts"

const law = (name: string, check: (store: LayerStore["Service"]) => Effect.Effect<void, unknown>): Law<LayerStore> => ({
  name,
  check: Effect.flatMap(LayerStore, check)
})

/** A layer of one target, which differs by its value. */
export const carded = Effect.fnUntraced(function* (
  name: string,
  value: number
): Effect.fn.Return<CardedLayer, unknown> {
  const layer = yield* Layer.make({
    base: "test/base",
    scaling: "alpha/rank",
    fanInFanOut: false,
    targets: [
      {
        name: "model.layers.0.self_attn.q_proj",
        alpha: 1,
        a: Safetensors.fromFloat32(Float32Array.of(value, 0.5), [1, 2]),
        b: Safetensors.fromFloat32(Float32Array.of(1, 2), [2, 1])
      }
    ]
  })
  const card = yield* LayerCard.of(layer, {
    name,
    version: "1.0.0",
    kind: "domain",
    license: "Apache-2.0",
    created: "2026-01-31T12:00:00Z",
    parents: []
  })
  // Its fields in the order in which a store gives them back.
  return { card: Schema.decodeSync(LayerCard.LayerCard)(card), layer }
})

export const laws: ReadonlyArray<Law<LayerStore>> = [
  law("an empty store holds nothing", (store) =>
    Effect.gen(function* () {
      const contentId = "0".repeat(64) as ContentId
      yield* same("the list", yield* store.list, [])
      yield* same("remove", yield* store.remove(contentId), false)
      yield* same("the error", (yield* Effect.flip(store.get(contentId)))._tag, "LayerUnknown")
      yield* same("the error", (yield* Effect.flip(store.card(contentId)))._tag, "LayerUnknown")
    })
  ),
  law("what was put is got back with its card, and listed by name", (store) =>
    Effect.gen(function* () {
      const [second, first] = [yield* carded("second", 1), yield* carded("first", 2)]
      yield* store.put(second)
      yield* store.put(first)
      const found = yield* store.get(first.card.contentId)
      yield* same("the layer", yield* Layer.contentId(found.layer), first.card.contentId)
      yield* same("the card", found.card, first.card)
      yield* same("the card alone", yield* store.card(second.card.contentId), second.card)
      yield* same("the list", yield* store.list, [first.card, second.card])
    })
  ),
  law("a newer card takes the place of the older one", (store) =>
    Effect.gen(function* () {
      const one = yield* carded("before", 1)
      yield* store.put(one)
      yield* store.put({ ...one, card: { ...one.card, name: "after" } })
      yield* same(
        "the names",
        (yield* store.list).map(({ name }) => name),
        ["after"]
      )
    })
  ),
  law("a card of another layer is refused, and nothing is stored", (store) =>
    Effect.gen(function* () {
      const [one, other] = [yield* carded("one", 1), yield* carded("other", 2)]
      const error = yield* Effect.flip(store.put({ layer: one.layer, card: other.card }))
      yield* same("the error", error._tag, "LayerNotStored")
      yield* same("the list", yield* store.list, [])
    })
  ),
  law("what was removed is gone", (store) =>
    Effect.gen(function* () {
      const one = yield* carded("one", 1)
      yield* store.put(one)
      yield* same("remove", yield* store.remove(one.card.contentId), true)
      yield* same("remove again", yield* store.remove(one.card.contentId), false)
      yield* same("the error", (yield* Effect.flip(store.get(one.card.contentId)))._tag, "LayerUnknown")
    })
  )
]
