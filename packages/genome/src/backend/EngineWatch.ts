/**
 * Finds out when an engine that has something to do says nothing for too long: it hangs, and has to be replaced.
 *
 * A request is owed a word until the engine has begun it, also when its client has left meanwhile: otherwise clients who give up
 * soon, one after the other, would keep an engine that hangs.
 */
import { Effect } from "effect"
import { engineSilenceMsMax } from "../Limits.ts"

export interface EngineWatch {
  /** A request was sent. */
  readonly asked: (id: number) => void
  /** The engine said that it has begun a request. */
  readonly begun: (id: number) => void
  /** The engine said something. */
  readonly heard: () => void
  /** Returns when the engine owed a word for `engineSilenceMsMax` and said none; up to a quarter more. */
  readonly silence: Effect.Effect<void>
}

/** `isAwaited`: whether somebody waits for more of a request that was begun. */
export const make = (isAwaited: () => boolean): EngineWatch => {
  const notBegun = new Set<number>()
  let words = 0
  return {
    asked: (id) => void notBegun.add(id),
    begun: (id) => void notBegun.delete(id),
    heard: () => void words++,
    silence: Effect.gen(function* () {
      let before: number | undefined
      let same = 0
      while (same < parts) {
        yield* Effect.sleep(engineSilenceMsMax / parts)
        const now = notBegun.size > 0 || isAwaited() ? words : undefined
        same = now !== undefined && now === before ? same + 1 : 0
        before = now
      }
    })
  }
}

/** How often it looks in that time. */
const parts = 4
