/**
 * What a running node says of itself: fixed at its start, or read from the operating system.
 */
import { languages } from "@continuum/runtime-wasm/compile/Compiler"
import { Clock, Context, Effect, Layer } from "effect"
import { HttpServer } from "effect/http"
import { Home } from "./Home.ts"
import { NodeConfig } from "./NodeConfig.ts"

export class NodeInfo extends Context.Service<
  NodeInfo,
  {
    readonly name: string
    readonly publicKey: string
    /** TCP port at which it listens. */
    readonly port: number
    /** Languages that it compiles. */
    readonly languages: ReadonlyArray<string>
    /** Where clients reach it, such as `http://127.0.0.1:3000`. */
    readonly url: string
    /** Such as `bun 1.4.5`. */
    readonly runtime: string
    readonly startedAtMs: number
    /** Bytes resident in memory. */
    readonly memoryBytes: Effect.Effect<number>
  }
>()("@continuum/node/NodeInfo") {}

export const layer = Layer.effect(
  NodeInfo,
  Effect.gen(function* () {
    const { settings } = yield* NodeConfig
    const { identity } = yield* Home
    const { address } = yield* HttpServer.HttpServer
    const port = address._tag !== "UnixPathAddress" ? address.port : settings.port
    return {
      name: settings.name,
      publicKey: identity.node.publicKey,
      port,
      languages: languages.filter((lang) => settings.languages === undefined || settings.languages.includes(lang)),
      url: `http://${urlHost(settings.host)}:${port}`,
      runtime: runtimeName(),
      startedAtMs: yield* Clock.currentTimeMillis,
      memoryBytes: Effect.sync(() => process.memoryUsage().rss)
    }
  })
)

/** A wildcard address cannot be dialled; on this machine the node is at loopback. */
const urlHost = (host: string) =>
  host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host.includes(":") ? `[${host}]` : host

const runtimeName = (): string => {
  const versions = process.versions as Record<string, string | undefined>
  for (const runtime of ["bun", "deno", "node"])
    if (versions[runtime] !== undefined) return `${runtime} ${versions[runtime]}`
  return "unknown"
}
