/**
 * How a node stops. It is asked to from inside, by `down`: the program waits for `requested` and then closes its scope. Then its
 * doors close first: what is in progress has `gracefulStopMs` to come to its end, and says shortly before that it will not.
 */
import { Context, Deferred, Effect, Layer } from "effect"

/** What a request in progress gets when the node stops, in ms. */
export const gracefulStopMs = 2_000
/** Of these, what is left for the last words of an answer that does not end. */
const lastWordsMs = 500

export class Stop extends Context.Service<
  Stop,
  {
    readonly request: Effect.Effect<void>
    readonly requested: Effect.Effect<void>
    /** Says that the doors close from now on. */
    readonly closeDoors: Effect.Effect<void>
    /** Whether what is in progress should say its last words now: it will be cut off. */
    readonly isLate: () => boolean
  }
>()("@continuum/node/Stop") {}

export const layer = Layer.effect(
  Stop,
  Effect.gen(function* () {
    const requested = yield* Deferred.make<void>()
    let late = false
    const becomeLate = Effect.andThen(
      Effect.sleep(gracefulStopMs - lastWordsMs),
      Effect.sync(() => (late = true))
    )
    return {
      request: Effect.asVoid(Deferred.succeed(requested, undefined)),
      requested: Deferred.await(requested),
      closeDoors: Effect.asVoid(Effect.forkDetach(becomeLate)),
      isLate: () => late
    }
  })
)
