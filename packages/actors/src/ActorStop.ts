/**
 * How an actor stops, at once or in order, and how it leaves memory.
 *
 * What it had with others ends first, its children before it does. Each message that waits is refused with a reason.
 */
import { Effect } from "effect"
import type { ActorCell } from "./ActorCell.ts"
import type { ActorError } from "./ActorError.ts"
import * as ActorEvents from "./ActorEvents.ts"
import * as ActorFiber from "./ActorFiber.ts"
import * as Beside from "./Beside.ts"
import * as Relations from "./Relations.ts"
import * as ReplyStreams from "./ReplyStreams.ts"
import * as Stash from "./Stash.ts"

/**
 * Stops for good, its children first: what waits is refused with `error`, by default `ActorStopped`. A restart by hand brings it
 * back.
 */
export const stop = (cell: ActorCell, reason: string, error?: ActorError, normal = false): void => {
  if (cell.phase === "stopped") return
  cell.phase = "stopped"
  cell.stopReason = reason
  const current = ActorFiber.abandonMessage(cell)
  if (current !== undefined) cell.refuse(current.entry, current.ask, error ?? cell.stopped())
  ActorFiber.abandon(cell)
  letGo(cell, error)
  Relations.orphan(cell)
  refuseWaiting(cell, error)
  if (cell.durable === undefined) cell.state = undefined
  cell.relations?.onIdle?.()
  cell.kernel.onCellStopped?.(cell)
  ActorEvents.stopped(cell, reason, normal)
  if (error === undefined) terminated(cell, reason, normal)
  // Nobody could bring it back.
  if (cell.isAnonymous) leave(cell, "ended")
}

/**
 * `stop` for the normal end of an actor that has nothing but its state, and whose address nobody has: the short way of most that are
 * made for one task. False, and nothing is done, for any other.
 */
export const endUnnamed = (cell: ActorCell, reason: string): boolean => {
  if (!cell.isUnnamed || cell.hasParts || cell.size > 0 || cell.parent !== undefined) return false
  const { kernel } = cell
  cell.phase = "stopped"
  cell.stopReason = reason
  cell.state = undefined
  kernel.leases.interrupted(cell)
  if (kernel.onCellStopped !== undefined) kernel.onCellStopped(cell)
  ActorEvents.stopped(cell, reason, true)
  leave(cell, "ended")
  return true
}

/** Takes no more messages; stops once the handler in progress has ended. Whether it has to be waited for. */
export const beginStop = (cell: ActorCell, reason: string): boolean => {
  if (cell.current === undefined) {
    stop(cell, reason)
    return false
  }
  cell.phase = "stopping"
  cell.stopReason = reason
  refuseWaiting(cell, undefined)
  return true
}

/**
 * Stops in order: it takes no more messages, its handler in progress gets its time, then its children stop, the youngest first, then
 * it does itself.
 */
export const shutdown = (cell: ActorCell, reason: string): Effect.Effect<void> =>
  Effect.suspend(() => {
    const isAlone = cell.relations === undefined || cell.relations.children.size === 0
    if (cell.current !== undefined || !isAlone) return shutdownBusy(cell, reason)
    // Nothing has to be waited for.
    stop(cell, reason)
    return Effect.void
  })

const shutdownBusy = (cell: ActorCell, reason: string): Effect.Effect<void> =>
  Effect.gen(function* () {
    if (cell.phase === "stopped") return
    const relations = Relations.of(cell)
    const idle = Effect.callback<boolean>((resume) => {
      const timer = cell.kernel.fork(Effect.sleep(cell.type.definition.stopTimeoutMs), cell.kernel.context)
      timer.addObserver(() => resume(Effect.succeed(false)))
      relations.onIdle = () => {
        resume(Effect.succeed(true))
        timer.interruptUnsafe()
      }
    })
    cell.phase = "stopping"
    cell.stopReason = reason
    if (cell.current === undefined) ActorFiber.abandon(cell)
    refuseWaiting(cell, undefined)
    if (cell.current !== undefined && !(yield* idle))
      cell.stopReason = `${reason}, and stopped before the handler ended`
    relations.onIdle = undefined
    for (const child of [...relations.children].toReversed()) yield* shutdown(child, parentStops(cell))
    stop(cell, cell.stopReason)
  }).pipe(Effect.uninterruptible)

const parentStops = (parent: ActorCell): string => `its parent ${parent.address} stopped`

/**
 * Gives up what belongs to one life: timers, children, links, watches, streamed replies, what is handled beside. What was set
 * aside waits again.
 */
export const letGo = (cell: ActorCell, error?: ActorError): void => {
  cell.kernel.leases.interrupted(cell)
  if (!cell.hasParts) return
  cell.timers?.cancelAll()
  ReplyStreams.endAll(cell)
  Stash.putBack(cell)
  Beside.abandon(cell, error)
  const { relations } = cell
  if (relations === undefined) return
  for (const child of [...relations.children].toReversed()) stop(child, parentStops(cell))
  Relations.unlinkAll(cell)
  for (const address of relations.watching) cell.kernel.watches.remove(address, cell)
  relations.beginAnew()
}

/** Tells those who watch it. */
export const terminated = (cell: ActorCell, reason: string, normal: boolean): void => {
  if (!cell.kernel.watches.any) return
  cell.kernel.watches.tell({ address: cell.address, reason, normal })
}

/** Leaves memory; the next message brings it back. Only for an actor that is idle and whose state is stored. */
export const passivate = (cell: ActorCell): void => {
  leave(cell, "left")
  cell.phase = "stopped"
  cell.state = undefined
}

/** A lent actor leaves its home, with nothing in progress: what it gets is sent on from now on. */
export const goAway = (cell: ActorCell): void => {
  letGo(cell)
  cell.phase = "away"
  cell.state = undefined
}

/** A guest leaves this node, whatever it does: nothing of it stays in memory. */
export const evict = (cell: ActorCell, reason: string, error: ActorError): void => {
  stop(cell, reason, error)
  if (cell.type.cells.delete(cell.name)) cell.kernel.activeActors--
}

/** Is no longer found by its name. */
export const leave = (cell: ActorCell, why: "unknown" | "left" | "ended"): void => {
  if (cell.gone === "ended") return
  cell.gone = why
  cell.type.remove(cell)
}

const refuseWaiting = (cell: ActorCell, error: ActorError | undefined): void => {
  const { mailbox } = cell
  while (mailbox.size > 0) {
    const { ask, entry } = mailbox
    mailbox.drop()
    cell.refuse(entry, ask, error ?? cell.stopped())
  }
  cell.senders?.refuse(({ admission, ask, entry }) => {
    cell.refuse(entry, ask, error ?? cell.stopped())
    admission?.settle(cell.stopped())
  })
}
