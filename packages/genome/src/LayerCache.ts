/**
 * Layers in memory, like pages of virtual memory: what is used comes in from the store, and what was not used for longest
 * goes out when the budget is spent. Cold: in the store alone. Warm: decoded, in memory. Hot: its tensors in an engine.
 *
 * Guarantees: never more bytes than the budget, never more than `layerLoadsMax` loads at once, and one load for all who want
 * the same layer at the same time.
 */
import type { ContentId } from "@continuum/core/ContentId"
import { Context, Deferred, Effect, Exit, Layer as EffectLayer, Semaphore } from "effect"
import type { LayerUnknown, WeightsDamaged } from "./backend/BackendError.ts"
import * as Layer from "./Layer.ts"
import { LayerSource } from "./LayerSource.ts"
import { LayerStore } from "./LayerStore.ts"
import { layerLoadsMax, warmLayersBytesMax } from "./Limits.ts"

export interface Counters {
  /** Asked for, and there. */
  readonly hits: number
  /** Read from the store. */
  readonly loads: number
  /** Sent out for others. */
  readonly evictions: number
  /** Bytes of the layers that are warm. */
  readonly bytes: number
}

export class LayerCache extends Context.Service<
  LayerCache,
  {
    /** The layer, from memory or from the store. */
    readonly get: (contentId: ContentId) => Effect.Effect<Layer.Layer, LayerUnknown | WeightsDamaged>
    readonly isWarm: (contentId: ContentId) => boolean
    /** Sends it out. Whether it was in. */
    readonly evict: (contentId: ContentId) => boolean
    readonly counters: () => Counters
  }
>()("@continuum/genome/LayerCache") {}

export interface Options {
  /** Default `warmLayersBytesMax`. */
  readonly bytesMax?: number
}

export const layer = (options: Options = {}): EffectLayer.Layer<LayerCache, never, LayerStore> =>
  EffectLayer.effect(LayerCache, make(options.bytesMax ?? warmLayersBytesMax))

/** Backends find their layers in the cache. */
export const layerSource: EffectLayer.Layer<LayerSource, never, LayerCache> = EffectLayer.effect(
  LayerSource,
  Effect.map(LayerCache, ({ get }) => ({ get }))
)

type LoadError = LayerUnknown | WeightsDamaged

const make = Effect.fnUntraced(function* (bytesMax: number) {
  const store = yield* LayerStore
  const scope = yield* Effect.scope
  const places = yield* Semaphore.make(layerLoadsMax)
  /** The least recently used first. */
  const warm = new Map<ContentId, { readonly layer: Layer.Layer; readonly bytes: number }>()
  const loading = new Map<ContentId, Deferred.Deferred<Layer.Layer, LoadError>>()
  const counters = { hits: 0, loads: 0, evictions: 0, bytes: 0 }

  const drop = (contentId: ContentId): boolean => {
    counters.bytes -= warm.get(contentId)?.bytes ?? 0
    return warm.delete(contentId)
  }
  const keep = (contentId: ContentId, layer: Layer.Layer) => {
    const bytes = layer.targets.reduce((sum, { a, b }) => sum + a.bytes.length + b.bytes.length, 0)
    // One that is larger than all the room is used and not kept.
    if (bytes > bytesMax) return
    warm.set(contentId, { layer, bytes })
    counters.bytes += bytes
    for (const oldest of warm.keys()) {
      if (counters.bytes <= bytesMax) break
      drop(oldest)
      counters.evictions++
    }
  }
  /** Begins to load, in the scope of the cache: when the first who wants it is interrupted, the others still get it. */
  const begin = (contentId: ContentId) => {
    const deferred = Deferred.makeUnsafe<Layer.Layer, LoadError>()
    loading.set(contentId, deferred)
    const load = store.get(contentId).pipe(
      Effect.map(({ layer }) => layer),
      places.withPermit,
      Effect.onExit((exit) =>
        Effect.sync(() => {
          loading.delete(contentId)
          if (Exit.isSuccess(exit)) {
            counters.loads++
            keep(contentId, exit.value)
          }
          Deferred.doneUnsafe(deferred, exit)
        })
      )
    )
    return Effect.andThen(Effect.forkIn(load, scope), Deferred.await(deferred))
  }

  return LayerCache.of({
    get: (contentId) =>
      Effect.suspend(() => {
        const found = warm.get(contentId)
        if (found === undefined) {
          const same = loading.get(contentId)
          return same === undefined ? begin(contentId) : Deferred.await(same)
        }
        counters.hits++
        warm.delete(contentId)
        warm.set(contentId, found)
        return Effect.succeed(found.layer)
      }),
    isWarm: (contentId) => warm.has(contentId),
    evict: drop,
    counters: () => ({ ...counters })
  })
})
