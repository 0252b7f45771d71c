/**
 * `GET /`: what a person sees who opens the node's URL: what this is and where to go on. Nothing that `/healthz` does
 * not say too. A page for a browser, plain text for everything else.
 */
import { version } from "@continuum/core/Version"
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { NodeInfo } from "../NodeInfo.ts"

interface Door {
  readonly path: string
  readonly meaning: string
  /** Whether a browser, which has no API key, can look at it. */
  readonly isReadable: boolean
}

const doors: ReadonlyArray<Door> = [
  { path: "/healthz", meaning: "whether the node is ready, for anyone", isReadable: true },
  { path: "/metrics", meaning: "counters in the Prometheus text format", isReadable: true },
  {
    path: "/v1/models",
    meaning: "the personas as models, for clients of OpenAI: their base URL ends with /v1",
    isReadable: true
  },
  {
    path: "/events",
    meaning: "what happens here, as server-sent events or by WebSocket, with the API key",
    isReadable: false
  },
  { path: "/rpc", meaning: "every call of the node, with the API key (docs/PROTOCOL.md)", isReadable: false }
]

const commands = [
  "./jtag status",
  "./jtag jit/run --lang js --source '(input) => input * 2' --input 21",
  "./jtag ai/generate --prompt 'Explain RTOS' --persona 'Teacher AI'",
  "./jtag --help"
] as const

const whereKeyIs = "The API key is in the file api-key of the node's data folder; npm start prints its path."

export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const router = yield* HttpRouter.HttpRouter
    const { name, url } = yield* NodeInfo
    const title = `Continuum ${version}, node ${name}`
    yield* router.add(
      "GET",
      "/",
      Effect.map(HttpServerRequest.HttpServerRequest, ({ headers }) =>
        (headers.accept ?? "").includes("text/html")
          ? HttpServerResponse.text(page(title), {
              contentType: "text/html; charset=utf-8",
              headers: { "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:" }
            })
          : HttpServerResponse.text(text(title, url))
      )
    )
  })
)

const text = (title: string, url: string): string =>
  [
    title,
    "",
    ...doors.map(({ meaning, path }) => `  ${`${url}${path}`.padEnd(url.length + 11)} ${meaning}`),
    "",
    "From the folder of the repository, on this machine:",
    "",
    ...commands.map((command) => `  ${command}`),
    "",
    whereKeyIs,
    ""
  ].join("\n")

/** The name of a node has only letters, digits and dashes; nothing else here comes from outside. */
const page = (title: string): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 40em; margin: 3em auto; padding: 0 1em }
pre { overflow-x: auto }
</style>
<h1>${title}</h1>
<p>One runtime in which every AI persona, LoRA layer and WASM module is a supervised, durable actor with one address.
<ul>
${doors.map(item).join("\n")}
</ul>
<p>From the folder of the repository, on this machine:
<pre>${commands.join("\n").replaceAll(">", "&gt;")}</pre>
<p>${whereKeyIs}
</html>
`

const item = ({ isReadable, meaning, path }: Door): string =>
  `<li>${isReadable ? `<a href="${path}">${path}</a>` : `<code>${path}</code>`}: ${meaning}`
