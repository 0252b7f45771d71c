/**
 * Wakes every fiber that waits for something to change. A change between looking and waiting is not missed: the waiter
 * says which version it looked at.
 */
import { Effect } from "effect"

export interface Signal {
  readonly version: () => number
  readonly notify: () => void
  /** Waits until the version is another than this one. */
  readonly changed: (since: number) => Effect.Effect<void>
}

export const make = (): Signal => {
  let version = 0
  const waiting = new Set<(wake: Effect.Effect<void>) => void>()
  return {
    version: () => version,
    notify: () => {
      version++
      // Who wakes may wait again before this ends.
      const woken = [...waiting]
      waiting.clear()
      for (const wake of woken) wake(Effect.void)
    },
    changed: (since) =>
      Effect.callback<void>((resume) => {
        if (version !== since) return resume(Effect.void)
        waiting.add(resume)
        return Effect.sync(() => void waiting.delete(resume))
      })
  }
}

/** Waits until the condition holds; looks at each change. */
export const until = (signal: Signal, condition: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => {
    const seen = signal.version()
    return condition() ? Effect.void : Effect.andThen(signal.changed(seen), until(signal, condition))
  })
