/**
 * Errors as OpenAI's clients know them: a status and `{error: {message, type, param, code}}`
 * (https://platform.openai.com/docs/guides/error-codes). The clients decide by the status whether to try again: they do
 * for 429 and from 500 on.
 */
import type { ActorError } from "@continuum/actors/ActorError"
import type { RemoteError } from "@continuum/actors/RemoteError"
import type { ProcessError } from "@continuum/persona/Cognition"
import { Schema } from "effect"
import { HttpServerResponse } from "effect/http"

/** A request that gets no answer. */
export class OpenAiError extends Schema.TaggedError<OpenAiError>()("OpenAiError", {
  status: Schema.Int,
  message: Schema.String,
  /** The field of the request that is wrong, such as `messages.0.content`. */
  param: Schema.NullOr(Schema.String),
  code: Schema.NullOr(Schema.String)
}) {}

/** The request itself is wrong. */
export const badRequest = (message: string, param: string | null = null, code: string | null = null): OpenAiError =>
  new OpenAiError({ status: 400, message, param, code })

/** An answer in progress, of a node that stops. */
export const stopping = new OpenAiError({
  status: 503,
  message: "The node is stopping. Ask again when it is back",
  param: null,
  code: "stopping"
})

/** What a persona or the model failed with. */
export const of = (error: ProcessError | ActorError | RemoteError): OpenAiError => {
  const { message } = error
  const answer = (status: number, code: string | null, param: string | null = null) =>
    new OpenAiError({ status, message, param, code })
  switch (error._tag) {
    case "PersonaUnknown":
      return answer(404, "model_not_found", "model")
    case "PromptTooLong":
    case "PromptTooLarge":
      return answer(400, "context_length_exceeded", "messages")
    case "PromptEmpty":
    case "RequestMalformed":
    case "LayerNameUnknown":
    case "LayerUnknown":
    case "LayerForOtherBase":
    case "LayerUnfit":
      return answer(400, null)
    case "NotGranted":
    case "NotExposed":
      return answer(403, "not_granted", "model")
    case "PeerUnreachable":
    case "TransportLost":
      return answer(502, "peer_unreachable")
    case "ConversationBusy":
    case "PersonaBusy":
    case "AnswerTooLong":
    case "BackendBusy":
    case "MailboxFull":
    case "StreamsFull":
      return answer(503, "overloaded")
    default:
      return answer(500, null)
  }
}

/** The error object, as it stands in a response and in a stream. */
export const body = ({ code, message, param, status }: OpenAiError) => ({
  error: { message, type: status < 500 ? "invalid_request_error" : "server_error", param, code }
})

export const response = (error: OpenAiError): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.jsonUnsafe(body(error), {
    status: error.status,
    ...(error.status === 503 ? { headers: { "retry-after": "1" } } : {})
  })
