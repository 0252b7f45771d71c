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
