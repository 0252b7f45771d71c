/**
 * The options of an actor's definition, and the numbers that they come to. Out of range they are refused when it is defined.
 */
import { Duration, type Effect, type Schema } from "effect"
import type { ActorContext } from "./ActorContext.ts"
import type { Result } from "./Handler.ts"
import type * as Journal from "./Journal.ts"
import * as Limits from "./Limits.ts"
import type * as SupervisionStrategy from "./SupervisionStrategy.ts"
import type * as Versions from "./Versions.ts"

/** What happens to a message that finds a mailbox full. */
export type Overflow = "fail" | "dropOldest" | "dropNewest" | "backpressure"

/** Options of a definition. `Event` are the events of its journal, `Name` the names of its messages. */
export interface Options<State = any, Event = any, Name extends string = string> {
  /** Whether the state is stored. Default: true in a system with storage. */
  readonly durable?: boolean
  /**
   * Who may send to it, of those that may send to actors here at all: nodes of its own realm, or those of others as well. An actor
   * without schemas always answers its own realm alone. Default `mesh`.
   */
  readonly exposed?: "realm" | "mesh"
  /**
   * When a reply may leave: once the state is safe from a power cut, or already when it is from a crash of this process.
   * Default `flushed`. How much sooner the second is depends on the storage: LMDB's two moments are close together.
   */
  readonly ack?: "flushed" | "committed"
  /** 0 to 255, higher first. Default 128. Weighs how many messages the actor handles in one turn. */
  readonly priority?: number
  /** 1 to `Limits.mailboxCapacityMax` messages. Default `Limits.mailboxCapacity`. */
  readonly mailboxCapacity?: number
  /**
   * `"durable"`: a tell is stored before its sender hears of it, and handled at least once, whatever crashes; what the handler of a
   * durable actor tells is of one transaction with its state. Only for durable actors whose `overflow` is `fail`. Default `"memory"`.
   */
  readonly mailbox?: "memory" | "durable"
  /**
   * Messages that are handled before all others that wait, in the order they came. They need room in the mailbox as all do.
   * Default: none.
   */
  readonly urgent?: ReadonlyArray<Name>
  /**
   * Messages that are handled at once, also while another one is: questions about the last state that was reached. Their handlers
   * must not change the state: one that does fails its asker with `ActorFailed`, and not the actor. At most `Limits.reentrantMax`
   * of them at a time. They never close a cycle of asks. Default: none.
   */
  readonly reentrant?: ReadonlyArray<Name>
  /**
   * What happens to a message that finds the mailbox full. `fail`: its sender gets `MailboxFull`. `dropOldest`: the oldest
   * that is not urgent makes room, or the oldest urgent one when all are. `dropNewest`: it is dropped itself; an ask gets
   * `MailboxFull`. `backpressure`: asks and tells of Effects wait for room, at most `Limits.sendersWaitingMax`; a tell that cannot
   * wait, of a PromiseRef, a durable handler or another node, gets `MailboxFull`. What is dropped is a dead letter. Default `fail`.
   */
  readonly overflow?: Overflow
  /** Default `SupervisionStrategy.actorDefault`. */
  readonly supervision?: SupervisionStrategy.Options
  /** What becomes of its children. Default: one_for_one, at most 10 restarts in a minute. */
  readonly children?: SupervisionStrategy.ChildrenOptions
  /** Handled at each start, before any message: the place to spawn children. Its result is the new state. */
  readonly start?: (state: State, context: ActorContext) => Result<State, Event>
  /** How long a handler in progress may take when this actor is stopped. Default `Limits.stopTimeoutMs`. */
  readonly stopTimeout?: Duration.Input
  /** How long an ask waits for its reply. Default `Limits.askTimeoutMs`; infinite durations are allowed. */
  readonly askTimeout?: Duration.Input
  /**
   * How long an actor is idle before it leaves memory; the next message brings it back with its stored state. At least 2 ms;
   * `"Infinity"`: it stays. Default `Limits.passivateAfterMs` if it is durable, and otherwise it stays, for its state would be lost.
   */
  readonly passivateAfter?: Duration.Input
  /** Schema of the state, for states that are not plain data. What is stored is its JSON form. */
  readonly schema?: Schema.Codec<State, any>
  /**
   * Version of the state, 1 to `Limits.versionMax`; a stored one that is older is migrated. An actor whose stored state is newer, or
   * whose migration throws, stays stopped and its record as it is. Default 1.
   */
  readonly version?: number
  /** By version: what makes a stored state (with a schema, its JSON form) of that version one of the next. */
  readonly migrations?: Versions.Migrations
  /** The actor's state is made of events, and these are stored: its handlers return `emit`. */
  readonly journal?: Journal.Options<State, Event>
  /** Whether an actor of this name exists. Without it every name does. A name that does not gets `AddressUnknown`. */
  readonly accepts?: (name: string) => boolean | Effect.Effect<boolean>
}

/** Options of an actor without a name. */
export interface SpawnOptions<State> {
  /** The state of its first life and after each restart. Default: that of its definition. */
  readonly state?: State
}

/** The options that are numbers, checked. */
export interface Numbers {
  readonly priority: number
  readonly mailboxCapacity: number
  readonly stopTimeoutMs: number
  readonly askTimeoutMs: number
  /** Undefined: the default of durable actors, and never for others. */
  readonly passivateAfterMs: number | undefined
}

/** Throws `RangeError` for one that is out of range. */
export const numbersOf = (options: Options): Numbers => ({
  priority: within("priority", options.priority ?? 128, 0, 255),
  mailboxCapacity: within(
    "mailboxCapacity",
    options.mailboxCapacity ?? Limits.mailboxCapacity,
    1,
    Limits.mailboxCapacityMax
  ),
  stopTimeoutMs: Duration.toMillis(Duration.fromInputUnsafe(options.stopTimeout ?? Limits.stopTimeoutMs)),
  askTimeoutMs: Duration.toMillis(Duration.fromInputUnsafe(options.askTimeout ?? Limits.askTimeoutMs)),
  passivateAfterMs: passivateAfterMs(options.passivateAfter)
})

const passivateAfterMs = (input: Duration.Input | undefined): number | undefined => {
  if (input === undefined) return undefined
  const ms = Duration.toMillis(Duration.fromInputUnsafe(input))
  if (ms >= 2) return ms
  throw new RangeError(`passivateAfter must be at least 2 ms, not ${ms} ms`)
}

const within = (name: string, value: number, minimum: number, maximum: number): number => {
  if (Number.isInteger(value) && value >= minimum && value <= maximum) return value
  throw new RangeError(`${name} must be a whole number from ${minimum} to ${maximum}, not ${value}`)
}
