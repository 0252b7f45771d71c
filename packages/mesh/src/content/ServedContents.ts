/**
 * Contents that this node is asked for, with their outlines, kept in memory while peers fetch them.
 *
 * A content is read whole, because the store verifies it whole: what is served has just been checked, and a damaged copy
 * is found by its owner and not by the peer. One is read at a time, the least recently used are forgotten.
 */
import type { ContentId } from "@continuum/core/ContentId"
import { type ContentCorrupt, ContentStore, type ContentUnknown } from "@continuum/core/ContentStore"
import { Effect, Schema, Semaphore } from "effect"
import { contentLoadsWaitingMax, contentServedBytesMax } from "../Limits.ts"
import { type Outline, outlining } from "./VerifiedStream.ts"

/** Too many requests wait for contents to be read. */
export class ContentBusy extends Schema.TaggedError<ContentBusy>()("ContentBusy", {}) {
  override get message() {
    return `More than ${contentLoadsWaitingMax} requests wait for content: ask again in a moment`
  }
}

export interface ServedContent {
  readonly content: Uint8Array
  readonly outline: Outline
}

export interface ServedContents {
  readonly get: (id: ContentId) => Effect.Effect<ServedContent, ContentUnknown | ContentCorrupt | ContentBusy>
}

/** Groups that are hashed before others get their turn: 2 ms on Bun. */
const groupsATurn = 4

export const make: Effect.Effect<ServedContents, never, ContentStore> = Effect.gen(function* () {
  const store = yield* ContentStore
  const reading = yield* Semaphore.make(1)
  /** The least recently used first. */
  const kept = new Map<ContentId, ServedContent>()
  let bytes = 0
  let waiting = 0

  const use = (id: ContentId): ServedContent | undefined => {
    const served = kept.get(id)
    if (served === undefined) return undefined
    kept.delete(id)
    kept.set(id, served)
    return served
  }

  const keep = (id: ContentId, served: ServedContent): void => {
    kept.set(id, served)
    bytes += served.content.length
    for (const [oldest, { content }] of kept) {
      if (bytes <= contentServedBytesMax) return
      kept.delete(oldest)
      bytes -= content.length
    }
  }

  const read = Effect.fnUntraced(function* (id: ContentId) {
    // Whoever waited in front may have wanted the same.
    const served = use(id)
    if (served !== undefined) return served
    const content = yield* store.get(id)
    const steps = outlining(content)
    for (let group = 1; ; group++) {
      const step = steps.next()
      if (step.done === true) {
        const read = { content, outline: step.value }
        keep(id, read)
        return read
      }
      if (group % groupsATurn === 0) yield* Effect.yieldNow
    }
  })

  return {
    get: Effect.fnUntraced(function* (id) {
      const served = use(id)
      if (served !== undefined) return served
      if (waiting >= contentLoadsWaitingMax) return yield* new ContentBusy()
      waiting++
      return yield* Effect.ensuring(
        reading.withPermit(read(id)),
        Effect.sync(() => void waiting--)
      )
    })
  }
})
