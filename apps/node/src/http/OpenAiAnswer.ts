/**
 * An answer in the forms of OpenAI's API: one object (https://platform.openai.com/docs/api-reference/chat/object), or
 * server-sent events of its pieces (https://platform.openai.com/docs/api-reference/chat/streaming), which end with
 * `[DONE]`. One field is ours: `continuum` has the trace of a persona's answer.
 */
import { Cause, Effect, Stream } from "effect"
import * as OpenAiError from "./OpenAiError.ts"
import type { Piece } from "./OpenAiModels.ts"

/** What stands in every object of one answer. */
export interface Head {
  readonly id: string
  /** Seconds since the epoch. */
  readonly created: number
  readonly model: string
}

/** The whole answer as one object. */
export const whole = Effect.fnUntraced(function* (head: Head, answer: Stream.Stream<Piece, OpenAiError.OpenAiError>) {
  const pieces = yield* Stream.runCollect(answer)
  const done = pieces.find((piece) => piece._tag === "Done")
  if (done === undefined) return yield* Effect.die(new Error("An answer ended without saying why"))
  const content = pieces.map((piece) => (piece._tag === "Text" ? piece.text : "")).join("")
  return {
    ...head,
    object: "chat.completion",
    choices: [
      {
        index: 0,
        message: { role: "assistant", content, refusal: null },
        logprobs: null,
        finish_reason: done.reason
      }
    ],
    usage: usageOf(done),
    ...traceOf(done)
  }
})

/**
 * The answer as server-sent events, the role and what was there `first` in one write. A failure in the middle is told as an
 * event, and then the stream ends.
 */
export const events = (
  head: Head,
  first: ReadonlyArray<Piece>,
  answer: Stream.Stream<Piece, OpenAiError.OpenAiError>,
  includeUsage: boolean
): Stream.Stream<Uint8Array> => {
  const usage = includeUsage ? { usage: null } : {}
  const chunk = (delta: object, finishReason: "stop" | "length" | null, more: object = {}) => ({
    ...head,
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
    ...usage,
    ...more
  })
  const chunksOf = (piece: Piece): ReadonlyArray<object> =>
    piece._tag === "Text"
      ? [chunk({ content: piece.text }, null)]
      : [
          chunk({}, piece.reason, traceOf(piece)),
          ...(includeUsage ? [{ ...head, object: "chat.completion.chunk", choices: [], usage: usageOf(piece) }] : [])
        ]
  return Stream.fromIterable([chunk({ role: "assistant", content: "" }, null), ...first.flatMap(chunksOf)]).pipe(
    Stream.concat(Stream.flatMap(answer, (piece) => Stream.fromIterable(chunksOf(piece)))),
    Stream.map((data) => event(JSON.stringify(data))),
    Stream.concat(Stream.succeed(event("[DONE]"))),
    Stream.catchCause((cause) => Stream.succeed(event(JSON.stringify(OpenAiError.body(failureOf(cause)))))),
    Stream.encodeText
  )
}

const event = (data: string): string => `data: ${data}\n\n`

const usageOf = ({ promptTokens, tokens }: Extract<Piece, { _tag: "Done" }>) => ({
  prompt_tokens: promptTokens,
  completion_tokens: tokens,
  total_tokens: promptTokens + tokens
})

const traceOf = ({ trace }: Extract<Piece, { _tag: "Done" }>) => (trace === undefined ? {} : { continuum: trace })

/** A defect stays in the log of the node: its words are not for clients. */
const failureOf = (cause: Cause.Cause<OpenAiError.OpenAiError>): OpenAiError.OpenAiError =>
  cause.reasons.find(Cause.isFailReason)?.error ??
  new OpenAiError.OpenAiError({ status: 500, message: "The node failed; see its logs", param: null, code: null })
