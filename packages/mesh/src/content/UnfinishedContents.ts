/**
 * What transfers left unfinished, kept in memory for a while, so that the next try goes on where the last one ended.
 * Every byte in it is verified. Nothing of it survives the process.
 */
import type { ContentId } from "@continuum/core/ContentId"
import { Clock, Effect } from "effect"
import { contentUnfinishedBytesMax, contentUnfinishedMs } from "../Limits.ts"
import type { Assembly } from "./VerifiedStream.ts"

export interface UnfinishedContents {
  /** Keeps it until it is taken, too old, or there is no room. */
  readonly keep: (assembly: Assembly) => Effect.Effect<void>
  readonly take: (id: ContentId) => Effect.Effect<Assembly | undefined>
  /** Forgets what is too old. */
  readonly expire: Effect.Effect<void>
}

export const make = (): UnfinishedContents => {
  /** The oldest first. */
  const kept = new Map<ContentId, { readonly assembly: Assembly; readonly untilMs: number }>()
  let bytes = 0

  const forget = (id: ContentId): Assembly | undefined => {
    const assembly = kept.get(id)?.assembly
    if (assembly !== undefined) bytes -= assembly.outline.length
    kept.delete(id)
    return assembly
  }

  const expire = Effect.map(Clock.currentTimeMillis, (nowMs) => {
    for (const [id, { untilMs }] of kept) if (untilMs <= nowMs || bytes > contentUnfinishedBytesMax) forget(id)
  })

  return {
    keep: (assembly) =>
      Effect.flatMap(Clock.currentTimeMillis, (nowMs) => {
        forget(assembly.id)
        kept.set(assembly.id, { assembly, untilMs: nowMs + contentUnfinishedMs })
        bytes += assembly.outline.length
        return expire
      }),
    take: (id) =>
      Effect.andThen(
        expire,
        Effect.sync(() => forget(id))
      ),
    expire
  }
}
