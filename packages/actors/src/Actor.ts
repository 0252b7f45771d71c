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
import { Context, type Effect, Schema } from "effect"
import { type Rpc, RpcSchema, type RpcGroup } from "effect/rpc"
import type { ActorContext } from "./ActorContext.ts"
import type {
  HandlersOfRpcs,
  MessagesOfHandlers,
  MessagesOfRpcs,
  MessageTypes,
  ServicesOfHandlers
} from "./ActorMessages.ts"
import { type Numbers, numbersOf, type Options, type Overflow } from "./ActorOptions.ts"
import * as Conversion from "./Conversion.ts"
import { type Handler, StreamingId } from "./Handler.ts"
import * as Journal from "./Journal.ts"
import * as SupervisionStrategy from "./SupervisionStrategy.ts"
import * as Versions from "./Versions.ts"

export type { ActorContext, ReminderInfo, ReminderOptions, TimerOptions } from "./ActorContext.ts"
export type {
  HandlersOfRpcs,
  MessagesOfHandlers,
  MessagesOfRpcs,
  MessageType,
  MessageTypes,
  ServicesOfHandlers
} from "./ActorMessages.ts"
export type { Options, Overflow } from "./ActorOptions.ts"
export { type Handler, Reply, reply, type Result, type Streaming, streaming } from "./Handler.ts"
export { emit } from "./Journal.ts"

/** The end of an actor for good: it stopped, or ended by itself. */
export const Terminated = Schema.Struct({
  address: Schema.String,
  reason: Schema.String,
  /** Whether it ended by itself and without a failure. */
  normal: Schema.Boolean
})
export type Terminated = typeof Terminated.Type

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
export interface Actor<Kind extends string, State, M extends MessageTypes, Services = never> extends Numbers {
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
  readonly mailbox: "memory" | "durable"
  readonly overflow: Overflow
  readonly strategy: SupervisionStrategy.SupervisionStrategy
  readonly childrenStrategy: SupervisionStrategy.ChildrenStrategy
  /** The message that an actor handles at each start. */
  readonly start: Entry | undefined
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
      isPayload: Conversion.is(rpc.payloadSchema as Schema.Codec<unknown>),
      schemas: {
        payload: jsonCodec(rpc.payloadSchema),
        success: jsonCodec(streams ? successSchema.success : successSchema),
        error: jsonCodec(streams ? successSchema.error : rpc.errorSchema)
      },
      ...ordinary
    }
  })
  const { initial, schema } = definition.state
  return make(kind, initial, entries, options.exposed ?? "mesh", { ...options, schema })
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
    // One that is reentrant must not wait behind a message that has not begun yet, and would keep it waiting once it has.
    urgent: [...(options.urgent ?? []), ...(options.reentrant ?? [])].includes(entry.name),
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
    mailbox: options.mailbox ?? "memory",
    overflow: options.overflow ?? "fail",
    strategy: SupervisionStrategy.make(options.supervision),
    childrenStrategy: SupervisionStrategy.makeChildren(options.children),
    start: startEntry(options.start),
    ...numbersOf(options),
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
