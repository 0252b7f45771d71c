/**
 * A scenario: what an actor does for whoever asks it by its address, as plain data that is the same wherever the actor lives.
 */
import { Cause, Effect, Exit, Schema } from "effect"
import { ActorSystem } from "../../ActorSystem.ts"

/** An expected error with data. */
export class TooMuch extends Schema.TaggedError<TooMuch>()("TooMuch", { limit: Schema.Number }) {}

/** Where the asked actors are. */
export interface Place {
  /** The realm of the asked system, as addresses name it: `local`, a key or a petname. */
  readonly realm: string
  /** The realm of the asking system, as the asked one names it. */
  readonly back: string
  /** Distinguishes runs against the same system: part of every name. */
  readonly run: string
}

export interface Scenario {
  /** A sentence about behaviour. */
  readonly name: string
  /** What is seen, as plain data. */
  readonly see: (place: Place) => Effect.Effect<unknown, unknown, ActorSystem>
  /** What must be seen, wherever the actor lives. */
  readonly expected: unknown
}

/** How an effect ended, without what differs from place to place. */
export const endOf = <A, E, R>({ run }: Place, effect: Effect.Effect<A, E, R>): Effect.Effect<unknown, never, R> =>
  Effect.map(Effect.exit(effect), (exit) => {
    const seen = Exit.isSuccess(exit) ? { value: exit.value } : { error: Cause.squash(exit.cause) }
    // By way of JSON, in which an error is its fields.
    const text = JSON.stringify(seen)
    return JSON.parse(
      text.replaceAll(/continuum:\/\/[a-z0-9-]+\//g, "continuum://<realm>/").replaceAll(`/${run}-`, "/")
    )
  })

export const scenario = (
  name: string,
  expected: unknown,
  see: (place: Place, system: ActorSystem["Service"]) => Effect.Effect<unknown, unknown, ActorSystem>
): Scenario => ({ name, expected, see: (place) => Effect.flatMap(ActorSystem, (system) => see(place, system)) })
