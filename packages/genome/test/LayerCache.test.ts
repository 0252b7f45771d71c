import * as LayerCache from "@continuum/genome/LayerCache"
import { LayerStore } from "@continuum/genome/LayerStore"
import * as LayerStoreMemory from "@continuum/genome/LayerStore"
import { layerLoadsMax } from "@continuum/genome/Limits"
import { carded } from "@continuum/genome/testing/LayerStoreLaws"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import * as fc from "fast-check"

/** Bytes of the numbers of a `carded` layer. */
const layerBytes = 16

/** A cache over these layers; `reads` counts what is read, `atOnce` how much of it at the same time. */
const withCache = <A, E>(
  bytesMax: number,
  use: (
    cache: LayerCache.LayerCache["Service"],
    ids: ReadonlyArray<Parameters<LayerCache.LayerCache["Service"]["get"]>[0]>,
    counts: { reads: number; most: number }
  ) => Effect.Effect<A, E>
) =>
  Effect.gen(function* () {
    const layers = yield* Effect.forEach([1, 2, 3, 4, 5, 6], (value) => carded(`layer ${value}`, value))
    const counts = { reads: 0, most: 0 }
    let now = 0
    const counting = Layer.effect(
      LayerStore,
      Effect.map(LayerStore, (store) => ({
        ...store,
        get: (contentId: Parameters<typeof store.get>[0]) =>
          Effect.sync(() => {
            counts.reads++
            counts.most = Math.max(counts.most, ++now)
          }).pipe(
            Effect.andThen(Effect.yieldNow),
            Effect.andThen(store.get(contentId)),
            Effect.ensuring(Effect.sync(() => now--))
          )
      }))
    ).pipe(Layer.provide(LayerStoreMemory.layerMemory(layers)))
    const ids = layers.map(({ card }) => card.contentId)
    return yield* Effect.flatMap(LayerCache.LayerCache, (cache) => use(cache, ids, counts)).pipe(
      Effect.provide(LayerCache.layer({ bytesMax }).pipe(Layer.provide(counting)))
    )
  })

describe("LayerCache", () => {
  it.effect("reads a layer once, however many want it at the same time", () =>
    withCache(1000, (cache, [one], counts) =>
      Effect.gen(function* () {
        assert.isFalse(cache.isWarm(one!))
        const all = yield* Effect.forEach(Array.from({ length: 10 }), () => cache.get(one!), {
          concurrency: "unbounded"
        })
        assert.strictEqual(new Set(all).size, 1)
        assert.isTrue(cache.isWarm(one!))
        yield* cache.get(one!)
        assert.strictEqual(counts.reads, 1)
        assert.deepInclude(cache.counters(), { loads: 1, hits: 1, bytes: layerBytes })
      })
    )
  )

  it.effect("who is interrupted while it waits takes nothing from the others", () =>
    withCache(1000, (cache, [one], counts) =>
      Effect.gen(function* () {
        const first = yield* Effect.forkChild(cache.get(one!), { startImmediately: true })
        const second = yield* Effect.forkChild(cache.get(one!), { startImmediately: true })
        yield* Fiber.interrupt(first)
        yield* Fiber.join(second)
        assert.strictEqual(counts.reads, 1)
      })
    )
  )

  it.effect("never loads more at once than the limit", () =>
    withCache(1000, (cache, ids, counts) =>
      Effect.gen(function* () {
        yield* Effect.forEach(ids, cache.get, { concurrency: "unbounded" })
        assert.strictEqual(counts.most, layerLoadsMax)
      })
    )
  )

  it.effect("a layer that does not exist is not remembered as such", () =>
    withCache(1000, (cache) =>
      Effect.gen(function* () {
        const unknown = "0".repeat(64) as Parameters<typeof cache.get>[0]
        assert.strictEqual((yield* Effect.flip(cache.get(unknown)))._tag, "LayerUnknown")
        assert.strictEqual((yield* Effect.flip(cache.get(unknown)))._tag, "LayerUnknown")
        assert.strictEqual(cache.counters().bytes, 0)
      })
    )
  )

  it("holds what a list of the least recently used would hold, and never more than its bytes", async () => {
    const wanted = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(wanted, fc.integer({ min: 0, max: 4 }), (gets, room) =>
        Effect.runPromise(
          withCache(room * layerBytes + 3, (cache, ids) =>
            Effect.gen(function* () {
              let model: Array<number> = []
              for (const get of gets) {
                yield* cache.get(ids[get]!)
                model = [...model.filter((one) => one !== get), get].slice(room === 0 ? 1e9 : -room)
                assert.deepStrictEqual(
                  ids.map((id) => cache.isWarm(id)),
                  ids.map((_, i) => model.includes(i))
                )
                assert.strictEqual(cache.counters().bytes, model.length * layerBytes)
              }
            })
          )
        )
      ),
      { numRuns: 60 }
    )
  })
})
