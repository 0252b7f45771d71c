/**
 * A chat completion as OpenAI's clients ask for it (https://platform.openai.com/docs/api-reference/chat/create), decoded
 * into what a model here takes. What would change the answer and cannot be done is refused by name; what only decorates a
 * request (`user`, `metadata`, `store`, ...) is ignored, as unknown fields are.
 */
import { type Sampling, Turn } from "@continuum/genome/backend/Backend"
import { stopTextLengthMax, stopTextsMax, turnsMax } from "@continuum/genome/Limits"
import { Effect, Schema, SchemaIssue } from "effect"
import { badRequest, type OpenAiError } from "./OpenAiError.ts"

const optional = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))
const between = (minimum: number, maximum: number) => Schema.Finite.check(Schema.isBetween({ minimum, maximum }))
const count = Schema.Int.check(Schema.isGreaterThan(0))

/** Of any kind; all but text is refused by name. */
const Part = Schema.Struct({ type: Schema.String, text: Schema.optionalKey(Schema.String) })
const Message = Schema.Struct({
  role: Schema.Literals(["system", "developer", "user", "assistant", "tool", "function"]),
  /** Null, or left out, where an assistant only called a tool. */
  content: optional(Schema.Union([Schema.String, Schema.Array(Part)]))
})
const StopText = Schema.NonEmptyString.check(Schema.isMaxLength(stopTextLengthMax))

const Body = Schema.Struct({
  model: Schema.NonEmptyString,
  messages: Schema.Array(Message).check(Schema.isMinLength(1), Schema.isMaxLength(turnsMax)),
  stream: optional(Schema.Boolean),
  stream_options: optional(Schema.Struct({ include_usage: optional(Schema.Boolean) })),
  max_tokens: optional(count),
  max_completion_tokens: optional(count),
  temperature: optional(between(0, 2)),
  top_p: optional(between(0, 1)),
  seed: optional(Schema.Int),
  stop: optional(Schema.Union([StopText, Schema.Array(StopText).check(Schema.isMaxLength(stopTextsMax))])),
  n: optional(Schema.Int),
  logprobs: optional(Schema.Boolean),
  tool_choice: optional(Schema.Unknown),
  function_call: optional(Schema.Unknown),
  logit_bias: optional(Schema.Record(Schema.String, Schema.Finite)),
  modalities: optional(Schema.Array(Schema.String)),
  audio: optional(Schema.Unknown),
  response_format: optional(Schema.Struct({ type: Schema.String })),
  frequency_penalty: optional(Schema.Finite),
  presence_penalty: optional(Schema.Finite)
})

export interface OpenAiRequest {
  readonly model: string
  readonly turns: ReadonlyArray<Turn>
  readonly sampling: Sampling
  readonly stop: ReadonlyArray<string>
  readonly tokensMax: number | undefined
  readonly stream: boolean
  readonly includeUsage: boolean
}

/** Reads the text of a body. Fails with what is wrong, where. */
export const parse = Effect.fnUntraced(function* (text: string): Effect.fn.Return<OpenAiRequest, OpenAiError> {
  const json = yield* Effect.try({
    try: () => JSON.parse(text) as unknown,
    catch: () => badRequest("The body is not JSON. Send an object with model and messages")
  })
  const body = yield* Effect.mapError(decode(json), ({ issue }) => malformed(issue))
  yield* refuseWhatIsMissing(body)
  const { temperature, top_p: topP, seed } = body
  const tokensMax = body.max_completion_tokens ?? body.max_tokens ?? undefined
  return {
    model: body.model,
    turns: yield* Effect.forEach(body.messages, turnOf),
    sampling: {
      ...(typeof temperature === "number" ? { temperature } : {}),
      ...(typeof topP === "number" ? { topP } : {}),
      ...(typeof seed === "number" ? { seed } : {})
    },
    stop: body.stop === undefined || body.stop === null ? [] : [body.stop].flat(),
    tokensMax,
    stream: body.stream === true,
    includeUsage: body.stream_options?.include_usage === true
  }
})

/** What a tool said sets the scene, as a system message does. */
const roles = {
  system: "system",
  developer: "system",
  tool: "system",
  function: "system",
  user: "user",
  assistant: "assistant"
} as const

const turnOf = ({ content, role }: typeof Message.Type, index: number): Effect.Effect<Turn, OpenAiError> => {
  const param = `messages.${index}.content`
  if (content === undefined || content === null) {
    return role === "assistant"
      ? Effect.succeed({ role, content: "" })
      : Effect.fail(badRequest(`Invalid value for '${param}': a message of the role ${role} needs a text`, param))
  }
  const parts = typeof content === "string" ? [{ type: "text", text: content }] : content
  const other = parts.find(({ text, type }) => type !== "text" || text === undefined)
  if (other !== undefined) {
    const what = `a part of the type "${other.type.slice(0, 40)}" is not read here, only {"type": "text", "text": ...}`
    return Effect.fail(badRequest(`Invalid value for '${param}': ${what}`, param, "unsupported_parameter"))
  }
  return Effect.succeed({ role: roles[role], content: parts.map(({ text }) => text).join("") })
}

const decode = Schema.decodeUnknownEffect(Body)
const issuesOf = SchemaIssue.makeFormatterStandardSchemaV1()

/** The first thing that is wrong. */
const malformed = (issue: SchemaIssue.Issue): OpenAiError => {
  const first = issuesOf(issue).issues[0]
  const param = (first?.path ?? []).map((key) => String(typeof key === "object" ? key.key : key)).join(".")
  const what = first?.message ?? "it has the wrong form"
  return badRequest(param === "" ? what : `Invalid value for '${param}': ${what}`, param === "" ? null : param)
}

/** An answer that ignored one of these would not be what was asked for. */
const refuseWhatIsMissing = (body: typeof Body.Type): Effect.Effect<void, OpenAiError> => {
  const refuse = (param: string, why: string) =>
    Effect.fail(badRequest(`'${param}' is not supported here: ${why}`, param, "unsupported_parameter"))
  if (typeof body.n === "number" && body.n !== 1) return refuse("n", "one request gets one answer, so n must be 1")
  if (body.logprobs === true) return refuse("logprobs", "token probabilities are not given out")
  if (typeof body.response_format?.type === "string" && body.response_format.type !== "text") {
    return refuse("response_format", "answers are text")
  }
  for (const param of ["tool_choice", "function_call"] as const) {
    const choice = body[param]
    if (choice === "required" || (typeof choice === "object" && choice !== null)) {
      return refuse(param, "tools are never called; leave it out or set it to auto or none")
    }
  }
  if (Object.keys(body.logit_bias ?? {}).length > 0) {
    return refuse("logit_bias", "the probabilities of single tokens cannot be changed; leave it out")
  }
  if (body.modalities?.some((one) => one !== "text") === true || (body.audio ?? null) !== null) {
    return refuse(body.audio === undefined ? "modalities" : "audio", "answers are text; leave it out")
  }
  for (const param of ["frequency_penalty", "presence_penalty"] as const) {
    if (typeof body[param] === "number" && body[param] !== 0) return refuse(param, "it must be 0")
  }
  return Effect.void
}
