/**
 * Who may use a database file while it is being replaced by a smaller one: readers until the file is swapped, which is a moment;
 * writers not from when the copy begins, or it would miss what they write.
 */
import { Deferred, Effect, Semaphore } from "effect"
import type { StorageFailed } from "./ActorStorage.ts"

export interface Compacting {
  /** Runs a write, which may read as well, after the compaction if there is one. Not interruptible. */
  readonly write: <A, E>(write: Effect.Effect<A, E>) => Effect.Effect<A, E>
  /** Runs a read, after the swap if there is one. */
  readonly read: <A, E>(read: Effect.Effect<A, E>) => Effect.Effect<A, E>
  /** Copies while only readers go on, then swaps while nobody does. One at a time. */
  readonly run: <Copy, A>(
    copy: Effect.Effect<Copy, StorageFailed>,
    swap: (copy: Copy) => Effect.Effect<A, StorageFailed>
  ) => Effect.Effect<A, StorageFailed>
}

export const make: Effect.Effect<Compacting> = Effect.sync(() => {
  const writers = new Users()
  const readers = new Users()
  const turn = Semaphore.makeUnsafe(1)
  return {
    read: (effect) => readers.use(effect),
    write: (effect) => Effect.uninterruptible(writers.use(readers.use(effect))),
    run: (copy, swap) =>
      writers
        .without(Effect.flatMap(copy, (copy) => readers.without(swap(copy))))
        .pipe(turn.withPermits(1), Effect.uninterruptible)
  }
})

/** Those who use something, and those who wait until nobody may. */
class Users {
  private users = 0
  private closed: Deferred.Deferred<void> | undefined = undefined
  private idle: (() => void) | undefined = undefined

  use<A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> {
    return Effect.suspend(() => {
      if (this.closed !== undefined) return Effect.andThen(Deferred.await(this.closed), this.use(effect))
      this.users++
      return Effect.ensuring(
        effect,
        Effect.sync(() => {
          if (--this.users === 0) this.idle?.()
        })
      )
    })
  }

  /** Lets nobody begin any more, waits until all have ended, runs the effect, and lets them in again. */
  without<A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> {
    return Effect.suspend(() => {
      const closed = Deferred.makeUnsafe<void>()
      this.closed = closed
      const idle = Effect.callback<void>((resume) => {
        if (this.users === 0) return resume(Effect.void)
        this.idle = () => resume(Effect.void)
      })
      return Effect.ensuring(
        Effect.andThen(idle, effect),
        Effect.suspend(() => {
          this.closed = undefined
          this.idle = undefined
          return Deferred.succeed(closed, undefined)
        })
      )
    })
  }
}
