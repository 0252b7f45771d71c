/**
 * The life of an actor: it starts, crashes and restarts, stops in order, leaves memory.
 *
 * What a failure leads to is decided by `Supervisor`. Whatever happens, each message that waits stays in the mailbox or is
 * refused with a reason.
 */
import { Cause, Effect, Exit, type Fiber } from "effect"
import type { ActorCell } from "./ActorCell.ts"
import * as Beside from "./Beside.ts"
import * as ActorEvents from "./ActorEvents.ts"
import { type ActorError, ActorFailed, type ActorStopped, type AddressUnknown, StateNotStored } from "./ActorError.ts"
import type { ActorStorage, StorageFailed } from "./ActorStorage.ts"
import type { Held } from "./GroupCommit.ts"
import * as JournalRecords from "./JournalRecords.ts"
import { LetterAsk } from "./Letter.ts"
import type { Message } from "./Message.ts"
import * as Relations from "./Relations.ts"
import * as ReplyStreams from "./ReplyStreams.ts"
import * as Stash from "./Stash.ts"
import * as Supervisor from "./Supervisor.ts"

// ---------------------------------------------------------------- start

/** Loads the state and begins to take messages. */
export const start = (cell: ActorCell): void => {
  if (cell.kernel.leases.home.standsIn(cell)) return
  cell.phase = "starting"
  if (cell.durable !== undefined) {
    const wait = whenSettled(cell, () => {
      if (cell.phase === "starting") start(cell)
    })
    // What is on its way to the storage will be the committed state; only then can it be loaded.
    if (wait) return
  }
  const loading = cell.type.loadInitialState(cell)
  if (loading === undefined) return started(cell, cell.type.definition.initial)
  const fiber = cell.kernel.fork(loading, cell.type.context)
  const exit = fiber.pollUnsafe()
  if (exit !== undefined) startEnded(cell, exit)
  else follow(cell, fiber, (exit) => startEnded(cell, exit))
}

const startEnded = (cell: ActorCell, exit: Exit.Exit<unknown, ActorStopped | AddressUnknown>): void => {
  if (Exit.isSuccess(exit)) return started(cell, exit.value)
  const error = Cause.findErrorOption(exit.cause)
  if (error._tag === "None") {
    cell.kernel.failed++
    return end(cell, startName, Cause.pretty(exit.cause))
  }
  if (error.value._tag === "AddressUnknown") {
    leave(cell, "unknown")
    return stop(cell, "there is no actor of this name", error.value)
  }
  noteFailure(cell, startName, error.value.reason)
  stop(cell, error.value.reason)
}

const started = (cell: ActorCell, state: unknown): void => {
  cell.state = state
  cell.type.post?.begin(cell)
  cell.phase = "ready"
  cell.startedAtMs ??= cell.kernel.nowMs()
  ActorEvents.started(cell)
  const { start } = cell.type.definition
  if (start !== undefined) cell.handle(start, undefined, undefined)
  cell.wake()
}

const startName = "start"

// ---------------------------------------------------------------- failure

/** The handler of a message died. */
export const crashed = (cell: ActorCell, message: Message, cause: Cause.Cause<unknown>): void => {
  cell.current = undefined
  message.abort()
  cell.kernel.failed++
  const text = Cause.pretty(cause)
  // First the supervisor, then the asker: it goes on at once, and must find the actor restarting.
  end(cell, message.entry.name, text)
  cell.answerCrash(message, firstLine(text))
}

/**
 * The storage refused the state, or it has no bytes (`isOwnFault`): all that was not stored is answered, and the actor goes back to
 * what is.
 */
export const commitFailed = (cell: ActorCell, reason: string, held: ReadonlyArray<Held>, isOwnFault = false): void => {
  const durable = cell.durable!
  const unanswered = [...held, ...durable.waiting].map(({ message }) => message)
  durable.waiting = []
  durable.records = []
  durable.dirty = false
  const current = abandonCurrent(cell)
  if (current !== undefined) unanswered.push(current)
  if (cell.phase === "ready" || cell.phase === "stopping" || cell.phase === "ending" || cell.phase === "moving") {
    cell.kernel.failed++
    end(cell, unanswered[0]?.entry.name ?? startName, `Its state was not stored: ${reason}`)
  }
  const { address } = cell
  for (const { ask, entry } of unanswered) {
    if (isOwnFault && ask instanceof LetterAsk)
      ask.return(new ActorFailed({ address, messageName: entry.name, cause: reason }))
    else cell.refuse(entry, ask, new StateNotStored({ address, reason }))
  }
}

/** The actor fails for a reason outside of its handlers: a link, a child that failed too often. */
const fail = (cell: ActorCell, messageName: string, cause: string): void => {
  if (cell.phase === "stopped") return
  cell.kernel.failed++
  interrupt(cell, firstLine(cause), () => end(cell, messageName, cause))
}

/** Ends what it does, does `task`, and then tells the asker that it had. */
const interrupt = (cell: ActorCell, cause: string, task: () => void): void => {
  const current = abandonCurrent(cell)
  abandonFiber(cell)
  task()
  if (current === undefined) return
  const { ask, entry } = current
  cell.refuse(entry, ask, new ActorFailed({ address: cell.address, messageName: entry.name, cause }))
}

/** Tells the supervisor, and does what it decides. */
const end = (cell: ActorCell, messageName: string, cause: string): void => {
  ActorEvents.failed(cell, messageName, cause)
  if (cell.phase === "stopping") {
    noteFailure(cell, messageName, cause)
    return handledLast(cell)
  }
  const end = { timeMs: cell.kernel.nowMs(), messageName, cause }
  // Those linked to it fail as well, each of them once, whoever was first.
  for (const other of Relations.unlinkAll(cell)) {
    fail(other, "link", `${cell.address}, which it is linked to, failed: ${firstLine(cause)}`)
  }
  const parent = cell.relations?.parent
  if (parent !== undefined) return childEnded(parent, cell, end)
  const { strategy } = cell.type.definition
  const decision = Supervisor.ended(strategy, Relations.historyOf(cell), end, cell.kernel.chance())
  if (decision._tag === "Stop") return stop(cell, decision.reason)
  restartAfter(cell, decision.delayMs)
}

/** A child failed, or ended normally when `end` has no cause: its parent does what it decides. */
const childEnded = (parent: ActorCell, child: ActorCell, end: Supervisor.End): void => {
  const relations = Relations.of(parent)
  const decision = relations.childEnded(parent, child, end)
  if (decision._tag === "Restart") {
    const affected = relations.affectedBy(child, parent.type.definition.childrenStrategy.order)
    return restartTogether(child, affected, decision.delayMs)
  }
  const normal = end.cause === undefined
  stop(child, decision.reason, undefined, normal)
  // A child that ended as it should is not kept; one that failed is, for whoever looks for the cause.
  if (normal) leave(child, "left")
  if (decision.tooOften) fail(parent, "children", `its child ${child.address} failed too often: ${decision.reason}`)
}

/** Ends siblings, the youngest first, and restarts them, the oldest first. Temporary ones are not restarted. */
const restartTogether = (failed: ActorCell, affected: ReadonlyArray<ActorCell>, delayMs: number): void => {
  const cause = `its sibling ${failed.address} failed`
  for (const sibling of affected.toReversed()) {
    if (sibling === failed) continue
    if (sibling.type.definition.strategy.restart === "temporary") stop(sibling, cause)
    else interrupt(sibling, cause, () => undefined)
  }
  for (const sibling of affected) {
    if (sibling.phase === "stopped") continue
    Relations.historyOf(sibling).restarts++
    restartAfter(sibling, delayMs)
  }
}

// ---------------------------------------------------------------- restart

/** Waits, and starts again. Its mailbox stays as it is. */
const restartAfter = (cell: ActorCell, delayMs: number): void => {
  cell.kernel.restarts++
  cell.phase = "restarting"
  ActorEvents.restarted(cell, delayMs)
  letGo(cell)
  follow(cell, cell.kernel.fork(Effect.sleep(delayMs), cell.type.context), () => start(cell))
}

/** Restarts now, whatever it does: from committed state, with its mailbox as it is. A quarantined actor begins anew. */
export const restart = (cell: ActorCell): Effect.Effect<void> => {
  const storage = cell.durable === undefined ? undefined : cell.type.storage
  return Effect.andThen(
    storage === undefined ? Effect.void : Effect.ignore(makeLoadable(cell, storage)),
    Effect.sync(() => restartNow(cell))
  )
}

/** Lets what is damaged of its stored state go, so that it can start. */
const makeLoadable = (cell: ActorCell, storage: ActorStorage["Service"]): Effect.Effect<void, StorageFailed> =>
  Effect.gen(function* () {
    const { address } = cell
    yield* storage.release(address)
    // Only where it is stopped: what is on its way to the storage is no damage.
    if (cell.type.journal === undefined || cell.phase !== "stopped") return
    yield* settled(cell)
    yield* JournalRecords.repair(storage, address)
  })

const settled = (cell: ActorCell): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    if (!whenSettled(cell, () => resume(Effect.void))) resume(Effect.void)
  })

const restartNow = (cell: ActorCell): void => {
  if (cell.kernel.stopping || cell.gone !== undefined) return
  Supervisor.restartedByHand(Relations.historyOf(cell))
  cell.kernel.restarts++
  ActorEvents.restarted(cell, 0)
  interrupt(cell, "it was restarted by hand", () => {
    letGo(cell)
    startAnew(cell)
  })
}

/** Starts an actor that was stopped. */
export const startAnew = (cell: ActorCell): void => {
  cell.stopReason = ""
  start(cell)
}

// ---------------------------------------------------------------- stop

/** An actor that is stopping, or wants to end, has handled its last message. */
export const handledLast = (cell: ActorCell): void => {
  if (cell.phase === "ending") return endNormally(cell)
  if (cell.phase === "moving" || cell.phase === "away") return cell.kernel.leases.woken(cell)
  if (cell.phase !== "stopping") return
  const onIdle = cell.relations?.onIdle
  if (onIdle === undefined) stop(cell, cell.stopReason)
  else onIdle()
}

/** Its end comes once all that it did is stored. */
const endNormally = (cell: ActorCell): void => {
  const finish = (): void => {
    if (cell.phase !== "ending") return
    const parent = cell.relations?.parent
    if (parent !== undefined) return childEnded(parent, cell, { timeMs: cell.kernel.nowMs(), messageName: "end" })
    letGo(cell)
    ActorEvents.stopped(cell, Supervisor.endedNormally, true)
    terminated(cell, Supervisor.endedNormally, true)
    // What waits is for the next life.
    if (cell.mailbox.size > 0) start(cell)
    else passivate(cell)
  }
  if (!whenSettled(cell, finish)) finish()
}

/**
 * Stops in order: it takes no more messages, its handler in progress gets its time, then its children stop, the youngest first, then
 * it does itself.
 */
export const shutdown = (cell: ActorCell, reason: string): Effect.Effect<void> =>
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
    if (cell.current === undefined) abandonFiber(cell)
    refuseWaiting(cell, undefined)
    if (cell.current !== undefined && !(yield* idle))
      cell.stopReason = `${reason}, and stopped before the handler ended`
    relations.onIdle = undefined
    for (const child of [...relations.children].toReversed()) yield* shutdown(child, parentStops(cell))
    stop(cell, cell.stopReason)
  }).pipe(Effect.uninterruptible)

const parentStops = (parent: ActorCell): string => `its parent ${parent.address} stopped`

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
 * Stops for good, its children first: what waits is refused with `error`, by default `ActorStopped`. A restart by hand brings it
 * back.
 */
export const stop = (cell: ActorCell, reason: string, error?: ActorError, normal = false): void => {
  if (cell.phase === "stopped") return
  cell.phase = "stopped"
  cell.stopReason = reason
  const current = abandonCurrent(cell)
  if (current !== undefined) cell.refuse(current.entry, current.ask, error ?? cell.stopped())
  abandonFiber(cell)
  letGo(cell)
  Relations.orphan(cell)
  refuseWaiting(cell, error)
  if (cell.durable === undefined) cell.state = undefined
  cell.relations?.onIdle?.()
  cell.kernel.onCellStopped?.(cell)
  ActorEvents.stopped(cell, reason, normal)
  if (error === undefined) terminated(cell, reason, normal)
}

/**
 * Gives up what belongs to one life: timers, children, links, watches, streamed replies, what is handled beside. What was set
 * aside waits again.
 */
const letGo = (cell: ActorCell): void => {
  cell.kernel.leases.interrupted(cell)
  cell.timers?.cancelAll()
  ReplyStreams.endAll(cell)
  Stash.putBack(cell)
  Beside.abandon(cell)
  const { relations } = cell
  if (relations === undefined) return
  for (const child of [...relations.children].toReversed()) stop(child, parentStops(cell))
  Relations.unlinkAll(cell)
  for (const address of relations.watching) cell.kernel.watches.remove(address, cell)
  relations.beginAnew()
}

/**
 * Stops it at once and deletes its stored state, sound or set aside. The next message begins with the initial state. When the
 * storage refuses, the actor stays stopped with the state that it had. One at a time.
 */
export const forget = (cell: ActorCell): Effect.Effect<void, StorageFailed> =>
  Effect.gen(function* () {
    cell.gone = "leaving"
    stop(cell, "its state is being deleted")
    cell.stopReason = "its state is being deleted"
    if (cell.durable !== undefined) {
      yield* settled(cell)
      const storage = cell.type.storage!
      yield* storage.release(cell.address)
      if (cell.type.post !== undefined) yield* cell.type.post.forget(cell.address)
      if (cell.type.journal === undefined)
        yield* Effect.flatten(storage.commit([{ address: cell.address, state: undefined }]))
      else yield* JournalRecords.forget(storage, cell.address)
    }
    leave(cell, "left")
  }).pipe(
    Effect.tapError((error) =>
      Effect.sync(() => {
        cell.gone = undefined
        cell.stopReason = `its state could not be deleted: ${error.reason}`
      })
    ),
    Effect.uninterruptible
  )

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
const leave = (cell: ActorCell, why: "unknown" | "left"): void => {
  cell.gone = why
  cell.type.cells.delete(cell.name)
  cell.kernel.activeActors--
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

const noteFailure = (cell: ActorCell, messageName: string, cause: string): void => {
  const history = Relations.historyOf(cell)
  Supervisor.noteFailure(history, { timeMs: cell.kernel.nowMs(), messageName, cause })
}

/** Calls `task` once nothing of the actor is on its way to the storage; false, and it is not called, if nothing is now. */
export const whenSettled = ({ durable }: ActorCell, task: () => void): boolean => {
  if (durable === undefined || (!durable.dirty && durable.inFlight === 0)) return false
  durable.whenSettled.push(task)
  return true
}

const terminated = (cell: ActorCell, reason: string, normal: boolean): void => {
  if (!cell.kernel.watches.any) return
  cell.kernel.watches.tell({ address: cell.address, reason, normal })
}

// ---------------------------------------------------------------- the fiber

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

const abandonCurrent = (cell: ActorCell): Message | undefined => {
  const { current } = cell
  if (current === undefined) return undefined
  cell.current = undefined
  current.abort()
  abandonFiber(cell)
  return current
}

const abandonFiber = (cell: ActorCell): void => {
  const { fiber } = cell
  cell.fiber = undefined
  fiber?.interruptUnsafe()
}

const firstLine = (text: string): string => text.split("\n", 1)[0]!
