/**
 * Peers that sent something false, for a while: nothing is fetched from them. Their connections stay, because a damaged
 * copy is no reason to refuse their messages.
 */
import type { PublicKey } from "@continuum/core/Identity"
import { Clock, Effect } from "effect"
import { contentLiarMs, contentLiarsMax } from "../Limits.ts"

export interface Liars {
  readonly add: (peer: PublicKey) => Effect.Effect<void>
  readonly has: (peer: PublicKey) => Effect.Effect<boolean>
}

export const make = (): Liars => {
  /** Until when, the first to end first. */
  const untilMs = new Map<PublicKey, number>()
  return {
    add: (peer) =>
      Effect.map(Clock.currentTimeMillis, (nowMs) => {
        untilMs.delete(peer)
        untilMs.set(peer, nowMs + contentLiarMs)
        for (const oldest of untilMs.keys()) {
          if (untilMs.size <= contentLiarsMax) return
          untilMs.delete(oldest)
        }
      }),
    has: (peer) => Effect.map(Clock.currentTimeMillis, (nowMs) => (untilMs.get(peer) ?? 0) > nowMs)
  }
}
