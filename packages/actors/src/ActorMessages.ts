/**
 * The types of an actor's messages, as its senders see them: given by hand, found in a plain object of handlers, or in an `RpcGroup`.
 */
import type { Effect, Stream } from "effect"
import type { Rpc } from "effect/rpc"
import type { ActorContext } from "./ActorContext.ts"
import type { ActorSystem } from "./ActorSystem.ts"
import type { Reply, Streaming } from "./Handler.ts"
import type { Emit } from "./Journal.ts"

/** The types of one message, as its sender sees them. With `Streams` the reply is a stream of such values. */
export interface MessageType<Payload = any, Value = any, Error = any, Streams extends boolean = false> {
  readonly payload: Payload
  readonly reply: Value
  readonly error: Error
  readonly streams: Streams
}

/** The types of all messages of an actor, by name. */
export type MessageTypes = { readonly [name: string]: MessageType<any, any, any, boolean> }

// ---------------------------------------------------------------- of a plain object

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

/** The services that a plain object of handlers needs, besides the system itself. */
export type ServicesOfHandlers<Handlers> = Exclude<
  {
    readonly [Name in keyof Handlers]: Handlers[Name] extends (...p: any) => infer T ? ServicesOf<T> : never
  }[keyof Handlers],
  ActorSystem
>

type ReplyOfPlain<A> = A extends Reply<any, infer Value> ? Value : A extends Emit<any, infer Value> ? Value : A
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

// ---------------------------------------------------------------- of an RpcGroup

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
  | Emit<Event, Success>
