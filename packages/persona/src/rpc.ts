/**
 * The part of a node's RPC contract that asks personas. Schemas only.
 */
import { ActorError } from "@continuum/actors/ActorError"
import { RemoteError } from "@continuum/actors/RemoteError"
import { ActorSummary } from "@continuum/actors/rpc"
import { Sampling } from "@continuum/genome/backend/Backend"
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { ConversationId } from "./Conversation.ts"
import * as Limits from "./Limits.ts"
import { ConversationElsewhere, PersonaError } from "./PersonaError.ts"
import { Trace } from "./Trace.ts"

export const PersonaSummary = Schema.Struct({
  name: Schema.String,
  /** As programs write the name, such as `teacher-ai`. */
  id: Schema.String,
  address: Schema.String,
  role: Schema.String,
  /** Name of the base model. */
  base: Schema.String,
  /** Names of the layers it wears, in order. */
  layers: Schema.Array(Schema.String),
  /** 0 to 255, higher first. */
  priority: Schema.Int,
  state: ActorSummary.fields.state,
  /** Conversations that it remembers. */
  conversations: Schema.Int,
  /** Turns that it has answered and remembered. */
  answered: Schema.Int
})
export type PersonaSummary = typeof PersonaSummary.Type

const mesh = Schema.optionalKey(Schema.String)

/** A piece of an answer. */
export const AiText = Schema.TaggedStruct("Text", { text: Schema.String })
/** The last message of an answer. `length`: it was cut off by `tokensMax` or by the context. */
export const AiDone = Schema.TaggedStruct("Done", {
  persona: Schema.String,
  /** Name of the node that answered, and its key. */
  node: Schema.String,
  nodeKey: Schema.String,
  reason: Schema.Literals(["stop", "length"]),
  trace: Trace
})
export type AiDone = typeof AiDone.Type
export const AiChunk = Schema.Union([AiText, AiDone])
export type AiChunk = typeof AiChunk.Type

export const AiRequest = Schema.Struct({
  prompt: Schema.String,
  /** Name or id. Absent: the helper. */
  persona: Schema.optionalKey(Schema.String),
  /** Names or content ids: the model answers with exactly these; none is the bare base model. */
  layers: Schema.optionalKey(Schema.Array(Schema.String).check(Schema.isMaxLength(Limits.activeLayersMax))),
  /** Whose persona: `local`, or a peer by name or public key. Default `local`. */
  mesh,
  /** What was said is remembered under this name, by the persona of this node. Absent: nothing is remembered. */
  conversation: Schema.optionalKey(ConversationId),
  sampling: Schema.optionalKey(Sampling),
  tokensMax: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThan(0))),
  /** 0 to 255, higher first: who is served before others that wait, on this node. Absent: the persona's own. */
  priority: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 })))
})
export type AiRequest = typeof AiRequest.Type

export class PersonaRpcs extends RpcGroup.make(
  /** The answer of a persona: texts, then one `Done`. It stops when the client goes. */
  Rpc.make("ai.generate", {
    payload: AiRequest.fields,
    success: AiChunk,
    error: Schema.Union([...PersonaError.members, ...RemoteError.members, ConversationElsewhere]),
    stream: true
  }),
  /** Of this node, or of a peer. */
  Rpc.make("personas.list", {
    payload: { mesh },
    success: Schema.Array(PersonaSummary),
    error: Schema.Union([...ActorError.members, ...RemoteError.members])
  })
) {}
