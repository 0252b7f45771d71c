/**
 * A persona is an actor, `continuum://local/persona/Teacher%20AI`: what it wears and what it remembers are its durable
 * state. It answers nodes of its own realm alone.
 *
 * An answer takes long and an actor handles one message at a time, so a turn is two messages with the answer between
 * them: `begin` hands out what was said so far and keeps the conversation for this turn; `commit` appends question and
 * answer at once. Other conversations go on meanwhile. A turn that fails, is abandoned or dies with the process has
 * changed nothing; open turns are therefore not stored, and one that was never committed lets go after `turnMsMax`.
 */
import * as Actor from "@continuum/actors/Actor"
import { Turn } from "@continuum/genome/backend/Backend"
import { Clock, Effect, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import * as Conversation from "./Conversation.ts"
import * as Limits from "./Limits.ts"
import { resolve, type KnownLayer } from "./NamedLayer.ts"
import { ConversationBusy, LayerNameUnknown, PersonaBusy, TurnLost } from "./PersonaError.ts"
import { find, type Template } from "./Templates.ts"

export const kind = "persona"

export const State = Schema.Struct({
  /** Names of the layers it wears; null: those of its template. */
  layers: Schema.NullOr(Schema.Array(Schema.String)),
  conversations: Conversation.Conversations,
  /** Turns that it has answered and remembered. */
  answered: Schema.Int
})
export type State = typeof State.Type

export const Profile = Schema.Struct({
  name: Schema.String,
  role: Schema.String,
  layers: Schema.Array(Schema.String),
  priority: Schema.Int,
  conversations: Schema.Int,
  answered: Schema.Int
})
export type Profile = typeof Profile.Type

/** What an answer needs to know of the conversation. */
export const Begun = Schema.Struct({ turn: Schema.Int, history: Schema.Array(Turn) })

const conversation = { conversation: Conversation.ConversationId }

/** What a persona's actor takes. */
export class PersonaMessages extends RpcGroup.make(
  Rpc.make("profile", { payload: {}, success: Profile }),
  Rpc.make("begin", { payload: conversation, success: Begun, error: Schema.Union([ConversationBusy, PersonaBusy]) }),
  Rpc.make("commit", {
    payload: { ...conversation, turn: Schema.Int, question: Schema.String, answer: Schema.String },
    success: Schema.Void,
    error: TurnLost
  }),
  /** Ends a turn without an answer. One that is not open is no error. */
  Rpc.make("abandon", { payload: { ...conversation, turn: Schema.Int }, success: Schema.Void }),
  Rpc.make("recall", { payload: conversation, success: Schema.Array(Turn) }),
  Rpc.make("forget", { payload: conversation, success: Schema.Void }),
  /** Changes its layers, by name or content id, from the next turn on. */
  Rpc.make("wear", {
    payload: Schema.Array(Schema.String).check(Schema.isMaxLength(Limits.activeLayersMax)),
    success: Profile,
    error: LayerNameUnknown
  })
) {}

interface OpenTurn {
  readonly turn: number
  readonly sinceMs: number
}

/** The actor type `persona`. It exists for the names of the templates. `layers` are those that the node has. */
export const make = (layers: Effect.Effect<ReadonlyArray<KnownLayer>>) => {
  let turnsBegun = 0
  /** By name, then by conversation. */
  const open = new Map<string, Map<string, OpenTurn>>()
  const openOf = (name: string): Map<string, OpenTurn> => {
    const known = open.get(name)
    if (known !== undefined) return known
    const fresh = new Map<string, OpenTurn>()
    open.set(name, fresh)
    return fresh
  }

  return Actor.fromRpcs(
    kind,
    PersonaMessages,
    {
      state: { schema: State, initial: { layers: null, conversations: [], answered: 0 } as State },
      handlers: {
        profile: (state, _, { name }) => Actor.reply(state, profileOf(name, state)),
        begin: (state, { conversation }, { name }) =>
          Effect.gen(function* () {
            const sinceMs = yield* Clock.currentTimeMillis
            const openTurns = openOf(name)
            for (const [id, one] of openTurns) if (sinceMs - one.sinceMs >= Limits.turnMsMax) openTurns.delete(id)
            if (openTurns.has(conversation)) return yield* new ConversationBusy({ conversation })
            if (openTurns.size >= Limits.openTurnsMax) {
              return yield* new PersonaBusy({ name, openTurnsMax: Limits.openTurnsMax })
            }
            const turn = ++turnsBegun
            openTurns.set(conversation, { turn, sinceMs })
            return Actor.reply(state, { turn, history: Conversation.turnsOf(state.conversations, conversation) })
          }),
        commit: (state, { answer, conversation, question, turn }, { name }) =>
          Effect.gen(function* () {
            if (openOf(name).get(conversation)?.turn !== turn) return yield* new TurnLost({ conversation })
            openOf(name).delete(conversation)
            const conversations = Conversation.append(state.conversations, conversation, question, answer)
            return Actor.reply({ ...state, conversations, answered: state.answered + 1 }, undefined)
          }),
        abandon: (state, { conversation, turn }, { name }) => {
          if (openOf(name).get(conversation)?.turn === turn) openOf(name).delete(conversation)
          return Actor.reply(state, undefined)
        },
        recall: (state, { conversation }) =>
          Actor.reply(state, Conversation.turnsOf(state.conversations, conversation)),
        forget: (state, { conversation }, { name }) => {
          openOf(name).delete(conversation)
          return Actor.reply(
            { ...state, conversations: Conversation.without(state.conversations, conversation) },
            undefined
          )
        },
        wear: (state, names, { name }) =>
          Effect.gen(function* () {
            const worn = yield* resolve(yield* layers, names)
            const next = { ...state, layers: worn.map((layer) => layer.name) }
            return Actor.reply(next, profileOf(name, next))
          })
      }
    },
    // What it remembers is its owner's. Other nodes ask `personas`, which remembers nothing.
    {
      exposed: "realm",
      accepts: (name) => Effect.andThen(Effect.yieldNow, Effect.succeed(templateOf(name) !== undefined))
    }
  )
}
export type Persona = ReturnType<typeof make>

/** Addresses are exact: `teacher-ai` is how programs write the name, and no second actor. */
const templateOf = (name: string): Template | undefined => {
  const template = find(name)
  return template?.name === name ? template : undefined
}

const profileOf = (name: string, state: State): Profile => {
  const template = templateOf(name)!
  return {
    name,
    role: template.role,
    layers: state.layers ?? template.layers,
    priority: template.priority,
    conversations: state.conversations.length,
    answered: state.answered
  }
}
