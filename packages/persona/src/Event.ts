/**
 * What a persona is asked to think about: one entry for every domain. Conversations are the first domain; code, games
 * and others join as values of `domain`.
 */
import { Sampling, Turn } from "@continuum/genome/backend/Backend"
import { Schema } from "effect"
import { ConversationId } from "./Conversation.ts"
import * as Limits from "./Limits.ts"

/** Where the event belongs. `history`: the caller keeps what was said, as OpenAI's clients do, and nothing is remembered here. */
export const Context = Schema.Union([
  Schema.TaggedStruct("Conversation", { id: ConversationId }),
  Schema.TaggedStruct("History", { turns: Schema.Array(Turn).check(Schema.isMaxLength(Limits.historyTurnsMax)) })
])
export type Context = typeof Context.Type

export const CognitiveEvent = Schema.Struct({
  domain: Schema.Literals(["chat"]),
  context: Context,
  prompt: Schema.String,
  /** Names or content ids: answer by the model with exactly these. Absent: the persona chooses among its own. */
  layers: Schema.optionalKey(Schema.Array(Schema.String).check(Schema.isMaxLength(Limits.activeLayersMax))),
  sampling: Schema.optionalKey(Sampling),
  stop: Schema.optionalKey(Schema.Array(Schema.NonEmptyString)),
  tokensMax: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThan(0))),
  /** 0 to 255, higher first: who is served before others that wait. Absent: the persona's own. */
  priority: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 })))
})
export type CognitiveEvent = typeof CognitiveEvent.Type
