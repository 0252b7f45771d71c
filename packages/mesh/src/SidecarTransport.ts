/**
 * Hyperswarm in a process of its own, for runtimes that cannot load it. The process is supervised: one that ends, or no
 * longer answers, is replaced by another with the same key and port. Its connections fail with `TransportLost`; joins, dials
 * and kept peers are asked for again.
 */
import { connectionsMax } from "@continuum/core/Limits"
import * as Swarm from "@continuum/core/Swarm"
import { Transport } from "@continuum/core/Transport"
import { Deferred, Effect, Exit, Layer, Redacted, Result, type Scope } from "effect"
import { Buffer } from "node:buffer"
import { type HyperswarmOptions, keepAliveMsOf, parseAddress, settingsOf } from "./HyperswarmOptions.ts"
import * as Limits from "./Limits.ts"
import * as SidecarProcess from "./SidecarProcess.ts"
import { TransportUnavailable } from "./TransportUnavailable.ts"

export interface SidecarOptions extends HyperswarmOptions {
  /** What runs Hyperswarm. Default: bare, and Node where bare does not start. */
  readonly sidecar?: SidecarProcess.Runtime | undefined
}

/** A transport, with what a test or `doctor` wants to know of the process behind it. */
export interface SidecarTransport {
  readonly transport: Transport["Service"]
  /** Process id of the present sidecar. */
  readonly pid: () => number
}

export const layer = (options: SidecarOptions): Layer.Layer<Transport, TransportUnavailable> =>
  Layer.effect(
    Transport,
    Effect.map(make(options), ({ transport }) => transport)
  )

export const make = (options: SidecarOptions): Effect.Effect<SidecarTransport, TransportUnavailable, Scope.Scope> =>
  Effect.gen(function* () {
    const runtimes = options.sidecar === undefined ? preferred : [options.sidecar]
    const failures: Array<string> = []
    for (const runtime of runtimes) {
      const made = yield* Effect.result(makeWith(runtime, options))
      if (Result.isSuccess(made)) return made.success
      failures.push(`${runtime}: ${made.failure}`)
    }
    return yield* new TransportUnavailable({
      reason: `no sidecar could be started (${failures.join("; ")})`,
      fix: "Install the packages again (npm install) so that bare-runtime has its binary, or put node 20 or newer into PATH"
    })
  })

const preferred: ReadonlyArray<SidecarProcess.Runtime> = ["bare", "node"]

const makeWith = (
  runtime: SidecarProcess.Runtime,
  options: SidecarOptions
): Effect.Effect<SidecarTransport, string, Scope.Scope> =>
  Effect.gen(function* () {
    const settings = settingsOf(options)
    const config = {
      seed: Buffer.from(Redacted.value(settings.keyPair.secret)).toString("hex"),
      host: settings.host,
      bootstrap: settings.bootstrap.map(parseAddress),
      reachable: settings.reachable,
      keepAliveMs: keepAliveMsOf(settings),
      silenceMsMax: settings.silenceMsMax,
      connectionsMax,
      bytesWaitingMax: Limits.sidecarWaitingBytesMax
    }
    let { port } = settings
    let current: SidecarProcess.Sidecar | undefined

    const open = (events: Swarm.SwarmEvents, died: Deferred.Deferred<string>) => {
      const watched: Swarm.SwarmEvents = {
        ...events,
        bound: (listening) => {
          // The next one takes the same port, since others may have it as their bootstrap.
          port = parseAddress(listening).port
          events.bound(listening)
        },
        down: (problem) => {
          current = undefined
          events.down(`the sidecar ended: ${problem}`)
          Deferred.doneUnsafe(died, Exit.succeed(problem))
        }
      }
      return Effect.acquireRelease(
        Effect.tryPromise({
          try: async () => (current = await SidecarProcess.open(runtime, { ...config, port }, watched)),
          catch: (cause) => (cause instanceof Error ? cause.message : String(cause))
        }),
        (sidecar) => Effect.promise(sidecar.stop)
      )
    }
    /** One sidecar after the other. What comes of the first is told to `first`; where that fails, there is no second. */
    const supervise = (events: Swarm.SwarmEvents, first: Deferred.Deferred<void, string>) =>
      Effect.gen(function* () {
        let pauseMs = Limits.sidecarPauseMsMin
        while (true) {
          const life = Effect.gen(function* () {
            const died = yield* Deferred.make<string>()
            yield* open(events, died)
            pauseMs = Limits.sidecarPauseMsMin
            yield* Deferred.succeed(first, undefined)
            const reason = yield* Deferred.await(died)
            yield* Effect.logWarning("The sidecar ended, its connections are lost; it is started again", { reason })
          })
          const lived = yield* Effect.result(Effect.scoped(life))
          if (Result.isFailure(lived)) {
            if (yield* Deferred.fail(first, lived.failure)) return
            events.down(`the sidecar does not start: ${lived.failure}`)
            // Once, however often it is tried.
            if (pauseMs === Limits.sidecarPauseMsMin)
              yield* Effect.logWarning("The sidecar does not start; it is tried again", { reason: lived.failure })
            pauseMs = Math.min(2 * pauseMs, Limits.sidecarPauseMsMax)
          }
          yield* Effect.sleep(pauseMs)
        }
      })

    const transport = yield* Swarm.transport(
      { kind: `sidecar (${runtime})`, keyPair: settings.keyPair, bootstrap: settings.bootstrap },
      (events) =>
        Effect.gen(function* () {
          const first = yield* Deferred.make<void, string>()
          yield* Effect.forkScoped(supervise(events, first))
          yield* Deferred.await(first)
          return {
            join: (topic) => current?.join(topic),
            leave: (topic) => current?.leave(topic),
            dial: (peer, address) => current?.dial(peer, address),
            hangUp: (peer) => current?.hangUp(peer),
            contact: (address) => current?.contact(address),
            write: (id, bytes) => current?.write(id, bytes),
            end: (id) => current?.end(id),
            destroy: (id) => current?.destroy(id)
          }
        })
    )
    return { transport, pid: () => current?.pid ?? 0 }
  })
