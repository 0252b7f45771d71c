/**
 * What a handler can do besides returning a state: reach other actors, supervise children, watch and link, publish and subscribe,
 * set timers, put a message off, end.
 */
import type { Duration } from "effect"
import type { Actor, MessageTypes } from "./Actor.ts"
import type { SpawnOptions } from "./ActorOptions.ts"
import type { PromiseRef } from "./ActorRef.ts"
import type { Topic } from "./Topic.ts"

/** When a timer goes off: once after a duration, or again and again, at least 1 ms apart. */
export type TimerOptions =
  | { readonly after: Duration.Input; readonly every?: undefined }
  | { readonly every: Duration.Input; readonly after?: undefined }

/** When a reminder is due: at a time (milliseconds since the epoch, or a Date), after a duration, or again and again, at least 1 s apart. */
export type ReminderOptions =
  | { readonly at: number | Date; readonly after?: undefined; readonly every?: undefined }
  | { readonly after: Duration.Input; readonly at?: undefined; readonly every?: undefined }
  | { readonly every: Duration.Input; readonly at?: undefined; readonly after?: undefined }

/** What the handler of a reminder's message may want to know of it. */
export interface ReminderInfo {
  /** The same whenever this reminder is handled again because a crash came between: for what must happen once elsewhere. */
  readonly id: string
  readonly key: string
  /** When it was due: milliseconds since the epoch. */
  readonly dueMs: number
}

/** What a handler gets besides state and payload. Valid while the message is handled. */
export interface ActorContext {
  /** Canonical text of the actor's address. */
  readonly address: string
  /** The name in the address. */
  readonly name: string
  readonly messageName: string
  /** Aborted when the asker gives up or the actor is restarted or stopped; for `fetch` and its like. */
  readonly signal: AbortSignal
  /**
   * Another actor, for handlers that are async functions: its methods return Promises, its asks know who waits for
   * whom (`AskCycle`), and its tells leave once this actor's new state is stored. Handlers that return Effects use
   * the service `ActorSystem` instead, which knows the same.
   */
  readonly ref: <Kind extends string, State, M extends MessageTypes>(
    actor: Actor<Kind, State, M, never>,
    name: string
  ) => PromiseRef<M>
  /** The same for an actor of any realm, by the text of its address. Throws as `ActorSystem.at` does. */
  readonly at: <Kind extends string, State, M extends MessageTypes>(
    actor: Actor<Kind, State, M, never>,
    address: string
  ) => PromiseRef<M>
  /**
   * Starts an actor of this node as a child of this one, which supervises it from now on: it restarts as the parent's `children`
   * and its own `supervision` say, and stops when the parent stops or restarts. One that is its child already stays as it is.
   * Without a name it is always a new one, as of `ActorSystem.spawn`. Throws `TypeError` when it has another parent, `RangeError` beyond `Limits.childrenMax`, `ActorStopped` when there is no room, `AddressUnknown` for a name that its type does not accept.
   */
  readonly spawn: <Kind extends string, State, M extends MessageTypes>(
    actor: Actor<Kind, State, M, never>,
    nameOrOptions?: string | SpawnOptions<State>
  ) => PromiseRef<M>
  /**
   * Sends this actor the message `messageName`, with a `Terminated`, once the actor at `address` has stopped for good; at once if
   * it has. Lasts until then or until this actor restarts. Throws `AddressMalformed`, `TypeError` for an address that is not of
   * this node or a message that this actor does not handle, `RangeError` beyond `Limits.watchedMax`.
   */
  readonly watch: (address: string, messageName: string) => void
  readonly unwatch: (address: string) => void
  /** From now on, until one of them restarts or stops, a failure of either actor is a failure of both. Throws as `watch` does. */
  readonly link: (address: string) => void
  /** Tells all subscribers of a topic in this process; in a durable actor once its new state is stored, and else not at all. */
  readonly publish: <Event>(topic: Topic<Event>, event: Event) => void
  /**
   * Sends this actor the message `messageName` with each event of a topic, until it unsubscribes, restarts, stops or ends. An actor
   * that subscribes stays in memory. Throws `TypeError` for a message that it does not handle, `RangeError` beyond
   * `Limits.subscriptionsMax`.
   */
  readonly subscribe: <Event>(topic: Topic<Event>, messageName: string) => void
  readonly unsubscribe: <Event>(topic: Topic<Event>) => void
  /**
   * Sends this actor the message `messageName`, once or again and again, until the timer of this key is set anew or cancelled, or
   * the actor restarts, stops or ends. An actor that has timers stays in memory. Throws `TypeError` for a message that it does not
   * handle, `RangeError` for a duration that is not finite or a period below 1 ms, and beyond `Limits.timersMax`.
   */
  readonly setTimer: (key: string, when: TimerOptions, messageName: string, payload?: unknown) => void
  readonly cancelTimer: (key: string) => void
  /**
   * Sends this actor the message `messageName` when the reminder of this key is due, though the process was killed meanwhile or the
   * actor left memory. It is stored with the state that this handler makes, in place of an earlier one of its key; one that has the same
   * period, message and payload goes on in its rhythm. It is handled at least once: again, with the same id, when the actor crashed or
   * its state was refused before the handling was stored. What was missed is due once. Throws `TypeError` in an actor that is not
   * durable or is lent to this node, in a reentrant handler, for a message that it does not handle and a payload that cannot be stored;
   * `RangeError` for a time that is not finite, a period below `Limits.reminderEveryMsMin`, a key of more than
   * `Limits.reminderKeyCharactersMax` characters, and beyond `Limits.remindersMax`.
   */
  readonly setReminder: (key: string, when: ReminderOptions, messageName: string, payload?: unknown) => void
  /** Once this handler's state is stored. */
  readonly cancelReminder: (key: string) => void
  /** The reminder that the message in hand is; undefined when it is none. */
  readonly reminder: ReminderInfo | undefined
  /**
   * Sets the message in hand aside, with its asker, who goes on waiting; what the handler returns is the new state and no reply.
   * `unstash` brings it back. Throws `RangeError` when as many are set aside as may wait in the mailbox, `TypeError` in a
   * reentrant handler and in `start`. What is set aside when the actor restarts or ends is handled in its next life; when it
   * stops, it is refused. An actor that set something aside stays in memory.
   */
  readonly stash: () => void
  /** What was set aside is handled next, in the order it came, after urgent messages and before all others. */
  readonly unstash: () => void
  /**
   * Ends this actor once the message is handled and what it did is stored: it leaves memory, and the next message begins a new
   * life. A child is restarted if it is permanent, and otherwise leaves its parent.
   */
  readonly end: () => void
}
