/**
 * The sending side of a content channel: requests go at once, answers one at a time when there is room.
 *
 * So a group never fills the line in front of what other channels send: at most one part is ahead of them. A peer that
 * asks and does not read the answers loses its connection.
 */
import { Effect, Latch } from "effect"
import type { Channel } from "../Channel.ts"
import { contentUnreadMsMax } from "../Limits.ts"
import { type ContentAnswer, type ContentMessage, encode } from "./ContentMessage.ts"

export interface ContentOutbox {
  /** A request or its cancellation: at once. How many there are is limited by whoever makes them. */
  readonly ask: (message: ContentMessage) => void
  /** When there is room, and after others had their turn. */
  readonly answer: (message: ContentAnswer) => Effect.Effect<void>
  /** The channel's event `drain`. */
  readonly drain: () => void
}

export const make = (channel: Channel): ContentOutbox => {
  const room = Latch.makeUnsafe(true)
  const send = (message: ContentMessage): void => {
    if (!channel.send(encode(message))) room.closeUnsafe()
  }
  const roomOrEnd = Effect.timeoutOrElse(room.await, {
    duration: contentUnreadMsMax,
    orElse: () => Effect.sync(() => channel.close("it reads nothing of the content that it asked for"))
  })
  return {
    ask: send,
    answer: (message) =>
      Effect.yieldNow.pipe(Effect.andThen(roomOrEnd), Effect.andThen(Effect.sync(() => send(message)))),
    drain: () => void room.openUnsafe()
  }
}
