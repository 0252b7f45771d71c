/**
 * The listening socket: `node:http` through @effect/platform-node, which runs alike on Bun, Deno and Node.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Effect, Layer, Schema } from "effect"
import { HttpServer } from "effect/http"
import { lookup } from "node:dns/promises"
import { NodeConfig } from "../NodeConfig.ts"
import * as OsError from "../OsError.ts"
import * as Listener from "./Listener.ts"

/** The node cannot listen where it was told to. */
export class PortUnusable extends Schema.TaggedError<PortUnusable>()("PortUnusable", {
  host: Schema.String,
  port: Schema.Int,
  reason: Schema.String
}) {
  override get message() {
    return (
      `The node cannot listen on ${this.host} port ${this.port}: ${this.reason}. ` +
      "Choose another with --port N, or any free one with --port 0; the address is that of --host"
    )
  }
}

export const layer = Layer.unwrap(
  Effect.map(
    Effect.tap(NodeConfig, ({ settings }) => knownHost(settings)),
    ({ settings: { host, port } }) =>
      NodeHttpServer.layerServer(Listener.make, {
        host,
        port,
        gracefulShutdownTimeout: Listener.defaults.gracefulStopMs
      }).pipe(
        Layer.catchTag("ServeError", ({ cause }) =>
          Layer.effect(
            HttpServer.HttpServer,
            Effect.fail(new PortUnusable({ host, port, reason: OsError.describe(cause) }))
          )
        )
      )
  )
).pipe(Layer.provideMerge(NodeHttpServer.layerHttpServices))

/** Finds out about a name that no machine has: Bun says of it, when told to listen there, that it is no terminal. */
const knownHost = ({ host, port }: { readonly host: string; readonly port: number }) =>
  Effect.tryPromise({
    try: () => lookup(host),
    catch: () => new PortUnusable({ host, port, reason: "no machine of this name is known" })
  })
