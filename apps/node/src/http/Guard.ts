/**
 * The rules that every request passes before any handler sees it.
 *
 * A page in a browser can send requests to a loopback port, so being on loopback proves nothing: Host must be an IP
 * address, `localhost` or this machine's name (against DNS rebinding), Origin must be absent or the node's own, and
 * whatever is not plain reading needs the API key. What each rule stops is listed in docs/THREATS.md.
 */
import { Effect, Redacted } from "effect"
import * as ByteSize from "effect/ByteSize"
import { HttpIncomingMessage, HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { createHash, timingSafeEqual } from "node:crypto"
import { isIP } from "node:net"
import { hostname } from "node:os"
import { Home } from "../Home.ts"
import { NodeConfig } from "../NodeConfig.ts"
import { bodyBytesMax, bodyTooLarge, ofCause, refuse } from "./Refusal.ts"

/** Routes that anyone who reaches the port may read. */
const publicPaths = new Set(["/healthz", "/"])
/** Routes for clients that know no key, on loopback only and never for a page in a browser. */
const keylessPrefixes = ["/v1/", "/api/"]
/** Routes that may be read without the key on loopback; they show counts, no content. */
const loopbackReadablePaths = new Set(["/metrics"])

export const layer = HttpRouter.middleware(
  Effect.gen(function* () {
    const { settings } = yield* NodeConfig
    const home = yield* Home
    const onLoopback = isLoopback(settings.host)
    const expected = digest(Redacted.value(home.apiKey))

    const keyless = (request: HttpServerRequest.HttpServerRequest, path: string) =>
      publicPaths.has(path) ||
      (onLoopback && loopbackReadablePaths.has(path) && request.method === "GET") ||
      (onLoopback &&
        settings.keyless &&
        request.headers.origin === undefined &&
        keylessPrefixes.some((prefix) => path.startsWith(prefix)))

    return (route) =>
      Effect.gen(function* () {
        const request = yield* HttpServerRequest.HttpServerRequest
        const path = request.url.split("?", 1)[0] ?? ""
        const host = request.headers.host
        if (host === undefined || !isOwnHost(host)) {
          return refuse(403, "HostRefused", `The Host "${host ?? ""}" is not this node's`, path)
        }
        const origin = request.headers.origin
        if (origin !== undefined && origin !== `http://${host}`) {
          return refuse(403, "OriginRefused", `Requests from pages of ${origin} are refused`, path)
        }
        if (Number(request.headers["content-length"] ?? 0) > bodyBytesMax) {
          return bodyTooLarge(path)
        }
        if (!keyless(request, path)) {
          const given = keyOf(request)
          if (given === undefined || !timingSafeEqual(digest(given), expected)) {
            const what = given === undefined ? "No API key was sent" : "The API key is wrong"
            return refuse(
              401,
              "KeyRefused",
              `${what}. Send "Authorization: Bearer <key>" with the key from the node's file api-key`,
              path
            ).pipe(HttpServerResponse.setHeader("www-authenticate", "Bearer"))
          }
        }
        return yield* Effect.catchCause(route, (cause) => {
          const refusal = ofCause(cause, request.method, path)
          return refusal === undefined ? Effect.failCause(cause) : Effect.succeed(refusal)
        })
      }).pipe(
        Effect.map(HttpServerResponse.setHeader("x-content-type-options", "nosniff")),
        Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(bodyBytesMax))
      )
  }),
  { global: true }
)

/** Whether an address to listen on is reachable from this machine only. */
export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host)

/** Whether the Host header names this machine in a way that no foreign DNS name can. */
export const isOwnHost = (header: string): boolean => {
  const name = header
    .replace(/:\d+$/, "")
    .replace(/^\[(.*)\]$/, "$1")
    .toLowerCase()
  const own = hostname().toLowerCase()
  return isIP(name) !== 0 || name === "localhost" || name === own || name === `${own}.local`
}

// A WebSocket in a browser or in Node 20 cannot set headers: the key may come as a subprotocol, as others do it.
const keyOf = (request: HttpServerRequest.HttpServerRequest): string | undefined =>
  /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? "")?.[1] ??
  /(?:^|,)\s*continuum\.key\.([\w-]+)/.exec(request.headers["sec-websocket-protocol"] ?? "")?.[1]

const digest = (text: string) => createHash("sha256").update(text).digest()
