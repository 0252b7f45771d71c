/**
 * What handlers are and what they return: the new state, which is also the reply; `reply(state, value)`, which separates the two; or
 * `emit(events)` of an actor with a journal. At once, as a Promise, or as an Effect.
 */
import type { Effect, Stream } from "effect"
import type { ActorContext } from "./ActorContext.ts"
import type { Emit } from "./Journal.ts"

/** A new state and a reply that differs from it. Made by `reply`. */
export class Reply<out State, out Value> {
  readonly state: State
  readonly value: Value
  constructor(state: State, value: Value) {
    this.state = state
    this.value = value
  }
}

/** What a handler returns when the reply is not the new state. Without a value the reply is `undefined`. */
export const reply: {
  <State>(state: State): Reply<State, void>
  <State, Value>(state: State, value: Value): Reply<State, Value>
} = <State, Value>(state: State, value?: Value) => new Reply(state, value as Value)

/** What a handler may return. */
export type Result<State, Event = never> =
  | Returned<State, Event>
  | PromiseLike<Returned<State, Event>>
  | Effect.Effect<Returned<State, Event>, unknown, any>
type Returned<State, Event> = State | Reply<State, unknown> | Emit<Event, unknown>

/** A handler. One that needs no payload leaves out the second parameter; a payload's type must be written down. */
export type Handler<State, Event = never> = (
  state: State,
  payload: never,
  context: ActorContext
) => Result<State, Event>

/** A handler whose reply is a stream. Made by `streaming`. */
export interface Streaming {
  readonly [StreamingId]: true
}

/** The key of the mark. */
export const StreamingId = "~@continuum/actors/Actor/streaming"

/**
 * Marks a handler of a plain object whose reply is a stream: `streaming((state: number, to: number) => reply(state, Stream.range(1, to)))`.
 * Its ref's method is a `Stream`, or an `AsyncIterable` for Promises. The mark is on a copy; the handler stays as it is.
 */
export const streaming = <State, Parameters extends ReadonlyArray<any>, T extends Streamed<State>>(
  handler: (state: State, ...parameters: Parameters) => T
): ((state: State, ...parameters: Parameters) => T) & Streaming =>
  Object.assign((state: State, ...parameters: Parameters) => handler(state, ...parameters), {
    [StreamingId]: true as const
  })

type Streamed<State> =
  | Reply<State, Stream.Stream<any, any, any>>
  | PromiseLike<Reply<State, Stream.Stream<any, any, any>>>
  | Effect.Effect<Reply<State, Stream.Stream<any, any, any>>, any, any>
