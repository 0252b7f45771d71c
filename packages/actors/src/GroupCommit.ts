/**
 * Makes new states durable, many actors in one transaction: what changed while one transaction was on its way to the disk
 * goes into the next. An answer leaves when everything that it may be based on is safe (`flushed`, or `committed` by choice).
 *
 * An actor does not wait for the storage between two messages. So a refused transaction takes back all that came after it
 * in that actor, and each asker whose message was taken back gets `StateNotStored`.
 */
import { Cause, Effect, Exit } from "effect"
import type { ActorCell } from "./ActorCell.ts"
import * as ActorLife from "./ActorLife.ts"
import type { ActorStorage, StorageFailed, Write } from "./ActorStorage.ts"
import { HeldAnswers } from "./HeldAnswers.ts"
import type { Position } from "./JournalRecords.ts"

/** What one durable actor has under way. */
export interface Durable {
  /** Of the actor. Kept, since each write needs it. */
  readonly address: string
  /** Changed since the last transaction took its state. */
  dirty: boolean
  /** Records besides the state that go with it in the next transaction, in this order. */
  records: Array<Write>
  /** Of an actor with a journal: where it is, once it has started. */
  readonly position: Position
  /** Answers that wait for the next transaction; undefined unless `dirty`. */
  waiting: HeldAnswers | undefined
  /** Transactions under way that hold a state of this actor. */
  inFlight: number
  /** Answers that wait for the latest of these; undefined once that is done, though an earlier one may not have said so yet. */
  lastHeld: HeldAnswers | undefined
  /** Called once nothing is under way. */
  whenSettled: Array<() => void>
}

export const makeDurable = (address: string): Durable => ({
  address,
  dirty: false,
  records: [],
  position: { sequence: 0, snapshot: undefined },
  waiting: undefined,
  inFlight: 0,
  lastHeld: undefined,
  whenSettled: []
})

/** What the committer needs of the system. */
export interface Host {
  readonly storage: ActorStorage["Service"] | undefined
  readonly fork: (effect: Effect.Effect<void>) => unknown
  /** Runs a task once all actors that are ready now had their turn. */
  readonly afterTurns: (task: () => void) => void
}

export class GroupCommit {
  private readonly host: Host
  private dirty: Array<HeldAnswers>
  private scheduled: boolean
  private committing: boolean
  /** Transactions that are committed, and that the disk does not have yet. */
  private flushing: number
  /** Whether someone waits for nothing but a commit. */
  private hurried: boolean
  private unsettled: number
  private idle: Array<() => void>

  constructor(host: Host) {
    this.host = host
    this.dirty = []
    this.scheduled = false
    this.committing = false
    this.flushing = 0
    this.hurried = false
    this.unsettled = 0
    this.idle = []
  }

  /** The actor has a state that is not stored. */
  changed(cell: ActorCell, durable: Durable): void {
    if (durable.dirty) return
    durable.dirty = true
    durable.waiting = new HeldAnswers(cell, durable)
    this.dirty.push(durable.waiting)
    if (cell.type.definition.ack === "committed") this.hurried = true
    this.schedule()
  }

  /** Waits until everything that changed so far is stored or refused. */
  readonly settled: Effect.Effect<void> = Effect.callback<void>((resume) => {
    if (this.dirty.length === 0 && this.unsettled === 0) resume(Effect.void)
    else this.idle.push(() => resume(Effect.void))
  })

  // A disk flushes one transaction after the other. Writers that came while it does and got one of their own would take turns with
  // the others from then on, two groups where one would do; so they wait until it is done, and go together.
  private schedule(): void {
    if (this.scheduled || this.committing || (this.flushing > 0 && !this.hurried)) return
    this.scheduled = true
    this.host.afterTurns(() => {
      this.scheduled = false
      this.commit()
    })
  }

  private commit(): void {
    const parts: Array<HeldAnswers> = []
    const writes: Array<Write> = []
    let ack: "flushed" | "committed" = "committed"
    const dirty = this.dirty
    this.dirty = []
    this.hurried = false
    for (const held of dirty) {
      const { cell, durable } = held
      // A failure may have taken the change back since.
      if (durable.waiting !== held) continue
      durable.dirty = false
      durable.waiting = undefined
      const problem = cell.type.addWrites(cell, durable, writes)
      if (problem !== undefined) {
        ActorLife.commitFailed(cell, problem, held, true)
        this.settlePart(durable)
        continue
      }
      durable.inFlight++
      durable.lastHeld = held
      parts.push(held)
      if (cell.type.definition.ack === "flushed") ack = "flushed"
    }
    if (parts.length === 0) return this.becomeIdle()
    this.committing = true
    this.unsettled++
    this.host.fork(this.store(parts, writes, ack))
  }

  private store(parts: Array<HeldAnswers>, writes: Array<Write>, ack: "flushed" | "committed"): Effect.Effect<void> {
    const committed = Effect.exit(this.host.storage!.commit(writes))
    return Effect.flatMap(committed, (exit) => {
      this.committing = false
      if (Exit.isFailure(exit)) {
        // Before the next transaction takes anything: what came after a refused one must not be in it.
        this.finish(parts, exit)
        return Effect.void
      }
      if (ack === "flushed") this.flushing++
      if (this.dirty.length > 0) this.schedule()
      const early = ack === "committed" ? parts : parts.filter(({ cell }) => cell.type.definition.ack === "committed")
      for (const held of early) held.letGo()
      if (ack === "committed") {
        this.finish(parts, Exit.void)
        return Effect.void
      }
      return Effect.map(Effect.exit(exit.value), (flushed) => {
        this.flushing--
        this.finish(parts, flushed)
      })
    })
  }

  private finish(parts: ReadonlyArray<HeldAnswers>, exit: Exit.Exit<unknown, StorageFailed>): void {
    this.unsettled--
    for (const held of parts) {
      const { cell, durable } = held
      durable.inFlight--
      if (durable.lastHeld === held) durable.lastHeld = undefined
      if (Exit.isSuccess(exit)) held.letGo()
      else ActorLife.commitFailed(cell, reasonOf(exit.cause), held)
      this.settlePart(durable)
    }
    if (this.dirty.length > 0) this.schedule()
    this.becomeIdle()
  }

  private settlePart(durable: Durable): void {
    if (durable.whenSettled.length === 0 || durable.dirty || durable.inFlight > 0) return
    for (const task of durable.whenSettled.splice(0)) task()
  }

  private becomeIdle(): void {
    if (this.dirty.length > 0 || this.unsettled > 0) return
    for (const task of this.idle.splice(0)) task()
  }
}

const reasonOf = (cause: Cause.Cause<StorageFailed>): string => {
  const error = Cause.findErrorOption(cause)
  return error._tag === "Some" ? error.value.reason : Cause.pretty(cause)
}
