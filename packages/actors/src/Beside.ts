/**
 * The reentrant messages of an actor that are being handled beside another one. They end with their asker, or with the life of the
 * actor in which they began.
 */
import type { Fiber } from "effect"
import type { ActorCell } from "./ActorCell.ts"
import { type ActorError, ActorFailed } from "./ActorError.ts"
import type { Ask } from "./Ask.ts"
import type { Message } from "./Message.ts"

/** The messages, with the fibers of their handlers. */
export type Beside = Map<Message, Fiber.Fiber<unknown, unknown>>

/** The asker of such a message gave up. */
export const cancel = (beside: Beside, ask: Ask): void => {
  for (const [message, fiber] of beside) {
    if (message.ask !== ask) continue
    message.abort()
    fiber.interruptUnsafe()
  }
}

/** The life of the actor ends, and they with it: their askers hear `error`, or that it stopped or restarted. */
export const abandon = (cell: ActorCell, error: ActorError | undefined): void => {
  const { beside } = cell
  if (beside === undefined) return
  cell.beside = undefined
  for (const [message, fiber] of beside) {
    const { ask, entry } = message
    beside.delete(message)
    message.beside = false
    message.abort()
    fiber.interruptUnsafe()
    const failed = new ActorFailed({ address: cell.address, messageName: entry.name, cause: "the actor restarted" })
    cell.refuse(entry, ask, error ?? (cell.phase === "stopped" ? cell.stopped() : failed))
  }
}
