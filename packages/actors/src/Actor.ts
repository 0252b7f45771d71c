/**
 * The definition of an actor type: a kind, an initial state, and a handler for each message.
 *
 * A handler takes the state and the payload and returns the new state, which is also the reply; `reply(state, value)`
 * separates the two. It may return it at once, as a Promise, or as an Effect. An Effect that fails with an error is an
 * expected failure: the asker gets the error, the state stays, nothing restarts. A throw, a rejected promise or a defect
 * is a crash: the asker gets `ActorFailed` and the supervisor restarts the actor from its committed state.
 *
 * A message may answer with a stream: `reply(state, stream)` of a handler that is marked by `streaming`, or of an rpc with
 * `stream: true`. It is handled when the handler returns; the stream then flows outside of the actor's turns (`ReplyStreams`).
 *
 * `actor` takes a plain object and no schemas; such actors are for their own realm. `fromRpcs` takes an `RpcGroup`,
 * whose schemas check what comes from outside and let the actor be called from other realms.
 */
import * as Address from "@continuum/core/Address"
import { Context, Duration, type Effect, Schema, type Stream } from "effect"
import { type Rpc, RpcSchema, type RpcGroup } from "effect/rpc"
import type { ActorContext } from "./ActorContext.ts"
import type { ActorSystem } from "./ActorSystem.ts"
import * as Journal from "./Journal.ts"
import * as Limits from "./Limits.ts"
import * as SupervisionStrategy from "./SupervisionStrategy.ts"
import * as Versions from "./Versions.ts"

export { emit } from "./Journal.ts"
export type { ActorContext, TimerOptions } from "./ActorContext.ts"

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

/** The end of an actor for good: it stopped, or ended by itself. */
export const Terminated = Schema.Struct({
  address: Schema.String,
  reason: Schema.String,
  /** Whether it ended by itself and without a failure. */
  normal: Schema.Boolean
})
export type Terminated = typeof Terminated.Type

/** What a handler may return. */
export type Result<State, Event = never> =
  | Returned<State, Event>
  | PromiseLike<Returned<State, Event>>
  | Effect.Effect<Returned<State, Event>, unknown, any>
type Returned<State, Event> = State | Reply<State, unknown> | Journal.Emit<Event, unknown>

/** A handler. One that needs no payload leaves out the second parameter; a payload's type must be written down. */
export type Handler<State, Event = never> = (
  state: State,
  payload: never,
  context: ActorContext
) => Result<State, Event>

/** The types of one message, as its sender sees them. With `Streams` the reply is a stream of such values. */
export interface MessageType<Payload = any, Value = any, Error = any, Streams extends boolean = false> {
  readonly payload: Payload
  readonly reply: Value
  readonly error: Error
  readonly streams: Streams
}

/** The types of all messages of an actor, by name. */
export type MessageTypes = { readonly [name: string]: MessageType<any, any, any, boolean> }

/** What happens to a message that finds a mailbox full. */
export type Overflow = "fail" | "dropOldest" | "dropNewest" | "backpressure"

/** Options of a definition. `Event` are the events of its journal, `Name` the names of its messages. */
export interface Options<State = any, Event = any, Name extends string = string> {
  /** Whether the state is stored. Default: true in a system with storage. */
  readonly durable?: boolean
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
   * What happens to a message that finds the mailbox full. `fail`: its sender gets `MailboxFull`. `dropOldest`: the first message
   * makes room, be it urgent or not. `dropNewest`: it is dropped itself; an ask gets `MailboxFull`. `backpressure`: asks and tells of Effects wait for
   * room, at most `Limits.sendersWaitingMax`; a tell that cannot wait, of a PromiseRef, a durable handler or another node, gets
   * `MailboxFull`. What is dropped is a dead letter. Default `fail`.
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

/** One message as the kernel uses it. */
export interface Entry {
  readonly name: string
  readonly handler: (state: any, payload: any, context: ActorContext) => unknown
  /** Whether its reply is a stream. */
  readonly streams: boolean
  /** Whether a value is a payload; absent where there is no schema. */
  readonly isPayload: ((value: unknown) => boolean) | undefined
  readonly schemas: EntrySchemas | undefined
  /** Handled before messages that are not. */
  readonly urgent: boolean
  /** Handled at once, also while another message is, and without changing the state. */
  readonly reentrant: boolean
}

/** Codecs between the types of a message and plain data. */
export interface EntrySchemas {
  readonly payload: Schema.Codec<any, any>
  /** Of the reply, or of each value of a streamed one. */
  readonly success: Schema.Codec<any, any>
  readonly error: Schema.Codec<any, any>
}

const TypeId = "~@continuum/actors/Actor"

/** A definition. `Services` are what its handlers' Effects still need; `ActorSystem.register` provides them. */
export interface Actor<Kind extends string, State, M extends MessageTypes, Services = never> {
  readonly [TypeId]: { readonly messages: M; readonly services: (_: never) => Services }
  readonly kind: Kind
  readonly initial: State
  readonly entries: ReadonlyMap<string, Entry>
  /** `realm`: callable inside its own realm only. `mesh`: has schemas, and may be called from others. */
  readonly exposed: "realm" | "mesh"
  readonly schema: Schema.Codec<State, any> | undefined
  readonly versions: Versions.Versions
  readonly journal: Journal.Journal | undefined
  /** Undefined: durable where there is storage. */
  readonly durable: boolean | undefined
  readonly ack: "flushed" | "committed"
  readonly priority: number
  readonly mailbox: "memory" | "durable"
  readonly mailboxCapacity: number
  readonly overflow: Overflow
  readonly strategy: SupervisionStrategy.SupervisionStrategy
  readonly childrenStrategy: SupervisionStrategy.ChildrenStrategy
  /** The message that an actor handles at each start. */
  readonly start: Entry | undefined
  readonly stopTimeoutMs: number
  readonly askTimeoutMs: number
  /** Undefined: the default of durable actors, and never for others. */
  readonly passivateAfterMs: number | undefined
  readonly accepts: ((name: string) => boolean | Effect.Effect<boolean>) | undefined
  /** The definition that this one was made of by providing services. */
  readonly source: Any | undefined
  /** Services for the handlers, once provided. */
  readonly context: Context.Context<never> | undefined
}

/** Any definition, whatever its types. */
export type Any = Actor<string, any, any, any>

/** The messages of a definition. */
export type Messages<A> = A extends Actor<any, any, infer M, any> ? M : never

type ReplyOfPlain<A> = A extends Reply<any, infer Value> ? Value : A extends Journal.Emit<any, infer Value> ? Value : A
type ReplyOf<T> =
  T extends Effect.Effect<infer A, any, any>
    ? ReplyOfPlain<A>
    : T extends PromiseLike<infer A>
      ? ReplyOfPlain<A>
      : ReplyOfPlain<T>
type ErrorOf<T> = T extends Effect.Effect<any, infer E, any> ? E : never
type ServicesOf<T> = (T extends Effect.Effect<any, any, infer R> ? R : never) | StreamOf<ReplyOf<T>>["services"]
/** The parts of a stream; of everything else `never`, also of `any`. */
type StreamOf<Value> = 0 extends 1 & Value ? NoStream : PartsOf<Value>
type PartsOf<Value> = [Value] extends [Stream.Stream<infer A, infer E, infer R>]
  ? [Value] extends [never]
    ? NoStream
    : { readonly value: A; readonly error: E; readonly services: R }
  : NoStream
type NoStream = { readonly value: never; readonly error: never; readonly services: never }
type PayloadOf<Parameters> = Parameters extends readonly [] | readonly [any]
  ? void
  : Parameters extends readonly [any, (infer Payload)?, ...any]
    ? Payload
    : void

/** The messages of a plain object of handlers. */
export type MessagesOfHandlers<Handlers> = {
  readonly [Name in Exclude<keyof Handlers, "state"> & string]: Handlers[Name] extends (
    ...parameters: infer Parameters
  ) => infer T
    ? Handlers[Name] extends Streaming
      ? MessageType<
          PayloadOf<Parameters>,
          StreamOf<ReplyOf<T>>["value"],
          ErrorOf<T> | StreamOf<ReplyOf<T>>["error"],
          true
        >
      : MessageType<PayloadOf<Parameters>, ReplyOf<T>, ErrorOf<T>>
    : never
}

/** A handler whose reply is a stream. Made by `streaming`. */
export interface Streaming {
  readonly [StreamingId]: true
}

const StreamingId = "~@continuum/actors/Actor/streaming"

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

/** The services that a plain object of handlers needs, besides the system itself. */
export type ServicesOfHandlers<Handlers> = Exclude<
  {
    readonly [Name in keyof Handlers]: Handlers[Name] extends (...p: any) => infer T ? ServicesOf<T> : never
  }[keyof Handlers],
  ActorSystem
>

/** The messages of an `RpcGroup`. */
export type MessagesOfRpcs<Rpcs extends Rpc.Any> = {
  readonly [Current in Rpcs as Current["_tag"]]: [Rpc.SuccessChunk<Current>] extends [never]
    ? MessageType<Rpc.Payload<Current>, Rpc.Success<Current>, Rpc.Error<Current>>
    : MessageType<Rpc.Payload<Current>, Rpc.SuccessChunk<Current>, Rpc.ErrorExit<Current>, true>
}

/** A handler for each rpc. Returning the bare state is allowed where the state is the success that the rpc promises. */
export type HandlersOfRpcs<State, Rpcs extends Rpc.Any, Event = never> = {
  readonly [Current in Rpcs as Current["_tag"]]: (
    state: State,
    payload: Rpc.Payload<Current>,
    context: ActorContext
  ) => [Rpc.SuccessChunk<Current>] extends [never]
    ? RpcResult<State, Event, Rpc.Success<Current>, Rpc.Error<Current>>
    : RpcResult<
        State,
        Event,
        Stream.Stream<Rpc.SuccessChunk<Current>, Rpc.ErrorExit<Current>, any>,
        Rpc.ErrorExit<Current>
      >
}

type RpcResult<State, Event, Success, Error> =
  | RpcValue<State, Event, Success>
  | PromiseLike<RpcValue<State, Event, Success>>
  | Effect.Effect<RpcValue<State, Event, Success>, Error, any>
type RpcValue<State, Event, Success> =
  | ([State] extends [Success] ? State | Reply<State, Success> : Reply<State, Success>)
  | Journal.Emit<Event, Success>

/**
 * Defines an actor type by a plain object: `state` is the initial state, every other property a handler.
 * Throws for a kind that cannot stand in an address, reserved message names and options out of range.
 */
export const actor = <
  const Kind extends string,
  State,
  Handlers extends { readonly [name: string]: Handler<State, Event> | State },
  Event = never
>(
  kind: Kind,
  definition: { readonly state: State } & Handlers,
  options: Options<State, Event, Exclude<keyof Handlers, "state"> & string> = {}
): Actor<Kind, State, MessagesOfHandlers<Handlers>, ServicesOfHandlers<Handlers>> => {
  const { state, ...handlers } = definition as { readonly state: State } & Record<string, Entry["handler"]>
  const entries = Object.entries(handlers).map(([name, handler]): Entry => {
    if (typeof handler !== "function") throw new TypeError(`"${name}" of actor "${kind}" must be a function`)
    return { name, handler, streams: StreamingId in handler, isPayload: undefined, schemas: undefined, ...ordinary }
  })
  return make(kind, state, entries, "realm", options)
}

/** Defines an actor type by an `RpcGroup`: its schemas, an initial state with its schema, and a handler for each rpc. */
export const fromRpcs = <
  const Kind extends string,
  Rpcs extends Rpc.Any,
  State,
  Handlers extends HandlersOfRpcs<State, Rpcs, Event>,
  Event = never
>(
  kind: Kind,
  group: RpcGroup.RpcGroup<Rpcs>,
  definition: {
    readonly state: { readonly schema: Schema.Codec<State, any>; readonly initial: State }
    readonly handlers: Handlers & HandlersOfRpcs<State, Rpcs, Event>
  },
  options: Omit<Options<State, Event, Rpcs["_tag"]>, "schema"> = {}
): Actor<Kind, State, MessagesOfRpcs<Rpcs>, ServicesOfHandlers<Handlers>> => {
  const handlers = definition.handlers as unknown as Record<string, Entry["handler"]>
  const entries = [...group.requests.values()].map((request): Entry => {
    const rpc = request as unknown as Rpc.AnyWithProps
    const { successSchema } = rpc
    const streams = RpcSchema.isStreamSchema(successSchema)
    return {
      name: rpc._tag,
      handler: handlers[rpc._tag]!,
      streams,
      isPayload: Schema.is(rpc.payloadSchema),
      schemas: {
        payload: jsonCodec(rpc.payloadSchema),
        success: jsonCodec(streams ? successSchema.success : successSchema),
        error: jsonCodec(streams ? successSchema.error : rpc.errorSchema)
      },
      ...ordinary
    }
  })
  const { initial, schema } = definition.state
  return make(kind, initial, entries, "mesh", { ...options, schema })
}

/** The definition with services for its handlers. */
export const provideContext = <Kind extends string, State, M extends MessageTypes, Services>(
  self: Actor<Kind, State, M, Services>,
  context: Context.Context<Services>
): Actor<Kind, State, M> => ({
  ...(self as unknown as Actor<Kind, State, M>),
  source: self.source ?? self,
  context: self.context === undefined ? (context as Context.Context<never>) : Context.merge(self.context, context)
})

// Schemas that need services are refused by the types of `fromRpcs`' callers: an actor has nobody to ask for them.
const jsonCodec = (schema: Schema.Top): Schema.Codec<any, any> =>
  Schema.toCodecJson(schema) as unknown as Schema.Codec<any, any>

// `then` would make every ref look like a promise; the others are members of refs.
const reservedNames = new Set(["then", "tell", "address", "state", "constructor", "__proto__"])

const make = <Kind extends string, State, M extends MessageTypes, Services>(
  kind: Kind,
  initial: State,
  entries: ReadonlyArray<Entry>,
  exposed: "realm" | "mesh",
  options: Options<State>
): Actor<Kind, State, M, Services> => {
  Address.make(kind, "any")
  for (const { name } of entries) {
    if (reservedNames.has(name)) throw new TypeError(`A message of actor "${kind}" cannot be named "${name}"`)
  }
  const names = new Set(entries.map(({ name }) => name))
  for (const name of [...(options.urgent ?? []), ...(options.reentrant ?? [])]) {
    if (!names.has(name)) throw new TypeError(`Actor "${kind}" has no message "${name}" to be urgent or reentrant`)
  }
  const streaming = entries.find(
    ({ name, streams }) => streams && (options.reentrant as ReadonlyArray<string>)?.includes(name)
  )
  if (streaming !== undefined) {
    throw new TypeError(
      `"${streaming.name}" of actor "${kind}" streams, and cannot be reentrant: its stream flows beside others anyway`
    )
  }
  if (options.mailbox === "durable" && (options.durable === false || (options.overflow ?? "fail") !== "fail"))
    throw new TypeError(`A durable mailbox loses nothing: actor "${kind}" must be durable, and its overflow "fail"`)
  const marked = (entry: Entry): Entry => ({
    ...entry,
    urgent: options.urgent?.includes(entry.name) ?? false,
    reentrant: options.reentrant?.includes(entry.name) ?? false
  })
  return {
    [TypeId]: { messages: undefined as unknown as M, services: () => undefined as Services },
    kind,
    initial,
    entries: new Map(entries.map((entry) => [entry.name, marked(entry)])),
    exposed,
    schema: options.schema === undefined ? undefined : (Schema.toCodecJson(options.schema) as Schema.Codec<State, any>),
    versions: Versions.make(options.version, options.migrations),
    journal: options.journal === undefined ? undefined : Journal.make(options.journal),
    durable: options.durable,
    ack: options.ack ?? "flushed",
    priority: within("priority", options.priority ?? 128, 0, 255),
    mailbox: options.mailbox ?? "memory",
    mailboxCapacity: within(
      "mailboxCapacity",
      options.mailboxCapacity ?? Limits.mailboxCapacity,
      1,
      Limits.mailboxCapacityMax
    ),
    overflow: options.overflow ?? "fail",
    strategy: SupervisionStrategy.make(options.supervision),
    childrenStrategy: SupervisionStrategy.makeChildren(options.children),
    start: startEntry(options.start),
    stopTimeoutMs: Duration.toMillis(Duration.fromInputUnsafe(options.stopTimeout ?? Limits.stopTimeoutMs)),
    askTimeoutMs:
      options.askTimeout === undefined
        ? Limits.askTimeoutMs
        : Duration.toMillis(Duration.fromInputUnsafe(options.askTimeout)),
    passivateAfterMs: passivateAfterMs(options.passivateAfter),
    accepts: options.accepts,
    source: undefined,
    context: undefined
  }
}

/** A message that waits for its turn, first come, first served. */
const ordinary = { urgent: false, reentrant: false } as const

const startEntry = <State>(start: Options<State>["start"]): Entry | undefined =>
  start === undefined
    ? undefined
    : {
        name: "start",
        handler: (state: State, _: unknown, context) => start(state, context),
        streams: false,
        isPayload: undefined,
        schemas: undefined,
        ...ordinary
      }

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
