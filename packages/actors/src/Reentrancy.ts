/**
 * Messages that are handled while another message of the same actor is, because its definition says so: questions about the last
 * state that was reached, like the progress of a long handler, or what an actor further down a chain of asks wants to know.
 *
 * They must not change the state, for the handler in progress will replace it. Each runs in a fiber of its own and ends with the life
 * in which it began.
 */
import { Cause, Context, Effect, Exit } from "effect"
import { type Entry, Reply } from "./Actor.ts"
import type { ActorCell } from "./ActorCell.ts"
import { MailboxFull } from "./ActorError.ts"
import type { Ask } from "./Ask.ts"
import { deepFreeze } from "./Freeze.ts"
import * as Limits from "./Limits.ts"
import { CurrentMessage, Message } from "./Message.ts"

/** Handles a message beside the current one, or says why not. */
export const handle = (
  cell: ActorCell,
  entry: Entry,
  payload: unknown,
  ask: Ask | undefined
): MailboxFull | undefined => {
  const beside = (cell.beside ??= new Map())
  if (beside.size >= Limits.reentrantMax) {
    return new MailboxFull({ address: cell.address, capacity: Limits.reentrantMax })
  }
  const message = new Message(cell, entry, payload, ask)
  message.kept = true
  message.beside = true
  const { state } = cell
  const handler = Effect.suspend(() => effectOf(entry.handler(state, payload, message)))
  const fiber = cell.kernel.fork(handler, Context.add(cell.type.context, CurrentMessage, message))
  const exit = fiber.pollUnsafe()
  if (exit !== undefined) settle(message, state, exit)
  else {
    beside.set(message, fiber)
    fiber.addObserver((exit) => {
      if (!beside.delete(message)) return
      settle(message, state, exit)
      // It may have been the last thing that an actor which moves was busy with.
      if (cell.phase === "moving") cell.wake()
    })
  }
  return undefined
}

const effectOf = (result: unknown): Effect.Effect<unknown, unknown> => {
  if (Effect.isEffect(result)) return result as Effect.Effect<unknown, unknown>
  if (typeof (result as { readonly then?: unknown } | undefined | null)?.then !== "function")
    return Effect.succeed(result)
  return Effect.promise(() => result as PromiseLike<unknown>)
}

const settle = (message: Message, before: unknown, exit: Exit.Exit<unknown, unknown>): void => {
  const { ask, cell, entry } = message
  message.beside = false
  if (Exit.isFailure(exit)) {
    if (ask?.status === "abandoned") return
    const expected = Cause.findErrorOption(exit.cause)
    if (expected._tag === "None" || Cause.hasDies(exit.cause)) return crashed(message, Cause.pretty(exit.cause))
    return cell.conclude(message, false, expected.value)
  }
  const [state, value] = exit.value instanceof Reply ? [exit.value.state, exit.value.value] : [exit.value, exit.value]
  if (state !== before) return crashed(message, `"${entry.name}" is reentrant and must not change the state`)
  if (cell.kernel.freeze) deepFreeze(value)
  cell.conclude(message, true, value)
}

/** The handler died; the actor did not. */
const crashed = (message: Message, text: string): void => {
  const { cell } = message
  cell.kernel.failed++
  cell.answerCrash(message, text.split("\n", 1)[0]!)
}
