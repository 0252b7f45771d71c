/**
 * The personas of a node as an actor, `continuum://<realm>/personas/self`: what other nodes may ask of them. An answer streams, and
 * the work stops when the node that asked no longer reads. Nothing is remembered here: who asks sends what was said before.
 */
import * as Actor from "@continuum/actors/Actor"
import { ActorError } from "@continuum/actors/ActorError"
import { Sampling, Turn } from "@continuum/genome/backend/Backend"
import { Effect, Schema, Stream } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import * as Limits from "./Limits.ts"
import { PersonaError } from "./PersonaError.ts"
import type { Personas } from "./Personas.ts"
import { AiText, PersonaSummary } from "./rpc.ts"
import { defaultName } from "./Templates.ts"
import { Trace } from "./Trace.ts"

export const kind = "personas"
export const name = "self"

export const Question = Schema.Struct({
  prompt: Schema.String,
  /** Name or id. Absent: the helper. */
  persona: Schema.optionalKey(Schema.String),
  /** What was said before, oldest first. */
  history: Schema.Array(Turn).check(Schema.isMaxLength(Limits.historyTurnsMax)),
  /** Names or content ids: answer by the model with exactly these. */
  layers: Schema.optionalKey(Schema.Array(Schema.String).check(Schema.isMaxLength(Limits.activeLayersMax))),
  sampling: Schema.optionalKey(Sampling),
  stop: Schema.optionalKey(Schema.Array(Schema.NonEmptyString)),
  tokensMax: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThan(0)))
})
export type Question = typeof Question.Type

/** The end of an answer: who gave it, why it ended, and how it came to be. */
export const Answered = Schema.TaggedStruct("Done", {
  persona: Schema.String,
  reason: Schema.Literals(["stop", "length"]),
  trace: Trace
})

export class PersonasActorRpcs extends RpcGroup.make(
  Rpc.make("list", { success: Schema.Array(PersonaSummary), error: ActorError }),
  Rpc.make("generate", {
    payload: Question,
    success: Schema.Union([AiText, Answered]),
    error: PersonaError,
    stream: true
  })
) {}

/** The actor type, over the personas of this node. */
export const make = (personas: Pick<Personas["Service"], "find" | "list" | "process">) =>
  Actor.fromRpcs(
    kind,
    PersonasActorRpcs,
    {
      state: { schema: Schema.Null, initial: null },
      handlers: {
        list: (state) => Effect.map(personas.list, (list) => Actor.reply(state, list)),
        generate: (state, { history, persona: wanted, ...event }) =>
          Effect.map(personas.find(wanted ?? defaultName), (persona) =>
            Actor.reply(
              state,
              Stream.map(
                personas.process(persona, { domain: "chat", context: { _tag: "History", turns: history }, ...event }),
                (change) => (change._tag === "Text" ? change : { ...change, persona })
              )
            )
          )
      }
    },
    { durable: false, accepts: (asked) => asked === name, askTimeout: Limits.answerTimeoutMs }
  )
export type PersonasActor = ReturnType<typeof make>
