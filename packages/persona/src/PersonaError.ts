/**
 * What a question to a persona can fail with, besides the errors of actors and of the model. All of it can cross the wire.
 */
import { ActorError } from "@continuum/actors/ActorError"
import { BackendError } from "@continuum/genome/backend/BackendError"
import { Schema } from "effect"

/** No persona has this name. */
export class PersonaUnknown extends Schema.TaggedError<PersonaUnknown>()("PersonaUnknown", {
  name: Schema.String,
  /** The nearest names, best first; all of them when none is near. */
  nearest: Schema.Array(Schema.String)
}) {
  override get message() {
    const hint = this.nearest.length === 0 ? "" : ` Did you mean ${this.nearest.map((one) => `"${one}"`).join(" or ")}?`
    return `There is no persona "${this.name}".${hint} See personas/list`
  }
}

/** No layer has this name or content id. */
export class LayerNameUnknown extends Schema.TaggedError<LayerNameUnknown>()("LayerNameUnknown", {
  name: Schema.String,
  nearest: Schema.Array(Schema.String)
}) {
  override get message() {
    const hint = this.nearest.length === 0 ? "" : ` Did you mean ${this.nearest.map((one) => `"${one}"`).join(" or ")}?`
    return `There is no layer "${this.name}".${hint} See layers/list`
  }
}

/** There is nothing to answer. */
export class PromptEmpty extends Schema.TaggedError<PromptEmpty>()("PromptEmpty", {}) {
  override get message() {
    return "The prompt is empty. Write a question"
  }
}

/** The prompt is longer than any persona reads. */
export class PromptTooLarge extends Schema.TaggedError<PromptTooLarge>()("PromptTooLarge", {
  bytes: Schema.Int,
  bytesMax: Schema.Int
}) {
  override get message() {
    return `The prompt has ${this.bytes} bytes and a persona reads at most ${this.bytesMax}. Ask in fewer words`
  }
}

/** The conversation has a turn that is still being answered. */
export class ConversationBusy extends Schema.TaggedError<ConversationBusy>()("ConversationBusy", {
  conversation: Schema.String
}) {
  override get message() {
    return `The conversation "${this.conversation}" waits for an answer already. Wait for it, or use another conversation`
  }
}

/** The persona answers as many prompts as it can. */
export class PersonaBusy extends Schema.TaggedError<PersonaBusy>()("PersonaBusy", {
  name: Schema.String,
  openTurnsMax: Schema.Int
}) {
  override get message() {
    return `"${this.name}" is answering ${this.openTurnsMax} prompts already. Try again later`
  }
}

/** The answer took longer than a turn of the ThoughtStream may, and was given up for others that wait. */
export class AnswerTooLong extends Schema.TaggedError<AnswerTooLong>()("AnswerTooLong", {
  persona: Schema.String,
  turnMsMax: Schema.Number
}) {
  override get message() {
    return (
      `The answer of "${this.persona}" took longer than ${this.turnMsMax} ms and was given up, so that others get theirs. ` +
      "Ask for less, or read it faster"
    )
  }
}

/** The answer came too late to be remembered: its conversation went on without it, or was forgotten. */
export class TurnLost extends Schema.TaggedError<TurnLost>()("TurnLost", { conversation: Schema.String }) {
  override get message() {
    return `The conversation "${this.conversation}" went on without this answer, which took too long. Ask again`
  }
}

/** A persona that only another node has was asked to remember. */
export class ConversationElsewhere extends Schema.TaggedError<ConversationElsewhere>()("ConversationElsewhere", {
  conversation: Schema.String
}) {
  override get message() {
    return (
      `The conversation "${this.conversation}" cannot be remembered: what is said to personas of other nodes is remembered by the ` +
      "one of the same name here, and there is none. Leave out --conversation, or see personas/list"
    )
  }
}

/** What the persona itself refuses. */
export const CognitionError = Schema.Union([
  PersonaUnknown,
  LayerNameUnknown,
  PromptEmpty,
  PromptTooLarge,
  ConversationBusy,
  PersonaBusy,
  AnswerTooLong,
  TurnLost
])
export type CognitionError = typeof CognitionError.Type

/** Everything that a question to a persona can fail with. */
export const PersonaError = Schema.Union([...CognitionError.members, ...BackendError.members, ...ActorError.members])
export type PersonaError = typeof PersonaError.Type
