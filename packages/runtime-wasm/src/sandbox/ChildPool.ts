/**
 * A few sandbox children that share a queue. A child serves one request at a time and is kept for the next one; one
 * that dies is replaced in the background, so that the next request does not pay for the start of a process.
 *
 * Guarantees: never more than `size` requests run, never more than `queueCapacity` wait, none waits longer than
 * `queueWaitMsMax`; a cancelled request kills its child; closing the scope kills them all. It does not retry: whether a
 * request may run twice is for the caller to say.
 */
import { Clock, Deferred, Effect, type Scope, Semaphore } from "effect"
import { queueWaitMsMax } from "../Limits.ts"
import { ChildDied, type ChildError, PoolBusy } from "./ChildError.ts"
import * as ChildProcess from "./ChildProcess.ts"
import type { Reaper } from "./ReaperProcess.ts"

export interface Options {
  readonly reaper: Reaper
  readonly role: ChildProcess.Options["role"]
  readonly preload: boolean
  /** Requests that run at the same time. */
  readonly size: number
  /** Children that are started ahead and kept when idle. */
  readonly warm: number
  /** Requests that may wait for a child. */
  readonly queueCapacity: number
  /** A child beyond `warm` that had nothing to do for so long is stopped. */
  readonly idleMs: number
  /** Resident bytes of one child. */
  readonly memoryBytesMax: number
  /** What is said to each child first. It is ready after that. */
  readonly greet: (child: ChildProcess.Child) => Effect.Effect<void, ChildError>
}

export interface ChildPool {
  /** Sends a message to a free child and waits for its answer, at most `timeoutMs` once the child has it. */
  readonly request: (message: unknown, timeoutMs: number) => Effect.Effect<unknown, ChildError>
  /** Process ids of the living children. */
  readonly pids: () => ReadonlyArray<number>
}

const stopping = new ChildDied({ reason: "the node is stopping" })

/** Starts the warm children in the background and gives the pool. */
export const make = Effect.fnUntraced(function* (options: Options): Effect.fn.Return<ChildPool, never, Scope.Scope> {
  const scope = yield* Effect.scope
  const places = yield* Semaphore.make(options.size)
  const children = new Set<ChildProcess.Child>()
  /** Ready and free, the longest idle first. */
  const idle: Array<{ readonly child: ChildProcess.Child; readonly sinceMs: number }> = []
  /** Requests that wait for a child that is being started. */
  const wanted: Array<Deferred.Deferred<ChildProcess.Child, ChildError>> = []
  let starting = 0
  let waiting = 0
  let closed = false

  yield* Effect.addFinalizer(() => {
    closed = true
    for (const next of wanted.splice(0)) Deferred.doneUnsafe(next, Effect.fail(stopping))
    return Effect.forEach([...children], (child) => child.close, { concurrency: "unbounded", discard: true })
  })

  /** Starts a child. It counts as `starting` from now on, not from when the effect runs. */
  const start = (): Effect.Effect<ChildProcess.Child, ChildError> => {
    starting++
    let child: ChildProcess.Child | undefined
    const onExit = () => {
      if (child !== undefined) children.delete(child)
      const index = idle.findIndex((entry) => entry.child === child)
      if (index >= 0) idle.splice(index, 1)
    }
    return Effect.suspend(() => (closed ? Effect.fail(stopping) : ChildProcess.start({ ...options, onExit }))).pipe(
      Effect.tap((started) => {
        child = started
        children.add(started)
        return closed ? Effect.andThen(started.close, Effect.fail(stopping)) : options.greet(started)
      }),
      Effect.ensuring(Effect.sync(() => void starting--))
    )
  }

  /** An idle child, or else one that is just being started, or else a new one. */
  const acquire: Effect.Effect<ChildProcess.Child, ChildError> = Effect.suspend(() => {
    const child = idle.pop()?.child
    if (child !== undefined) return Effect.succeed(child)
    if (starting <= wanted.length) return start()
    const next = Deferred.makeUnsafe<ChildProcess.Child, ChildError>()
    wanted.push(next)
    return Deferred.await(next)
  })

  const release = (child: ChildProcess.Child) =>
    Effect.map(Clock.currentTimeMillis, (sinceMs) => {
      if (!child.isAlive()) return
      const next = wanted.shift()
      if (next === undefined) idle.push({ child, sinceMs })
      else Deferred.doneUnsafe(next, Effect.succeed(child))
    })

  /** Starts a child in the background while fewer than `warm` are idle, though never more than could be busy at once. */
  const replenish: Effect.Effect<void> = Effect.suspend(() => {
    if (closed || idle.length + starting >= options.warm || children.size >= options.size) return Effect.void
    return Effect.matchEffect(start(), {
      onSuccess: (child) => Effect.andThen(release(child), replenish),
      onFailure: (error) => {
        const next = wanted.shift()
        if (next !== undefined) Deferred.doneUnsafe(next, Effect.fail(error))
        // Nobody waits: the next request will try again and report it.
        return closed || next !== undefined
          ? Effect.void
          : Effect.logWarning("A sandbox child did not start", error.message)
      }
    }).pipe(Effect.forkIn(scope), Effect.asVoid)
  })

  const stopIdle = Effect.gen(function* () {
    const nowMs = yield* Clock.currentTimeMillis
    const spare = idle.slice(0, Math.max(0, idle.length - options.warm))
    for (const { child, sinceMs } of spare) if (nowMs - sinceMs >= options.idleMs) yield* child.close
  })

  const takePlace = Effect.suspend(() => {
    if (waiting >= options.queueCapacity) return Effect.fail(new PoolBusy({ waiting }))
    waiting++
    return places.take(1).pipe(
      Effect.timeoutOrElse({
        duration: queueWaitMsMax,
        orElse: () => Effect.suspend(() => Effect.fail(new PoolBusy({ waiting })))
      }),
      Effect.ensuring(Effect.sync(() => void waiting--))
    )
  })

  yield* replenish
  yield* stopIdle.pipe(Effect.delay(options.idleMs), Effect.forever, Effect.forkScoped)

  return {
    pids: () => [...children].map((child) => child.pid),
    request: (message, timeoutMs) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.andThen(
          restore(takePlace),
          Effect.acquireUseRelease(
            acquire,
            (child) => Effect.andThen(replenish, restore(child.request(message, timeoutMs))),
            (child) => Effect.andThen(release(child), replenish)
          ).pipe(Effect.ensuring(places.release(1)))
        )
      )
  }
})
