/**
 * Collects the uses of layers and tells them together, so that the write of one answer's use is not in the way of the
 * next answer. What was collected is told after `usesKeptMs` at the latest, when somebody asks, and when the scope closes;
 * a process that is killed loses it.
 */
import type { ContentId } from "@continuum/core/ContentId"
import { Effect, type Scope } from "effect"
import { usesKeptMs } from "./Limits.ts"

export interface Uses {
  readonly uses: number
  /** Of these, the ones that were not good. */
  readonly failures: number
}

export interface LayerUses {
  /** Counts an answer that the layer took part in. */
  readonly add: (contentId: ContentId, success: boolean) => Effect.Effect<void>
  /** Tells now what was not told yet. */
  readonly flush: Effect.Effect<void>
}

/** `tell`: must not fail; what it cannot deliver is lost. */
export const make = Effect.fnUntraced(function* (
  tell: (contentId: ContentId, uses: Uses) => Effect.Effect<unknown>
): Effect.fn.Return<LayerUses, never, Scope.Scope> {
  const scope = yield* Effect.scope
  // As many as there are layers, at most.
  const waiting = new Map<ContentId, Uses>()
  const flush = Effect.suspend(() => {
    const all = [...waiting]
    waiting.clear()
    return Effect.forEach(all, ([contentId, uses]) => tell(contentId, uses), { discard: true })
  })
  yield* Effect.addFinalizer(() => flush)
  const add = (contentId: ContentId, success: boolean) =>
    Effect.suspend(() => {
      const isFirst = waiting.size === 0
      const { failures, uses } = waiting.get(contentId) ?? { uses: 0, failures: 0 }
      waiting.set(contentId, { uses: uses + 1, failures: failures + (success ? 0 : 1) })
      return isFirst
        ? Effect.asVoid(Effect.forkIn(Effect.andThen(Effect.sleep(usesKeptMs), flush), scope))
        : Effect.void
    })
  return { add, flush }
})
