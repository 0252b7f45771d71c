/**
 * An engine process and its replacement: started when it is needed, watched while it works, and started again after its
 * end. What was in it when it ended is told so; whether to repeat is for the caller to say.
 */
import type { ContentId } from "@continuum/core/ContentId"
import { Deferred, Effect, Exit, Scope, Semaphore } from "effect"
import { engineLayersMax, engineStartMsMax } from "../Limits.ts"
import { BackendFailed, WeightsDamaged } from "./BackendError.ts"
import * as ChildOnnxRuntime from "./ChildOnnxRuntime.ts"
import type { FromEngine, ToEngine } from "./EngineProtocol.ts"
import * as EngineWatch from "./EngineWatch.ts"

export type OpenMessage = Extract<ToEngine, { readonly _tag: "Open" }>
export type StartMessage = Extract<ToEngine, { readonly _tag: "Start" }>

/** Who wants to know about a request in the engine. The last call is `onEnd` or `onGone`. */
export interface Listener {
  readonly onStart: (cachedTokens: number) => void
  readonly onToken: (token: number) => void
  readonly onEnd: (reason: "stop" | "length") => void
  readonly onGone: (error: BackendFailed) => void
}

/** One process. */
export interface Engine {
  readonly pid: number
  readonly isGone: () => boolean
  /** Content ids of the layers that it holds, the least recently used first. */
  readonly layers: Set<ContentId>
  readonly load: (message: Extract<ToEngine, { readonly _tag: "Load" }>) => void
  readonly unload: (contentId: ContentId) => void
  /** Its layers must be loaded. */
  readonly start: (message: StartMessage, listener: Listener) => void
  /** Ends the work for a request; its listener is not called any more. */
  readonly cancel: (id: number) => void
}

/** Gives the engine, a new one when there is none. Its processes end with the scope. */
export const make = Effect.fnUntraced(function* (
  open: OpenMessage
): Effect.fn.Return<Effect.Effect<Engine, BackendFailed | WeightsDamaged>, never, Scope.Scope> {
  const scope = yield* Effect.scope
  const one = yield* Semaphore.make(1)
  let current: Engine | undefined
  const here = () => (current !== undefined && !current.isGone() ? Effect.succeed(current) : undefined)
  const start = Effect.suspend(
    () => here() ?? Effect.tap(startIn(scope, open), (engine) => Effect.sync(() => void (current = engine)))
  ).pipe(one.withPermit)
  // Only those that find none wait for each other.
  return Effect.suspend(() => here() ?? start)
})

const startIn = Effect.fnUntraced(function* (
  parent: Scope.Scope,
  open: OpenMessage
): Effect.fn.Return<Engine, BackendFailed | WeightsDamaged> {
  const scope = yield* Scope.fork(parent)
  const ready = yield* Deferred.make<void, BackendFailed | WeightsDamaged>()
  const listeners = new Map<number, Listener>()
  const layers = new Set<ContentId>()
  let gone = false
  const watch = EngineWatch.make(() => listeners.size > 0)

  const onMessage = (message: FromEngine) => {
    watch.heard()
    if (message._tag === "Ready") return void Deferred.doneUnsafe(ready, Effect.void)
    if (message._tag === "Damaged") {
      const { _tag, ...what } = message
      return void Deferred.doneUnsafe(ready, Effect.fail(new WeightsDamaged(what)))
    }
    if (message._tag === "Started") {
      watch.begun(message.id)
      return listeners.get(message.id)?.onStart(message.cachedTokens)
    }
    for (const [id, token] of message.tokens) listeners.get(id)?.onToken(token)
    for (const [id, reason] of message.ends) {
      const listener = listeners.get(id)
      listeners.delete(id)
      listener?.onEnd(reason)
    }
  }
  const onExit = (reason: string) => {
    gone = true
    const error = new BackendFailed({ reason })
    Deferred.doneUnsafe(ready, Effect.fail(error))
    const waiting = [...listeners.values()]
    listeners.clear()
    for (const listener of waiting) listener.onGone(error)
  }
  const start = Effect.gen(function* () {
    const child = yield* ChildOnnxRuntime.start({
      entry: new URL("./EngineOnnxRuntime.entry.ts", import.meta.url),
      onMessage: (message) => onMessage(message as FromEngine),
      onExit: ({ reason }) => onExit(reason)
    }).pipe(Effect.mapError(({ reason }) => new BackendFailed({ reason })))
    const send = (message: ToEngine) => child.send(message)
    send(open)
    yield* Deferred.await(ready).pipe(
      Effect.timeoutOrElse({
        duration: engineStartMsMax,
        orElse: () => Effect.fail(new BackendFailed({ reason: `it was not ready after ${engineStartMsMax} ms` }))
      })
    )
    yield* Effect.forkScoped(Effect.andThen(watch.silence, Effect.sync(child.kill)))
    return { child, send }
  })
  const { child, send } = yield* start.pipe(
    Scope.provide(scope),
    Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
  )
  const unload = (contentId: ContentId) => {
    if (layers.delete(contentId)) send({ _tag: "Unload", contentId })
  }
  return {
    pid: child.pid,
    isGone: () => gone,
    layers,
    load: (message) => {
      send(message)
      layers.add(message.contentId)
      for (const oldest of layers) {
        if (layers.size <= engineLayersMax) break
        unload(oldest)
      }
    },
    unload,
    start: (message, listener) => {
      if (gone) return listener.onGone(new BackendFailed({ reason: "it is gone" }))
      for (const { contentId } of message.layers) {
        layers.delete(contentId)
        layers.add(contentId)
      }
      listeners.set(message.id, listener)
      watch.asked(message.id)
      send(message)
    },
    cancel: (id) => {
      if (listeners.delete(id)) send({ _tag: "Cancel", id })
    }
  }
})
