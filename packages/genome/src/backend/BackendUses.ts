/**
 * Counts what a backend does with each layer: how many answers are computed with it now, and how earlier ones ended.
 */
import type { ContentId } from "@continuum/core/ContentId"
import { Effect, Exit, Stream } from "effect"
import { Backend } from "./Backend.ts"

/** Of one layer. */
export interface Uses {
  /** Answers that are being computed. */
  readonly active: number
  /** Answers that came to their end. */
  readonly succeeded: number
  /** Answers that ended in an error; one that its client left counts as neither. */
  readonly failed: number
}

const none: Uses = { active: 0, succeeded: 0, failed: 0 }

/** The same backend, and what it has done with a layer since. */
export const count = (
  backend: Backend["Service"]
): { readonly backend: Backend["Service"]; readonly usesOf: (contentId: ContentId) => Uses } => {
  const uses = new Map<ContentId, Uses>()
  const usesOf = (contentId: ContentId) => uses.get(contentId) ?? none
  const change = (contentIds: ReadonlyArray<ContentId>, by: (uses: Uses) => Partial<Uses>) =>
    Effect.sync(() => {
      for (const contentId of contentIds) uses.set(contentId, { ...usesOf(contentId), ...by(usesOf(contentId)) })
    })
  return {
    usesOf,
    backend: Backend.of({
      ...backend,
      generate: (request) => {
        const contentIds = [...new Set((request.layers ?? []).map(({ contentId }) => contentId))]
        return Stream.unwrap(
          Effect.as(
            change(contentIds, ({ active }) => ({ active: active + 1 })),
            backend.generate(request).pipe(
              Stream.onExit((exit) =>
                change(contentIds, ({ active, failed, succeeded }) => ({
                  active: active - 1,
                  succeeded: succeeded + (Exit.isSuccess(exit) ? 1 : 0),
                  failed: failed + (Exit.isFailure(exit) && !Exit.hasInterrupts(exit) ? 1 : 0)
                }))
              )
            )
          )
        )
      }
    })
  }
}
