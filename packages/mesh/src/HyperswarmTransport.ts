/**
 * Hyperswarm in this process, for Node. Bun and Deno cannot load its UDP library (they abort or fail on it), so there it is
 * refused before anything is loaded: see `SidecarTransport`.
 */
import { connectionsMax } from "@continuum/core/Limits"
import * as Swarm from "@continuum/core/Swarm"
import { Transport } from "@continuum/core/Transport"
import { Effect, Layer, Redacted, type Scope } from "effect"
import { createRequire } from "node:module"
import process from "node:process"
import { type HyperswarmOptions, keepAliveMsOf, parseAddress, settingsOf } from "./HyperswarmOptions.ts"
import { TransportUnavailable } from "./TransportUnavailable.ts"

/** Whether this runtime can load Hyperswarm. */
export const isPossible: boolean = process.versions.bun === undefined && process.versions.deno === undefined

export const layer = (options: HyperswarmOptions): Layer.Layer<Transport, TransportUnavailable> =>
  Layer.effect(Transport, make(options))

export const make = (
  options: HyperswarmOptions
): Effect.Effect<Transport["Service"], TransportUnavailable, Scope.Scope> =>
  Effect.suspend(() => {
    const settings = settingsOf(options)
    return Swarm.transport({ kind: "hyperswarm", keyPair: settings.keyPair, bootstrap: settings.bootstrap }, (events) =>
      Effect.gen(function* () {
        const HyperswarmNode = yield* load
        return yield* Effect.acquireRelease(
          Effect.tryPromise({
            try: async () => {
              const node = new HyperswarmNode(
                {
                  seed: Redacted.value(settings.keyPair.secret),
                  host: settings.host,
                  port: settings.port,
                  bootstrap: settings.bootstrap.map(parseAddress),
                  reachable: settings.reachable,
                  keepAliveMs: keepAliveMsOf(settings),
                  silenceMsMax: settings.silenceMsMax,
                  connectionsMax
                },
                events
              )
              await node.start()
              return node
            },
            catch: (cause) =>
              new TransportUnavailable({
                reason: `no UDP socket could be bound on ${settings.host}: ${textOf(cause)}`,
                fix: "Choose an address of this machine with --host"
              })
          }),
          (node) => Effect.promise(() => node.stop())
        )
      })
    )
  })

const load = Effect.try({
  try: () => {
    if (!isPossible) throw new Error("Hyperswarm cannot run inside Bun or Deno")
    // The same path from src and from dist: what a sidecar runs is not compiled.
    const path = new URL("../src/sidecar/HyperswarmNode.cjs", import.meta.url)
    return createRequire(import.meta.url)(
      decodeURIComponent(path.pathname)
    ) as typeof import("./sidecar/HyperswarmNode.cjs")
  },
  catch: (cause) =>
    new TransportUnavailable({
      reason: textOf(cause),
      fix: "Use SidecarTransport, which needs bare or Node beside this process"
    })
})

const textOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))
