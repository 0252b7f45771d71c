/**
 * What `/v1` calls models: the personas, by id (`teacher-ai`) or by name, and the bare base model without any persona, by
 * its name with or without the hash behind it (`continuum/tiny`).
 */
import { Backend, type End } from "@continuum/genome/backend/Backend"
import type { StateChange } from "@continuum/persona/Cognition"
import { Personas } from "@continuum/persona/Personas"
import { idOf } from "@continuum/persona/Templates"
import type { Trace } from "@continuum/persona/Trace"
import { Effect, Stream } from "effect"
import * as OpenAiError from "./OpenAiError.ts"
import type { OpenAiRequest } from "./OpenAiRequest.ts"

/** A piece of an answer; the last one says how it ended and what it took. */
export type Piece =
  | { readonly _tag: "Text"; readonly text: string }
  | {
      readonly _tag: "Done"
      readonly reason: "stop" | "length"
      readonly promptTokens: number
      readonly tokens: number
      /** How a persona came to its answer; the bare model has none. */
      readonly trace?: Trace
    }

/** Lists the models, finds one by what a client calls it, and answers by one. */
export const make = Effect.gen(function* () {
  const personas = yield* Personas
  const backend = yield* Backend

  const ids = Effect.gen(function* () {
    const { base } = yield* backend.capabilities
    return [...(yield* personas.list).map(({ id }) => id), shortOf(base)]
  }).pipe(Effect.mapError(OpenAiError.of))

  const find = Effect.fnUntraced(function* (wanted: string) {
    const { base } = yield* backend.capabilities
    if (wanted === base || wanted === shortOf(base)) return shortOf(base)
    return idOf(yield* Effect.mapError(personas.find(wanted), OpenAiError.of))
  })

  const answer = Effect.fnUntraced(function* ({ model, sampling, stop, tokensMax, turns }: OpenAiRequest) {
    const limits = { sampling, stop, ...(tokensMax === undefined ? {} : { tokensMax }) }
    const { base } = yield* backend.capabilities
    if (model === base || model === shortOf(base)) {
      return backend.generate({ turns, ...limits }).pipe(Stream.map(ofModel), Stream.mapError(OpenAiError.of))
    }
    const name = yield* Effect.mapError(personas.find(model), OpenAiError.of)
    const prompt = turns.at(-1)!
    if (prompt.role !== "user") {
      return yield* OpenAiError.badRequest("The last message must be from the user: it is the prompt", "messages")
    }
    const context = { _tag: "History" as const, turns: turns.slice(0, -1) }
    return personas
      .process(name, { domain: "chat", context, prompt: prompt.content, ...limits })
      .pipe(Stream.map(ofPersona), Stream.mapError(OpenAiError.of))
  })

  return { ids, find, answer }
})

/** `continuum/tiny@0123456789abcdef` without its hash. */
const shortOf = (base: string): string => base.replace(/@[0-9a-f]+$/, "")

const ofModel = (chunk: { readonly _tag: "Text"; readonly text: string } | typeof End.Type): Piece =>
  chunk._tag === "Text"
    ? chunk
    : {
        _tag: "Done",
        reason: chunk.reason,
        promptTokens: chunk.usage.promptTokens,
        tokens: chunk.usage.completionTokens
      }

const ofPersona = (change: StateChange): Piece => {
  if (change._tag === "Text") return change
  const { reason, trace } = change
  return { _tag: "Done", reason, promptTokens: trace.promptTokens, tokens: trace.tokens, trace }
}
