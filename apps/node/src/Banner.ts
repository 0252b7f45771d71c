/**
 * What a person sees when the node is up: where it is, whose it is, and three commands to try; then the proof that it
 * works, a function compiled and run by the node itself.
 */
import { Context, Duration, Effect, Layer } from "effect"
import { isLoopback } from "./http/Guard.ts"
import { Home } from "./Home.ts"
import { definitions, NodeConfig } from "./NodeConfig.ts"
import { NodeInfo } from "./NodeInfo.ts"
import { addressesHere } from "./PeerInput.ts"
import { Proof } from "./Proof.ts"

export class Banner extends Context.Service<
  Banner,
  {
    readonly ready: Effect.Effect<void>
    readonly proof: Effect.Effect<void>
  }
>()("@continuum/node/Banner") {}

export const layer = Layer.effect(
  Banner,
  Effect.gen(function* () {
    const { settings } = yield* NodeConfig
    const home = yield* Home
    const info = yield* NodeInfo
    const proof = yield* Proof
    const print = (text: string) => Effect.sync(() => void process.stdout.write(`${text}\n`))
    const where = homeFlag(settings.home, definitions.home.fallback())

    const pretty = [
      "",
      `  Continuum is running: ${info.name}`,
      "",
      `    URL         ${info.url}`,
      `    API key     ${home.apiKeyPath}`,
      `    Public key  ${info.publicKey}`,
      ...(isLoopback(settings.host)
        ? []
        : [
            `    Elsewhere   ${elsewhere(settings.host, info.port).join(", ") || "this machine has no address in a network"}`,
            "    Open to the network: every client needs the key"
          ]),
      "",
      "  Try, in another terminal:",
      "",
      `    ./jtag${where} ai/generate --prompt="Explain RTOS" --persona="Teacher AI"`,
      `    ./jtag${where} jit/run --lang js --source '(input) => input * 2' --input 21`,
      `    ./jtag${where} doctor`,
      "",
      "  Stop with Ctrl-C.",
      ""
    ].join("\n")

    return {
      ready:
        settings.logFormat === "json"
          ? Effect.logInfo("ready").pipe(Effect.annotateLogs({ url: info.url, publicKey: info.publicKey }))
          : print(pretty),
      proof: proof.pipe(
        Effect.timed,
        Effect.flatMap(([duration, { text, holds }]) =>
          holds
            ? Effect.logInfo(`Proof: ${text}, ${Math.round(Duration.toMillis(duration))} ms`)
            : Effect.logError(`The node computes wrongly: ${text}`)
        ),
        Effect.catchCause((cause) => Effect.logError("The node could not run its first function; see doctor", cause))
      )
    }
  })
)

/** The URLs that other machines can use. */
const elsewhere = (host: string, port: number): ReadonlyArray<string> =>
  (host === "0.0.0.0" || host === "::" ? addressesHere() : [host]).map((address) => `http://${address}:${port}`)

/** What the commands need to find this node: nothing where they look anyway, else its home as a POSIX shell reads it. */
export const homeFlag = (home: string, defaultHome: string): string =>
  home === defaultHome ? "" : ` --home '${home.replaceAll("'", `'\\''`)}'`
