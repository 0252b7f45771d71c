/**
 * A backend that tells, at the end of each answer, which layers took part in it and whether it came to its end.
 */
import type { ContentId } from "@continuum/core/ContentId"
import { Effect, Exit, Stream } from "effect"
import { Backend } from "./Backend.ts"

/** The same backend. An answer that its client left is not told: it says nothing about its layers. */
export const make = (
  backend: Backend["Service"],
  onUsed: (contentId: ContentId, success: boolean) => Effect.Effect<unknown>
): Backend["Service"] =>
  Backend.of({
    ...backend,
    generate: (request) => {
      const contentIds = new Set((request.layers ?? []).map(({ contentId }) => contentId))
      return Stream.onExit(backend.generate(request), (exit) =>
        Exit.isFailure(exit) && Exit.hasInterrupts(exit)
          ? Effect.void
          : Effect.forEach(contentIds, (contentId) => onUsed(contentId, Exit.isSuccess(exit)), { discard: true })
      )
    }
  })
