/**
 * How a door of the node says no, in one shape for all: `{"error": {"tag", "message"}}` with the status; below `/v1` with the
 * fields that OpenAI's clients read, too. docs/PROTOCOL.md lists the tags.
 */
import { Cause } from "effect"
import { HttpServerError, HttpServerResponse } from "effect/http"

/** The largest request body: an envelope of 16 MiB with the overhead of its encoding as JSON. */
export const bodyBytesMax = 24 * 1024 * 1024

/** `path`: of the request, where the door may be OpenAI's. */
export const refuse = (
  status: number,
  tag: string,
  message: string,
  path = ""
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.jsonUnsafe(
    { error: { tag, message, ...(path.startsWith("/v1/") ? openAiFields(status) : {}) } },
    { status }
  )

/** https://platform.openai.com/docs/guides/error-codes */
const openAiFields = (status: number) => ({
  type: status < 500 ? "invalid_request_error" : "server_error",
  param: null,
  code: status === 401 ? "invalid_api_key" : null
})

export const bodyTooLarge = (path: string) =>
  refuse(413, "BodyTooLarge", `The body is larger than ${bodyBytesMax} bytes`, path)

/**
 * The refusal that a failed route comes down to: no route of that path, or a body that cannot be read. effect/http would
 * answer with an empty body. Undefined for everything else, such as a broken invariant or a client that has gone.
 */
export const ofCause = (
  cause: Cause.Cause<unknown>,
  method: string,
  path: string
): HttpServerResponse.HttpServerResponse | undefined => {
  for (const reason of cause.reasons) {
    const error = Cause.isFailReason(reason) ? reason.error : Cause.isDieReason(reason) ? reason.defect : undefined
    if (!HttpServerError.isHttpServerError(error)) continue
    if (error.reason._tag === "RouteNotFound") {
      const asked = `${method} ${path.slice(0, pathCharactersMax)}`
      return refuse(404, "RouteUnknown", `Nothing answers to ${asked}. See / for what does`, path)
    }
    if (error.reason._tag === "RequestParseError") {
      return error.reason.reason === "BodyTooLarge"
        ? bodyTooLarge(path)
        : refuse(400, "BodyMalformed", "The body could not be read", path)
    }
  }
  return undefined
}

// Chosen, not measured: a stranger's path comes back to him, cut off.
const pathCharactersMax = 200
