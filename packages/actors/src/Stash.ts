/**
 * Messages that a handler set aside because the actor cannot handle them yet: it waits for a connection, a login, an answer.
 *
 * What is set aside belongs to one actor and is bounded by its mailbox's capacity. It comes back in the order in which it came, when
 * the handler of another message says so, or when the actor restarts.
 */
import type { ActorCell } from "./ActorCell.ts"
import type { Message } from "./Message.ts"

/** Sets aside the message that is being handled. Throws as `ActorContext.stash` says. */
export const add = (message: Message): void => {
  const { ask, cell, entry, payload } = message
  if (cell.current !== message || entry === cell.type.definition.start) {
    throw new TypeError(`"${entry.name}" of ${cell.address} is no message that can be set aside now`)
  }
  // Also when it was brought back meanwhile: it waits for its next handling already.
  if (message.isSetAside) return
  const stash = (cell.stash ??= [])
  const { capacity } = cell.mailbox
  if (stash.length >= capacity)
    throw new RangeError(`${cell.address} has set ${capacity} messages aside, and may no more`)
  stash.push({ entry, payload, ask })
  message.isSetAside = true
  // The asker waits on for the answer of the handling to come, whatever becomes of this one.
  message.ask = undefined
  message.laterAsk = ask
  message.kept = true
}

/** Brings back all that was set aside. Who has given up meanwhile is passed over when their turn comes. */
export const putBack = (cell: ActorCell): void => {
  const { stash } = cell
  if (stash === undefined) return
  cell.stash = undefined
  cell.mailbox.putBack(stash)
}
