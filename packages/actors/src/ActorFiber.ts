/**
 * The fiber of an actor: of its handler, of a load or of a backoff, of which there is one at a time.
 */
import type { Exit, Fiber } from "effect"
import type { ActorCell } from "./ActorCell.ts"
import type { Message } from "./Message.ts"

/** Takes a fiber as the actor's own, until it ends or is abandoned. */
export const follow = <A, E>(
  cell: ActorCell,
  fiber: Fiber.Fiber<A, E>,
  then: (exit: Exit.Exit<A, E>) => void
): void => {
  cell.fiber = fiber
  fiber.addObserver((exit) => {
    if (cell.fiber !== fiber) return
    cell.fiber = undefined
    then(exit)
  })
}

/** Ends the handler in progress, and says whose message it was. */
export const abandonMessage = (cell: ActorCell): Message | undefined => {
  const { current } = cell
  if (current === undefined) return undefined
  cell.current = undefined
  current.abort()
  abandon(cell)
  return current
}

/** Whatever is under way ends and is not heard of any more. */
export const abandon = (cell: ActorCell): void => {
  const { fiber } = cell
  cell.fiber = undefined
  fiber?.interruptUnsafe()
}
