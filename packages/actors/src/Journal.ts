/**
 * Actors whose states are made of events. A handler returns `emit(event)` in place of a new state; `apply` makes the next state of
 * the present one and the event. Stored are the events, each once, and now and then a snapshot of the state.
 *
 * `apply` must be a pure function: it runs again, over the stored events, whenever the actor comes back.
 */
import { Schema } from "effect"
import * as Limits from "./Limits.ts"
import type { Options as ValueOptions } from "./StoredValue.ts"
import * as Versions from "./Versions.ts"

/** What happened, and the reply. Made by `emit`. */
export class Emit<out Event, out Value> {
  readonly events: ReadonlyArray<Event>
  /** The reply, made of the state after the events. */
  readonly replyOf: (state: any) => Value
  constructor(events: ReadonlyArray<Event>, replyOf: (state: any) => Value) {
    this.events = events
    this.replyOf = replyOf
  }
}

/**
 * What a handler of an actor with a journal returns: one event or several, in order, and the reply. Without a reply it is
 * `undefined`; a function makes the reply of the state after the events.
 */
export const emit: {
  <Event>(events: Event | ReadonlyArray<Event>): Emit<Event, void>
  <Event, State, Value>(events: Event | ReadonlyArray<Event>, reply: (state: State) => Value): Emit<Event, Value>
  <Event, Value>(events: Event | ReadonlyArray<Event>, reply: Value): Emit<Event, Value>
} = (events: unknown, reply?: unknown) =>
  new Emit<any, any>(
    Array.isArray(events) ? events : [events],
    typeof reply === "function" ? (reply as (state: any) => unknown) : () => reply
  )

export interface Options<State, Event> {
  /** The state after an event. Pure, at once, and without a throw: one that throws is a crash of the handler. */
  readonly apply: (state: State, event: Event) => State
  /** Events between two snapshots, 1 to `Limits.snapshotEveryMax`: at most so many are replayed. Default `Limits.snapshotEvery`. */
  readonly snapshotEvery?: number
  /** Events before the last snapshot that are kept for reading; `Infinity`: all. Default 0. */
  readonly keep?: number
  /** Schema of the events, for events that are not plain data. What is stored is its JSON form. */
  readonly schema?: Schema.Codec<Event, any>
  /** Version of the events. Default 1. */
  readonly version?: number
  /** For each older version of an event, what makes the next of it. */
  readonly migrations?: Versions.Migrations
}

/** A journal as the kernel uses it. */
export interface Journal {
  readonly apply: (state: any, event: any) => unknown
  readonly snapshotEvery: number
  readonly keep: number
  readonly events: ValueOptions
}

/** Throws `RangeError` for options out of range. */
export const make = (options: Options<any, any>): Journal => {
  const { apply, keep = 0, migrations, schema, snapshotEvery = Limits.snapshotEvery, version } = options
  if (!Number.isInteger(snapshotEvery) || snapshotEvery < 1 || snapshotEvery > Limits.snapshotEveryMax)
    throw new RangeError(`snapshotEvery must be a whole number from 1 to ${Limits.snapshotEveryMax}`)
  if (!(keep >= 0) || (Number.isFinite(keep) && !Number.isInteger(keep)))
    throw new RangeError("keep must be a whole number of events, or Infinity")
  return {
    apply,
    snapshotEvery,
    keep,
    events: {
      what: "event",
      schema: schema === undefined ? undefined : (Schema.toCodecJson(schema) as Schema.Codec<any, any>),
      versions: Versions.make(version, migrations),
      bytesMax: Limits.eventBytesMax,
      framed: true
    }
  }
}
