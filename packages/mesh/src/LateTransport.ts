/**
 * A transport that is there at once and starts in the background: a node answers its clients while its sidecar comes up, and
 * goes on without a mesh when none can be started. Until then dials wait within their own time; what is to be kept or
 * joined is, as soon as it can be.
 */
import type { PublicKey } from "@continuum/core/Identity"
import { dialTimeoutMs } from "@continuum/core/Limits"
import { PeerUnreachable, Transport } from "@continuum/core/Transport"
import { Context, Deferred, Effect, Layer, type Scope, Stream } from "effect"
import type { TransportUnavailable } from "./TransportUnavailable.ts"

export interface Options {
  readonly publicKey: PublicKey
  readonly bootstrap: ReadonlyArray<string>
  readonly start: Layer.Layer<Transport, TransportUnavailable>
}

export const layer = (options: Options): Layer.Layer<Transport> => Layer.effect(Transport, make(options))

const make = ({ bootstrap, publicKey, start }: Options): Effect.Effect<Transport["Service"], never, Scope.Scope> =>
  Effect.gen(function* () {
    const started = yield* Deferred.make<Transport["Service"], TransportUnavailable>()
    const building = Effect.map(Layer.build(start), (built) => Context.get(built, Transport))
    yield* Effect.forkScoped(
      Effect.onExit(Effect.tapError(building, Effect.logWarning), (exit) => Deferred.done(started, exit))
    )
    const transport = Deferred.await(started)
    /** What would happen now or, when it is up, then; nothing when it never is. */
    const later = <R>(use: (transport: Transport["Service"]) => Effect.Effect<void, never, R>) =>
      Effect.asVoid(Effect.forkScoped(Effect.ignore(Effect.flatMap(transport, use))))

    /** The transport, for somebody who waits for a peer. */
    const inTime = (peer: string) =>
      transport.pipe(
        Effect.timeoutOrElse({
          duration: dialTimeoutMs,
          orElse: () => Effect.fail(new PeerUnreachable({ peer, reason: "the mesh is still starting" }))
        }),
        Effect.catchTag("TransportUnavailable", (error) =>
          Effect.fail(new PeerUnreachable({ peer, reason: error.message }))
        )
      )

    return {
      publicKey,
      connections: Stream.unwrap(
        Effect.match(transport, { onFailure: () => Stream.never, onSuccess: ({ connections }) => connections })
      ),
      dial: (peer, address) => Effect.flatMap(inTime(peer), ({ dial }) => dial(peer, address)),
      keep: (peer, address) => later(({ keep }) => Effect.andThen(keep(peer, address), Effect.never)),
      contact: (address) => Effect.flatMap(inTime(address), ({ contact }) => contact(address)),
      join: (topic) => later(({ join }) => Effect.andThen(join(topic), Effect.never)),
      status: Effect.flatMap(Deferred.poll(started), (polled) => {
        if (polled._tag === "None") return Effect.succeed(starting(bootstrap, undefined))
        return polled.value.pipe(
          Effect.flatMap(({ status }) => status),
          Effect.catchTag("TransportUnavailable", (error) => Effect.succeed(starting(bootstrap, error.message)))
        )
      })
    }
  })

const starting = (bootstrap: ReadonlyArray<string>, problem: string | undefined) =>
  ({
    kind: "none yet",
    state: "starting",
    listening: undefined,
    bootstrap,
    connections: 0,
    restarts: 0,
    problem
  }) as const
