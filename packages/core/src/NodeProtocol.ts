/**
 * How `NodeClient` speaks to a node: effect/rpc over HTTP POST or WebSocket at `<url>/rpc`, one JSON document a line,
 * the key in the `Authorization` header, no redirects. `typedCause` names what goes wrong on the way.
 */
import { Cause, Effect, Layer, Redacted, Schema, SchemaIssue, Stream } from "effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as RpcClient from "effect/rpc/RpcClient"
import * as RpcClientError from "effect/rpc/RpcClientError"
import * as RpcSerialization from "effect/rpc/RpcSerialization"
import * as Socket from "effect/socket/Socket"
import { nodeAnswerBytesMax } from "./Limits.ts"
import * as Errors from "./NodeClientError.ts"

/** Where the node is, and the key that opens it. */
export interface Options {
  /** Such as `http://127.0.0.1:3000`. A trailing slash is ignored. */
  readonly url: string
  /** The content of `<home>/api-key`. Without it every call is answered with `NodeRefused`. */
  readonly apiKey?: string | Redacted.Redacted<string> | undefined
}

/**
 * Opens a WebSocket with handshake headers, which the standard constructor cannot:
 * `(url, { headers }) => new WS(url, { headers })` with `WS` from the package `ws`, which Node 20 needs.
 */
export type WebSocketConstructor = (
  url: string,
  options: { readonly headers: Readonly<Record<string, string>> }
) => Socket.WebSocketLike

/** One POST for each call. */
export const layerHttp = (options: Options): Layer.Layer<RpcClient.Protocol> =>
  RpcClient.layerProtocolHttp({
    url: endpointOf(options.url),
    transformClient: (client) =>
      client.pipe(
        HttpClient.mapRequest(HttpClientRequest.setHeaders(headersOf(options))),
        HttpClient.transformResponse(Effect.flatMap(failOnStatus))
      ) as typeof client
  }).pipe(
    Layer.provide([layerSerialization, FetchHttpClient.layer]),
    Layer.provide(Layer.succeed(FetchHttpClient.RequestInit, { redirect: "error" }))
  )

/**
 * One WebSocket for all calls, opened at once and again after it was lost. Without a constructor the global one is used,
 * and the key goes as the subprotocol `continuum.key.<key>`, because a browser's WebSocket sends no headers of ours.
 * Dies where there is neither.
 */
export const layerWebSocket = (options: Options & { readonly webSocket?: WebSocketConstructor | undefined }) =>
  RpcClient.layerProtocolSocket().pipe(
    Layer.provide([
      layerSerialization,
      Layer.effect(Socket.Socket, Socket.makeWebSocket(endpointOf(options.url).replace(/^http/, "ws")))
    ]),
    Layer.provide(
      Layer.sync(Socket.WebSocketConstructor, () => {
        const { webSocket } = options
        if (webSocket !== undefined) return (url) => webSocket(url, { headers: headersOf(options) })
        if (globalThis.WebSocket === undefined) {
          throw new TypeError("This runtime has no WebSocket: pass one as `webSocket`, such as that of the package ws")
        }
        const key = keyOf(options)
        return (url) => new globalThis.WebSocket(url, key === undefined ? [] : [`continuum.key.${key}`])
      })
    )
  )

/**
 * effect/rpc's NDJSON, with chunks put together once for each line. By itself it searches all it holds again at each
 * chunk: 20 MB of answer took 1.5 s (Bun) to 9 s (Node) that way.
 */
const makeSerialization = (): RpcSerialization.RpcSerialization["Service"] => {
  const ndjson = RpcSerialization.makeNdjson({ maxBufferSize: nodeAnswerBytesMax })
  return {
    ...ndjson,
    makeUnsafe: () => {
      const parser = ndjson.makeUnsafe()
      let line: Array<Uint8Array> = []
      let lineBytes = 0
      const decode = (data: Uint8Array | string) => {
        if (typeof data === "string") return parser.decode(data)
        line.push(data)
        lineBytes += data.length
        if (lineBytes > nodeAnswerBytesMax) {
          throw new RpcSerialization.MaxBufferSizeExceeded({ maxBufferSize: nodeAnswerBytesMax })
        }
        if (!data.includes(newline)) return []
        const whole = line.length === 1 ? data : new Uint8Array(lineBytes)
        let at = 0
        if (line.length > 1) for (const chunk of line) whole.set(chunk, (at += chunk.length) - chunk.length)
        line = []
        lineBytes = 0
        return parser.decode(whole)
      }
      return { encode: parser.encode, decode }
    }
  }
}

const newline = 0x0a

const layerSerialization = Layer.sync(RpcSerialization.RpcSerialization, makeSerialization)

const endpointOf = (url: string): string => `${url.replace(/\/+$/, "")}/rpc`

const headersOf = (options: Options): Record<string, string> => {
  const key = keyOf(options)
  return key === undefined ? {} : { authorization: `Bearer ${key}` }
}

const keyOf = ({ apiKey }: Options): string | undefined =>
  (Redacted.isRedacted(apiKey) ? Redacted.value(apiKey) : apiKey)?.trim()

/**
 * effect/rpc reads the body whatever it is. Here another status than success fails, with what the node said, and so does
 * a body that is no JSON, such as a web page.
 */
const failOnStatus = (
  response: HttpClientResponse.HttpClientResponse
): Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError> =>
  response.status >= 200 && response.status < 300 && isNdjson(response)
    ? Effect.succeed(response)
    : Effect.flatMap(firstText(response), (description) =>
        Effect.fail(
          new HttpClientError.HttpClientError({
            reason: new HttpClientError.StatusCodeError({ request: response.request, response, description })
          })
        )
      )

/** Whether a body can be a node's answer: its door speaks NDJSON and says so. */
const isNdjson = (response: HttpClientResponse.HttpClientResponse): boolean =>
  /^application\/[\w.+-]*json\b/.test(response.headers["content-type"] ?? "")

/** The message in an error's body, or its first words. Only the first chunk is read: it may come from anyone. */
const firstText = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<string> =>
  response.stream.pipe(
    Stream.take(1),
    Stream.decodeText(),
    Stream.mkString,
    Effect.map((text) => messageIn(text).slice(0, refusalCharactersMax).trim()),
    Effect.orElseSucceed(() => "")
  )

// Chosen, not measured: enough for a sentence and a hint.
const refusalCharactersMax = 400

const messageIn = (text: string): string => {
  try {
    const body = JSON.parse(text)
    const message = body?.error?.message ?? body?.message ?? body?.error
    return typeof message === "string" ? message : text
  } catch {
    return text
  }
}

/** Declared errors and interruptions stay; what the transport, the codec or the node's defects say becomes typed. */
export const typedCause = (cause: Cause.Cause<unknown>, url: string, call: string): Cause.Cause<unknown> =>
  Cause.fromReasons(
    cause.reasons.map((reason) => {
      if (Cause.isDieReason(reason)) return Cause.makeFailReason(fromDefect(reason.defect, url, call))
      if (Cause.isFailReason(reason) && reason.error instanceof RpcClientError.RpcClientError) {
        return Cause.makeFailReason(fromTransport(reason.error.reason, url))
      }
      return reason
    })
  )

const fromDefect = (defect: unknown, url: string, call: string): Errors.NodeClientError =>
  Schema.isSchemaError(defect)
    ? new Errors.NodeAnswerMalformed({ url, reason: `its answer to "${call}" does not fit: ${textOf(defect)}` })
    : new Errors.NodeFailed({ url, call, reason: textOf(defect) })

const fromTransport = (reason: RpcClientError.RpcClientError["reason"], url: string): Errors.NodeClientError => {
  switch (reason._tag) {
    case "HttpError": {
      const cause = reason.cause as HttpClientError.HttpClientErrorReason
      if (cause._tag === "StatusCodeError") return fromStatus(cause, url)
      if (cause._tag === "InvalidUrlError") return new Errors.NodeUnreachable({ url, reason: "it is not a URL" })
      const detail = textOf(cause.cause ?? cause.description)
      if (isConnectFailure(detail)) return new Errors.NodeUnreachable({ url, reason: detail })
      return isNoHttp(detail)
        ? new Errors.NotANode({ url, reason: "it does not speak HTTP" })
        : new Errors.NodeConnectionLost({ url, reason: detail })
    }
    case "SocketOpenError": {
      const detail = textOf(reason.cause)
      const status = /\b(401|403)\b/.exec(detail)?.[1]
      return status === undefined
        ? new Errors.NodeUnreachable({ url, reason: detail })
        : new Errors.NodeRefused({ url, status: status === "401" ? 401 : 403, reason: detail })
    }
    case "RpcClientDefect":
      return reason.message.includes("ended before")
        ? new Errors.NodeConnectionLost({ url, reason: "the answer ended early" })
        : new Errors.NodeAnswerMalformed({ url, reason: reason.message })
    default:
      return new Errors.NodeConnectionLost({ url, reason: textOf(reason) })
  }
}

const fromStatus = (error: HttpClientError.StatusCodeError, url: string): Errors.NodeClientError => {
  const { headers, status } = error.response
  if (status === 401 || status === 403 || status === 413) {
    return new Errors.NodeRefused({ url, status, reason: error.description || refusals[status] })
  }
  const what = status < 300 ? (headers["content-type"] ?? "a body without a type") : `status ${status}`
  return new Errors.NotANode({ url, reason: `it answered with ${what}` })
}

/** What a status of refusal means where the node says no more. */
const refusals = {
  401: "the key is missing or wrong",
  403: "it is forbidden",
  413: "the call is larger than it takes"
} as const

/**
 * fetch says why it could not connect in the words of its runtime (Node, Bun, Deno): as codes or as prose. The last two
 * are ports that Node and Deno never connect to, such as 6000, because browsers do not.
 */
const isConnectFailure = (detail: string): boolean =>
  /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|CONNECT_TIMEOUT|ConnectionRefused|FailedToOpenSocket|Unable to connect|client error \(Connect\)|bad port|Requests to port \d+ are blocked/.test(
    detail
  )

/** The same three on an answer that is no HTTP. A connection that ends without a byte is not among these. */
const isNoHttp = (detail: string): boolean =>
  /HPE_INVALID|Malformed_HTTP_Response|invalid HTTP version|does not match the HTTP/.test(detail)

const formatIssue = SchemaIssue.makeFormatterDefault()

/** The messages and codes of an error and its causes, outermost first. */
export const textOf = (error: unknown): string => {
  const texts: Array<string> = []
  for (let at = error, depth = 0; at !== undefined && at !== null && depth < causeDepthMax; depth++) {
    if (typeof at !== "object") {
      texts.push(String(at))
      break
    }
    const { cause, code, message } = at as { cause?: unknown; code?: unknown; message?: unknown }
    if (SchemaIssue.isIssue(cause)) {
      // A schema's error says that it failed; its issue says where.
      texts.push(formatIssue(cause).replaceAll(/\s*\n\s*/g, " "))
      break
    }
    if (typeof message === "string" && message !== "") texts.push(message)
    if (typeof code === "string" && !texts.some((text) => text.includes(code))) texts.push(code)
    at = cause
  }
  return texts.length === 0 ? "no reason was given" : texts.join(": ")
}

// Chosen, not measured: real chains have two or three; a cycle must end.
const causeDepthMax = 8
