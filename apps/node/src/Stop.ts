/**
 * How a node is asked to stop from inside, by `down`: the program waits for `requested` and then closes its scope.
 */
import { Context, Deferred, Effect, Layer } from "effect"

export class Stop extends Context.Service<
  Stop,
  {
    readonly request: Effect.Effect<void>
    readonly requested: Effect.Effect<void>
  }
>()("@continuum/node/Stop") {}

export const layer = Layer.effect(
  Stop,
  Effect.gen(function* () {
    const deferred = yield* Deferred.make<void>()
    return { request: Effect.asVoid(Deferred.succeed(deferred, undefined)), requested: Deferred.await(deferred) }
  })
)
