/**
 * What a persona remembers of its conversations. Plain data and functions of it: each returns new conversations and
 * leaves the old ones as they are, so a turn that fails half-way has changed nothing.
 */
import { Turn } from "@continuum/genome/backend/Backend"
import { Schema } from "effect"
import * as Limits from "./Limits.ts"

export const ConversationId = Schema.NonEmptyString.check(Schema.isMaxLength(Limits.conversationIdLengthMax))

export const Conversation = Schema.Struct({
  id: ConversationId,
  /** Questions and answers by turns, oldest first. */
  turns: Schema.Array(Turn)
})
export type Conversation = typeof Conversation.Type

/** The one used last stands last. */
export const Conversations = Schema.Array(Conversation)
export type Conversations = typeof Conversations.Type

/** What was said so far; nothing in a new conversation. */
export const turnsOf = (conversations: Conversations, id: string): ReadonlyArray<Turn> =>
  conversations.find((one) => one.id === id)?.turns ?? []

/** With one more question and its answer. What exceeds the limits falls out, oldest first. */
export const append = (conversations: Conversations, id: string, question: string, answer: string): Conversations => {
  const turns = [
    ...turnsOf(conversations, id),
    { role: "user", content: question } as const,
    { role: "assistant", content: answer } as const
  ]
  const others = conversations.filter((one) => one.id !== id)
  return [...others, { id, turns: bounded(turns) }].slice(-Limits.conversationsMax)
}

/** Without a conversation. */
export const without = (conversations: Conversations, id: string): Conversations =>
  conversations.filter((one) => one.id !== id)

/** The newest pairs that fit; the last pair stays, cut if need be. */
const bounded = (turns: ReadonlyArray<Turn>): ReadonlyArray<Turn> => {
  let kept = turns.slice(-Limits.conversationTurnsMax)
  while (kept.length > 2 && bytesOf(kept) > Limits.conversationBytesMax) kept = kept.slice(2)
  if (bytesOf(kept) <= Limits.conversationBytesMax) return kept
  // A UTF-16 unit has at most 3 bytes of UTF-8: two turns of an eighth of the limit in units are three quarters of it.
  const units = Math.floor(Limits.conversationBytesMax / 8)
  return kept.map(({ content, role }) => ({ role, content: content.slice(0, units).toWellFormed() }))
}

const encoder = new TextEncoder()
export const bytesOf = (turns: ReadonlyArray<Turn>): number =>
  turns.reduce((sum, { content }) => sum + encoder.encode(content).length, 0)
