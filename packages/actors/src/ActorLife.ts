/**
 * The life of an actor: it starts, crashes and restarts, and ends by itself. How it is stopped is in `ActorStop`.
 *
 * What a failure leads to is decided by `Supervisor`. Whatever happens, each message that waits stays in the mailbox or is
 * refused with a reason.
 */
import { Cause, Effect, Exit } from "effect"
import type { ActorCell } from "./ActorCell.ts"
import { ActorFailed, type ActorStopped, type AddressUnknown, StateNotStored } from "./ActorError.ts"
import * as ActorEvents from "./ActorEvents.ts"
import * as ActorFiber from "./ActorFiber.ts"
import * as ActorForget from "./ActorForget.ts"
import * as ActorStop from "./ActorStop.ts"
import type { HeldAnswers } from "./HeldAnswers.ts"
import { LetterAsk } from "./Letter.ts"
import type { Message } from "./Message.ts"
import * as Relations from "./Relations.ts"
import * as Settled from "./Settled.ts"
import * as Supervisor from "./Supervisor.ts"

// ---------------------------------------------------------------- start

/** Loads the state and begins to take messages. */
export const start = (cell: ActorCell): void => {
  if (cell.isAnonymous) return started(cell, cell.initial)
  if (cell.kernel.leases.home.standsIn(cell)) return
  cell.phase = "starting"
  if (cell.durable !== undefined) {
    const wait = Settled.whenSettled(cell, () => {
      if (cell.phase === "starting") start(cell)
    })
    // What is on its way to the storage will be the committed state; only then can it be loaded.
    if (wait) return
  }
  const refreshing = cell.durable === undefined ? undefined : cell.kernel.reminders.refresh(cell)
  const state = cell.type.loadInitialState(cell)
  const loading = refreshing === undefined || state === undefined ? state : Effect.andThen(refreshing, state)
  if (loading === undefined) return started(cell, cell.initial)
  const fiber = cell.kernel.fork(loading, cell.type.context)
  const exit = fiber.pollUnsafe()
  if (exit !== undefined) startEnded(cell, exit)
  else ActorFiber.follow(cell, fiber, (exit) => startEnded(cell, exit))
}

const startEnded = (cell: ActorCell, exit: Exit.Exit<unknown, ActorStopped | AddressUnknown>): void => {
  if (Exit.isSuccess(exit)) return started(cell, exit.value)
  const error = Cause.findErrorOption(exit.cause)
  if (error._tag === "None") {
    cell.kernel.failed++
    return end(cell, startName, Cause.pretty(exit.cause))
  }
  if (error.value._tag === "AddressUnknown") {
    ActorStop.leave(cell, "unknown")
    return ActorStop.stop(cell, "there is no actor of this name", error.value)
  }
  noteFailure(cell, startName, error.value.reason)
  ActorStop.stop(cell, error.value.reason)
}

const started = (cell: ActorCell, state: unknown): void => {
  cell.state = state
  cell.type.post?.boxes.begin(cell)
  cell.phase = "ready"
  cell.hasStarted()
  ActorEvents.started(cell)
  const { start } = cell.type.definition
  if (start !== undefined) cell.handle(start, undefined, undefined)
  if (cell.kernel.reminders.size > 0) cell.kernel.reminders.started(cell)
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
  // It comes again when the actor starts.
  const isReminder = cell.kernel.reminders.crashed(message.entry)
  // First the supervisor, then the asker: it goes on at once, and must find the actor restarting.
  end(cell, message.entry.name, text)
  if (!isReminder) cell.answerCrash(message, firstLine(text))
}

/**
 * The storage refused the state, or it has no bytes (`isOwnFault`): all that was not stored is answered, and the actor goes back to
 * what is.
 */
export const commitFailed = (cell: ActorCell, reason: string, held: HeldAnswers, isOwnFault = false): void => {
  const durable = cell.durable!
  const unanswered = [...held.take(), ...(durable.waiting?.take() ?? [])]
  durable.waiting = undefined
  durable.records = []
  if (!cell.type.isGuest) cell.kernel.reminders.notStored(durable.address)
  durable.dirty = false
  const current = ActorFiber.abandonMessage(cell)
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

/** Ends what it does, does `task`, and then tells the asker that it had. A letter goes back first: the actor may begin again at once. */
const interrupt = (cell: ActorCell, cause: string, task: () => void): void => {
  const current = ActorFiber.abandonMessage(cell)
  ActorFiber.abandon(cell)
  if (current === undefined) return task()
  const { ask, entry } = current
  const refuse = () =>
    cell.refuse(entry, ask, new ActorFailed({ address: cell.address, messageName: entry.name, cause }))
  const isLetter = ask instanceof LetterAsk
  if (isLetter) refuse()
  task()
  if (!isLetter) refuse()
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
  const parent = cell.parent
  if (parent !== undefined) return childEnded(parent, cell, end)
  const { strategy } = cell.type.definition
  const decision = Supervisor.ended(strategy, Relations.historyOf(cell), end, cell.kernel.chance())
  if (decision._tag === "Stop") return ActorStop.stop(cell, decision.reason)
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
  ActorStop.stop(child, decision.reason, undefined, normal)
  // A child that ended as it should is not kept; one that failed is, for whoever looks for the cause.
  if (normal) {
    ActorStop.leave(child, "left")
    child.type.post?.boxes.left(child)
  }
  if (decision.tooOften) fail(parent, "children", `its child ${child.address} failed too often: ${decision.reason}`)
}

/** Ends siblings, the youngest first, and restarts them, the oldest first. Temporary ones are not restarted. */
const restartTogether = (failed: ActorCell, affected: ReadonlyArray<ActorCell>, delayMs: number): void => {
  const cause = `its sibling ${failed.address} failed`
  for (const sibling of affected.toReversed()) {
    if (sibling === failed) continue
    if (sibling.type.definition.strategy.restart === "temporary") ActorStop.stop(sibling, cause)
    else interrupt(sibling, cause, () => undefined)
  }
  for (const sibling of affected) {
    if (sibling.phase === "stopped") continue
    Relations.historyOf(sibling).restarts++
    restartAfter(sibling, delayMs)
  }
}

const noteFailure = (cell: ActorCell, messageName: string, cause: string): void => {
  const history = Relations.historyOf(cell)
  Supervisor.noteFailure(history, { timeMs: cell.kernel.nowMs(), messageName, cause })
}

const firstLine = (text: string): string => text.split("\n", 1)[0]!

// ---------------------------------------------------------------- restart

/** Waits, and starts again. Its mailbox stays as it is. */
const restartAfter = (cell: ActorCell, delayMs: number): void => {
  cell.kernel.restarts++
  cell.phase = "restarting"
  ActorEvents.restarted(cell, delayMs)
  ActorStop.letGo(cell)
  ActorFiber.follow(cell, cell.kernel.fork(Effect.sleep(delayMs), cell.type.context), () => start(cell))
}

/** Restarts now, whatever it does: from committed state, with its mailbox as it is. A quarantined actor begins anew. */
export const restart = (cell: ActorCell): Effect.Effect<void> => {
  const storage = cell.durable === undefined ? undefined : cell.type.storage
  return Effect.andThen(
    storage === undefined ? Effect.void : Effect.ignore(ActorForget.makeLoadable(cell, storage)),
    Effect.sync(() => restartNow(cell))
  )
}

const restartNow = (cell: ActorCell): void => {
  if (cell.kernel.stopping || cell.gone !== undefined) return
  Supervisor.restartedByHand(Relations.historyOf(cell))
  cell.kernel.restarts++
  ActorEvents.restarted(cell, 0)
  interrupt(cell, "it was restarted by hand", () => {
    ActorStop.letGo(cell)
    startAnew(cell)
  })
}

/** Starts an actor that was stopped. */
export const startAnew = (cell: ActorCell): void => {
  cell.stopReason = ""
  start(cell)
}

// ---------------------------------------------------------------- end

/** An actor that is stopping, or wants to end, has handled its last message. */
export const handledLast = (cell: ActorCell): void => {
  if (cell.phase === "ending") return endNormally(cell)
  if (cell.phase === "moving" || cell.phase === "away") return cell.kernel.leases.woken(cell)
  if (cell.phase !== "stopping") return
  const onIdle = cell.relations?.onIdle
  if (onIdle === undefined) ActorStop.stop(cell, cell.stopReason)
  else onIdle()
}

/** Its end comes once all that it did is stored. */
const endNormally = (cell: ActorCell): void => {
  if (cell.durable === undefined || !Settled.whenSettled(cell, () => endNow(cell))) endNow(cell)
}

const endNow = (cell: ActorCell): void => {
  if (cell.phase !== "ending") return
  if (ActorStop.endUnnamed(cell, Supervisor.endedNormally)) return
  const { parent } = cell
  if (parent !== undefined) return childEnded(parent, cell, { timeMs: cell.kernel.nowMs(), messageName: "end" })
  if (cell.isAnonymous) return ActorStop.stop(cell, Supervisor.endedNormally, undefined, true)
  ActorStop.letGo(cell)
  ActorEvents.stopped(cell, Supervisor.endedNormally, true)
  ActorStop.terminated(cell, Supervisor.endedNormally, true)
  // What waits is for the next life.
  if (cell.mailbox.size > 0) start(cell)
  else ActorStop.passivate(cell)
}
