/**
 * Those who wait for the same thing, by what it is named: the first one begins it, all hear what came of it, and when the last one
 * has stopped waiting it is given up.
 */
import { Effect } from "effect"

export class Waiters<K, A, E> {
  private readonly waiting: Map<K, Set<(result: Effect.Effect<A, E>) => void>>

  constructor() {
    this.waiting = new Map()
  }

  /** What is waited for. */
  names(): Iterable<K> {
    return this.waiting.keys()
  }

  /** Waits. `begin` is called for the first who does, `giveUp` when nobody does any more and nothing came of it. */
  wait(name: K, begin: () => void, giveUp: () => void = () => {}): Effect.Effect<A, E> {
    return Effect.callback((resume) => {
      const all = this.waiting.get(name) ?? new Set()
      all.add(resume)
      if (all.size === 1) {
        this.waiting.set(name, all)
        begin()
      }
      return Effect.sync(() => {
        all.delete(resume)
        if (all.size > 0 || this.waiting.get(name) !== all) return
        this.waiting.delete(name)
        giveUp()
      })
    })
  }

  /** Tells all who wait. */
  settle(name: K, result: Effect.Effect<A, E>): void {
    const all = this.waiting.get(name)
    this.waiting.delete(name)
    for (const resume of all ?? []) resume(result)
  }
}
