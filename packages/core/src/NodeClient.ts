/**
 * A typed client of a node: one method for each call of an `RpcGroup`, over HTTP POST or WebSocket at `<url>/rpc`.
 *
 * A wrong payload does not compile; sent anyway it fails with `CallMalformed` before anything leaves (or, from a node
 * of another version, as its answer). Each call fails
 * with its own declared errors or with a `NodeClientError`, never with a defect of the transport. Nothing is retried.
 * The key goes in the `Authorization` header and nowhere else; redirects are not followed, so it cannot be led away.
 */
import { Cause, Effect, Exit, Layer, Schema, Scope, Stream } from "effect"
import type * as Rpc from "effect/rpc/Rpc"
import * as RpcClient from "effect/rpc/RpcClient"
import type * as RpcGroup from "effect/rpc/RpcGroup"
import * as RpcSchema from "effect/rpc/RpcSchema"
import { CallCheck } from "./CallCheck.ts"
import { CallMalformed, type NodeClientError } from "./NodeClientError.ts"
import * as NodeProtocol from "./NodeProtocol.ts"

export type { Options, WebSocketConstructor } from "./NodeProtocol.ts"

/** Calls as Effects and Streams. */
export type NodeClient<Rpcs extends Rpc.Any> = {
  readonly [Call in Rpcs as Call["_tag"]]: (
    payload: Rpc.PayloadConstructor<Call>
  ) => Rpc.Success<Call> extends Stream.Stream<infer A, infer E, infer _R>
    ? Stream.Stream<A, E | Rpc.Error<Call> | NodeClientError, Rpc.ServicesClient<Call>>
    : Effect.Effect<Rpc.Success<Call>, Rpc.Error<Call> | NodeClientError, Rpc.ServicesClient<Call>>
}

/** Calls as Promises and async iterables, which reject with the same errors. */
export type PromiseNodeClient<Rpcs extends Rpc.Any> = AsyncDisposable & {
  readonly [Call in Rpcs as Call["_tag"]]: (
    payload: Rpc.PayloadConstructor<Call>,
    options?: { readonly signal?: AbortSignal }
  ) => Rpc.Success<Call> extends Stream.Stream<infer A, infer _E, infer _R>
    ? AsyncIterable<A>
    : Promise<Rpc.Success<Call>>
}

/** A client over HTTP: one POST for each call, a stream is the answer of one POST. Nothing is opened before the first. */
export const make = <Rpcs extends Rpc.Any>(
  group: RpcGroup.RpcGroup<Rpcs>,
  options: NodeProtocol.Options
): Effect.Effect<NodeClient<Rpcs>, never, Scope.Scope | Rpc.MiddlewareClient<Rpcs>> =>
  makeWith(group, options.url, NodeProtocol.layerHttp(options))

/**
 * A client over one WebSocket, for many small calls. While it is down calls fail with `NodeUnreachable`; the
 * connection, not the calls, is tried again in the background. Node 20 has no WebSocket of its own: give it a constructor.
 */
export const makeWebSocket = <Rpcs extends Rpc.Any>(
  group: RpcGroup.RpcGroup<Rpcs>,
  options: NodeProtocol.Options & { readonly webSocket?: NodeProtocol.WebSocketConstructor }
): Effect.Effect<NodeClient<Rpcs>, never, Scope.Scope | Rpc.MiddlewareClient<Rpcs>> =>
  makeWith(group, options.url, NodeProtocol.layerWebSocket(options))

/** A client over HTTP for code without Effect. Close it with `await using`, or by its `Symbol.asyncDispose`. */
export const connect = <Rpcs extends Rpc.Any>(
  group: RpcGroup.RpcGroup<Rpcs> &
    (Rpc.MiddlewareClient<Rpcs> | Rpc.ServicesClient<Rpcs> extends never ? unknown : never),
  options: NodeProtocol.Options
): PromiseNodeClient<Rpcs> => {
  const scope = Scope.makeUnsafe()
  const client = Effect.runSync(Scope.provide(make(group, options) as Effect.Effect<object, never, Scope.Scope>, scope))
  const calls: Record<PropertyKey, unknown> = {
    [Symbol.asyncDispose]: () => Effect.runPromise(Scope.close(scope, Exit.void))
  }
  for (const [name, call] of Object.entries(client)) {
    calls[name] = (payload: unknown, run?: { readonly signal?: AbortSignal }) => {
      const result = call(payload)
      return Stream.isStream(result)
        ? Stream.toAsyncIterable(result as Stream.Stream<unknown, unknown>)
        : Effect.runPromise(result as Effect.Effect<unknown, unknown>, run)
    }
  }
  return calls as unknown as PromiseNodeClient<Rpcs>
}

const makeWith = Effect.fnUntraced(function* <Rpcs extends Rpc.Any>(
  group: RpcGroup.RpcGroup<Rpcs>,
  url: string,
  protocol: Layer.Layer<RpcClient.Protocol>
) {
  const context = yield* Layer.build(protocol)
  const call = yield* Effect.provide(RpcClient.make(group.middleware(CallCheck), { flatten: true }), context)
  const client: Record<string, (payload: unknown) => unknown> = {}
  for (const [name, rpc] of group.requests as unknown as ReadonlyMap<string, Rpc.AnyWithProps>) {
    const send = call as unknown as (name: string, payload: unknown) => unknown
    const checked = (payload: unknown) =>
      Effect.try({
        try: () => rpc.payloadSchema.make(payload as never),
        catch: (cause) => new CallMalformed({ call: name, reason: NodeProtocol.textOf(cause) })
      })
    const encode = Schema.encodeUnknownExit(Schema.toCodecJson(rpc.payloadSchema) as unknown as Schema.Codec<unknown>)
    /** What could not be sent is the caller's, though effect/rpc says it in the way in which it says that of an answer. */
    const typed = (cause: Cause.Cause<unknown>, payload: unknown) => {
      const encoded = cause.reasons.some(Cause.isDieReason) ? encode(payload) : Exit.void
      return Exit.isSuccess(encoded)
        ? NodeProtocol.typedCause(cause, url, name)
        : Cause.fail(new CallMalformed({ call: name, reason: NodeProtocol.textOf(Cause.squash(encoded.cause)) }))
    }
    client[name] = RpcSchema.isStreamSchema(rpc.successSchema)
      ? (payload) =>
          Stream.unwrap(
            Effect.map(checked(payload), () => send(name, payload) as Stream.Stream<unknown, unknown>)
          ).pipe(Stream.catchCause((cause) => Stream.failCause(typed(cause, payload))))
      : (payload) =>
          Effect.flatMap(checked(payload), () => send(name, payload) as Effect.Effect<unknown, unknown>).pipe(
            Effect.catchCause((cause) => Effect.failCause(typed(cause, payload)))
          )
  }
  return client as NodeClient<Rpcs>
})
