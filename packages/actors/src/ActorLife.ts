/**
 * The life of an actor: it starts, crashes and restarts, stops in order, leaves memory.
 *
 * What a failure leads to is decided by `Supervisor`. Whatever happens, each message that waits stays in the mailbox or is
 * refused with a reason.
 */
import { Cause, Effect, Exit, type Fiber } from "effect"
import type { ActorCell } from "./ActorCell.ts"
import { type ActorError, ActorFailed, type ActorStopped, type AddressUnknown, StateNotStored } from "./ActorError.ts"
import type { StorageFailed } from "./ActorStorage.ts"
import type { Held } from "./GroupCommit.ts"
import type { Message } from "./Message.ts"
import * as Supervisor from "./Supervisor.ts"

// ---------------------------------------------------------------- start

/** Loads the state and begins to take messages. */
export const start = (cell: ActorCell): void => {
  cell.phase = "starting"
  const wait = whenSettled(cell, () => {
    if (cell.phase === "starting") start(cell)
  })
  // What is on its way to the storage will be the committed state; only then can it be loaded.
  if (wait) return
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
  cell.phase = "ready"
  cell.startedAtMs ??= cell.kernel.nowMs()
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
  const { ask, entry } = message
  const summary = firstLine(text)
  // First the supervisor, then the asker: it goes on at once, and must find the actor restarting.
  end(cell, entry.name, text)
  if (ask === undefined) cell.deadLetter(entry, `its handler crashed: ${summary}`)
  else ask.fail(new ActorFailed({ address: cell.address, messageName: entry.name, cause: summary }))
}

/** The storage refused the state: all that was not stored is answered, and the actor goes back to what is. */
export const commitFailed = (cell: ActorCell, reason: string, held: ReadonlyArray<Held>): void => {
  const durable = cell.durable!
  const unanswered = [...held, ...durable.waiting].map(({ message }) => message)
  durable.waiting = []
  durable.dirty = false
  const current = abandonCurrent(cell)
  if (current !== undefined) unanswered.push(current)
  if (cell.phase === "ready" || cell.phase === "stopping") {
    cell.kernel.failed++
    end(cell, unanswered[0]?.entry.name ?? startName, `Its state was not stored: ${reason}`)
  }
  for (const { ask, entry } of unanswered)
    cell.refuse(entry, ask, new StateNotStored({ address: cell.address, reason }))
}

/** Tells the supervisor, and does what it decides. */
const end = (cell: ActorCell, messageName: string, cause: string): void => {
  if (cell.phase === "stopping") {
    noteFailure(cell, messageName, cause)
    return stop(cell, cell.stopReason)
  }
  const history = (cell.history ??= Supervisor.makeHistory())
  const end = { timeMs: cell.kernel.nowMs(), messageName, cause }
  const decision = Supervisor.ended(cell.type.definition.strategy, history, end, cell.kernel.chance())
  if (decision._tag === "Stop") return stop(cell, decision.reason)
  restartAfter(cell, decision.delayMs)
}

// ---------------------------------------------------------------- restart

/** Waits, and starts again. Its mailbox stays as it is. */
const restartAfter = (cell: ActorCell, delayMs: number): void => {
  cell.kernel.restarts++
  cell.phase = "restarting"
  follow(cell, cell.kernel.fork(Effect.sleep(delayMs), cell.type.context), () => start(cell))
}

/** Restarts now, whatever it does: from committed state, with its mailbox as it is. A quarantined actor begins anew. */
export const restart = (cell: ActorCell): Effect.Effect<void> => {
  const storage = cell.durable === undefined ? undefined : cell.kernel.storage
  return Effect.andThen(
    storage === undefined ? Effect.void : Effect.ignore(storage.release(cell.address)),
    Effect.sync(() => restartNow(cell))
  )
}

const restartNow = (cell: ActorCell): void => {
  if (cell.kernel.stopping || cell.gone !== undefined) return
  Supervisor.restartedByHand((cell.history ??= Supervisor.makeHistory()))
  cell.kernel.restarts++
  const current = abandonCurrent(cell)
  abandonFiber(cell)
  cell.stopReason = ""
  start(cell)
  if (current === undefined) return
  const { ask, entry } = current
  const cause = "it was restarted by hand"
  cell.refuse(entry, ask, new ActorFailed({ address: cell.address, messageName: entry.name, cause }))
}

// ---------------------------------------------------------------- stop

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

/** Stops for good: what waits is refused with `error`, by default `ActorStopped`. A restart by hand brings it back. */
export const stop = (cell: ActorCell, reason: string, error?: ActorError): void => {
  cell.phase = "stopped"
  cell.stopReason = reason
  const current = abandonCurrent(cell)
  if (current !== undefined) cell.refuse(current.entry, current.ask, error ?? cell.stopped())
  abandonFiber(cell)
  refuseWaiting(cell, error)
  if (cell.durable === undefined) cell.state = undefined
  cell.kernel.cellStopped()
}

/**
 * Stops it at once and deletes its stored state, sound or set aside. The next message begins with the initial state. When the
 * storage refuses, the actor stays stopped with the state that it had. One at a time.
 */
export const forget = (cell: ActorCell): Effect.Effect<void, StorageFailed> =>
  Effect.gen(function* () {
    cell.gone = "leaving"
    stop(cell, "its state is being deleted")
    if (cell.durable !== undefined) {
      yield* Effect.callback<void>((resume) => {
        if (!whenSettled(cell, () => resume(Effect.void))) resume(Effect.void)
      })
      const storage = cell.kernel.storage!
      yield* storage.release(cell.address)
      yield* Effect.flatten(storage.commit([{ address: cell.address, state: undefined }]))
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
}

const noteFailure = (cell: ActorCell, messageName: string, cause: string): void => {
  const history = (cell.history ??= Supervisor.makeHistory())
  Supervisor.noteFailure(history, { timeMs: cell.kernel.nowMs(), messageName, cause })
}

/** Calls `task` once nothing of the actor is on its way to the storage; false, and it is not called, if nothing is now. */
const whenSettled = ({ durable }: ActorCell, task: () => void): boolean => {
  if (durable === undefined || (!durable.dirty && durable.inFlight === 0)) return false
  durable.whenSettled.push(task)
  return true
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
