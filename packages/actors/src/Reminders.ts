/**
 * Reminders: messages of actors to themselves that survive the process. One is stored in the transaction of the state whose handler
 * set it, and removed, or moved on by its period, in that of the state that its own handler made. So a crash between leaves it due,
 * and its handler runs again: at least once, with the same id; its effect on the state is there once.
 *
 * All reminders of a system are in memory, under one alarm that looks at the clock every minute. They are due by the wall clock:
 * what was missed while the system was down, or while its clock jumped, is due once. An actor that cannot take its reminder gets
 * it when it starts again; one that has left memory comes back for it.
 */
import { Effect } from "effect"
import type { Entry } from "./Actor.ts"
import type { ActorCell } from "./ActorCell.ts"
import type { ActorError } from "./ActorError.ts"
import type { Write } from "./ActorStorage.ts"
import { Alarm } from "./Alarm.ts"
import type { Kernel } from "./Kernel.ts"
import * as Limits from "./Limits.ts"
import type { Message } from "./Message.ts"
import * as Record from "./ReminderRecord.ts"
import * as ReminderStore from "./ReminderStore.ts"
import { Reminder, ReminderTable } from "./ReminderTable.ts"

/** What a handler did to the reminders of its actor; it counts once the handler has succeeded. */
export type Change =
  | { readonly _tag: "Set"; readonly key: string; readonly record: Record.ReminderRecord; readonly bytes: Uint8Array }
  | { readonly _tag: "Cancel"; readonly key: string }

/** What one message has to do with reminders. */
export interface MessageReminders {
  /** The one that this message is. */
  firing: Reminder | undefined
  readonly changes: Array<Change>
}

export class Reminders {
  /** Handled since the system began. */
  fired: number
  private readonly kernel: Kernel
  private readonly alarm: Alarm
  private readonly table: ReminderTable
  private readonly byEntry: WeakMap<Entry, Reminder>
  /** Actors whose reminders in memory may not be the stored ones: a transaction was refused. */
  private readonly doubtful: Set<string>
  private due: Array<Reminder>

  constructor(kernel: Kernel) {
    this.fired = 0
    this.kernel = kernel
    this.alarm = new Alarm(
      { nowMs: kernel.nowMs, fork: (effect) => kernel.fork(effect, kernel.context) },
      Limits.reminderSleepMsMax
    )
    this.table = new ReminderTable()
    this.byEntry = new WeakMap()
    this.doubtful = new Set()
    this.due = []
  }

  /** How many there are. */
  get size(): number {
    return this.table.size
  }

  /** Finds all that are stored: for the start of the system. Those that are damaged stay where damaged records are. */
  readonly load: Effect.Effect<void> = Effect.suspend(() => {
    const { storage } = this.kernel
    if (storage === undefined) return Effect.void
    return Effect.orDie(ReminderStore.readAll(storage, Record.prefix, (stored) => this.add(stored)))
  })

  /** Finds those of one actor again when it is not sure that they are the stored ones. */
  refresh(cell: ActorCell): Effect.Effect<void> | undefined {
    const { address } = cell.durable!
    if (!this.doubtful.has(address)) return undefined
    const before = this.of(address)
    return Effect.orDie(
      Effect.gen({ self: this }, function* () {
        const found: Array<ReminderStore.StoredReminder> = []
        yield* ReminderStore.readAll(cell.type.storage!, Record.prefixOf(address), (stored) => found.push(stored))
        this.drop(address)
        for (const stored of found) {
          const reminder = this.add(stored)
          const earlier = before.find(({ key }) => key === stored.key)
          if (earlier?.record.id === reminder.record.id && earlier.record.timeMs === reminder.record.timeMs)
            reminder.crashes = earlier.crashes
        }
        this.doubtful.delete(address)
      })
    )
  }

  /** Of one actor, the next one first. */
  of(address: string): ReadonlyArray<Reminder> {
    return this.table.of(address)
  }

  /** Forgets all in memory: the system has stopped. */
  stop(): void {
    this.alarm.stop()
  }

  // ---------------------------------------------------------------- changes

  /** Whether an actor may have one more, besides those that its handler has just set. Throws `RangeError` when not. */
  checkRoom({ cell, reminders }: Message, key: string): void {
    const keys = new Set(this.of(cell.address).map((reminder) => reminder.key))
    for (const change of reminders?.changes ?? []) {
      if (change._tag === "Set") keys.add(change.key)
      else keys.delete(change.key)
    }
    if (keys.has(key)) return
    if (keys.size >= Limits.remindersMax)
      throw new RangeError(`${cell.address} has ${Limits.remindersMax} reminders already: cancel some first`)
    if (this.size >= Limits.remindersOfSystemMax)
      throw new RangeError(`The system has ${Limits.remindersOfSystemMax} reminders already: cancel some first`)
  }

  /** A handler has ended: with success what it did to reminders counts, and either way it has handled the one that it is. */
  apply(message: Message, ok: boolean): void {
    const { cell, isSetAside } = message
    const { changes, firing } = message.reminders!
    message.reminders = undefined
    const writes: Array<Write> = []
    if (firing !== undefined && !isSetAside && this.table.has(firing)) {
      this.fired++
      writes.push(this.moveOn(firing))
    }
    if (ok) for (const change of changes) writes.push(...this.change(cell, change))
    this.write(cell, writes)
  }

  private change(cell: ActorCell, change: Change): ReadonlyArray<Write> {
    const { address } = cell
    const present = this.table.get(address, change.key)
    if (change._tag === "Cancel") {
      if (present === undefined) return []
      this.remove(present)
      return [{ address: Record.keyOf(address, change.key), state: undefined }]
    }
    // One in the same rhythm goes on in it, so that an actor may set it at each start.
    const { everyMs } = change.record
    if (present !== undefined && everyMs !== undefined && Record.isAlike(present.record, change.record)) return []
    this.add({ owner: ReminderStore.ownerOf(cell), key: change.key, record: change.record })
    return [{ address: Record.keyOf(address, change.key), state: change.bytes }]
  }

  /** Goes with the next transaction of the actor. */
  private write(cell: ActorCell, writes: ReadonlyArray<Write>): void {
    if (writes.length === 0) return
    const durable = cell.durable!
    durable.records.push(...writes)
    cell.type.commits.changed(cell, durable)
  }

  /** It is done: it is gone, or due again after its period, in its rhythm, whatever was missed. */
  private moveOn(reminder: Reminder): Write {
    const { address, key, record } = reminder
    const stored = Record.keyOf(address, key)
    this.remove(reminder)
    const { everyMs, timeMs } = record
    if (everyMs === undefined) return { address: stored, state: undefined }
    const lateMs = Math.max(0, this.kernel.nowMs() - timeMs)
    const next = { ...record, timeMs: timeMs + everyMs * (Math.floor(lateMs / everyMs) + 1) }
    this.add({ owner: reminder, key, record: next })
    return { address: stored, state: Record.encode(next) }
  }

  /** What deletes all reminders of an actor. */
  removals(address: string): Array<Write> {
    return this.of(address).map(({ key }) => ({ address: Record.keyOf(address, key), state: undefined }))
  }

  /** Those of an actor are gone from the storage. */
  drop(address: string): void {
    for (const reminder of this.of(address)) this.remove(reminder)
    this.doubtful.delete(address)
  }

  private add({ key, owner, record }: ReminderStore.StoredReminder): Reminder {
    const present = this.table.get(owner.address, key)
    if (present !== undefined) this.remove(present)
    const reminder = new Reminder(owner, key, record)
    this.table.add(reminder)
    this.arm(reminder, record.timeMs)
    return reminder
  }

  private remove(reminder: Reminder): void {
    if (this.table.remove(reminder) && reminder.alarm !== undefined) this.alarm.cancel(reminder.alarm)
  }

  // ---------------------------------------------------------------- going off

  private arm(reminder: Reminder, timeMs: number): void {
    reminder.phase = "armed"
    reminder.alarm = this.alarm.set(timeMs, () => {
      reminder.alarm = undefined
      reminder.phase = "due"
      if (this.due.push(reminder) === 1) this.goOff()
    })
  }

  /** Some at a time, so that others get the thread when many were missed. */
  private goOff(): void {
    const now = this.due.splice(0, Limits.remindersAtOnce)
    for (const reminder of now) if (reminder.phase === "due" && this.table.has(reminder)) this.fire(reminder)
    if (this.due.length > 0) this.alarm.set(this.kernel.nowMs(), () => this.goOff())
  }

  private fire(reminder: Reminder): void {
    const { kernel } = this
    const { crashes, kind, name, record } = reminder
    reminder.phase = "due"
    const type = kernel.types.get(kind)
    // A type that is not known yet calls `typeKnown`.
    if (type === undefined || kernel.stopping) return
    const entry = type.definition.entries.get(record.messageName)
    if (entry === undefined || entry.streams) return this.giveUp(reminder, "there is no such message any more")
    if (!type.durable) return this.giveUp(reminder, "its actor is not durable any more")
    if (crashes >= Limits.reminderCrashesMax) return this.giveUp(reminder, `its handler crashed ${crashes} times`)
    let payload: unknown
    try {
      payload = Record.payloadFor(entry, record)
    } catch (cause) {
      return this.giveUp(reminder, `its payload does not fit any more: ${String(cause)}`)
    }
    const cell = type.cell(name)
    if (cell === undefined) return this.retry(reminder)
    const { spans } = kernel
    const firing = this.entryOf(reminder, spans === undefined ? entry : spans.sample(entry, cell.address, undefined))
    reminder.entry = firing
    reminder.phase = "waiting"
    const refused = cell.offer(firing, payload, undefined)
    if (refused !== undefined) this.keep(reminder, refused)
  }

  /** Handles the message of a reminder, unless it was cancelled or set anew meanwhile. */
  private entryOf(reminder: Reminder, entry: Entry): Entry {
    const firing: Entry = {
      ...entry,
      reentrant: false,
      handler: (state, payload, context) => {
        if (reminder.entry !== firing || !this.table.has(reminder)) return state
        const message = context as Message
        message.kept = true
        message.reminders = { firing: reminder, changes: [] }
        reminder.phase = "handling"
        return entry.handler(state, payload, context)
      }
    }
    this.byEntry.set(firing, reminder)
    return firing
  }

  /** A message was refused. Whether it was one of a reminder: then it is not lost. */
  refused(entry: Entry, error: ActorError): boolean {
    const reminder = this.byEntry.get(entry)
    // What was cancelled or fired anew meanwhile counts no more.
    if (reminder?.entry === entry && this.table.has(reminder)) this.keep(reminder, error)
    return reminder !== undefined
  }

  /** The handler of a message crashed. Whether that was a reminder's. */
  crashed(entry: Entry): boolean {
    const reminder = this.byEntry.get(entry)
    if (reminder?.entry === entry && this.table.has(reminder)) {
      reminder.crashes++
      reminder.phase = "due"
    }
    return reminder !== undefined
  }

  private keep(reminder: Reminder, error: ActorError): void {
    reminder.phase = "due"
    if (error._tag === "AddressUnknown") this.giveUp(reminder, error.message)
    // One that restarts or was stopped gets it when it starts.
    else if (error._tag !== "ActorStopped" && error._tag !== "ActorFailed") this.retry(reminder)
  }

  private retry(reminder: Reminder): void {
    this.arm(reminder, this.kernel.nowMs() + Limits.reminderRetryMs)
  }

  /** It can never be handled: a dead letter, and done. */
  private giveUp(reminder: Reminder, reason: string): void {
    const { address, key, kind, name, record } = reminder
    this.kernel.deadLetter(address, record.messageName, `the reminder "${key}" is given up: ${reason}`)
    const write = this.moveOn(reminder)
    const cell = this.kernel.types.get(kind)?.cells.get(name)
    if (cell?.durable !== undefined && cell.phase === "ready") return this.write(cell, [write])
    const stored = Effect.flatten(this.kernel.storage!.commit([write]))
    this.kernel.forkBackground(
      Effect.catch(stored, (error) => Effect.logWarning(`A reminder that was given up comes back: ${error.reason}`))
    )
  }

  // ---------------------------------------------------------------- its actor

  /** A life of an actor begins: what it could not take before, or did not end, is due. */
  started({ durable }: ActorCell): void {
    if (durable === undefined) return
    for (const reminder of this.of(durable.address))
      if (reminder.phase === "due" || reminder.phase === "handling") this.fire(reminder)
  }

  /** A transaction of an actor was refused. */
  notStored(address: string): void {
    this.doubtful.add(address)
  }

  /** Actors of this kind can be reached from now on. */
  typeKnown(kind: string): void {
    for (const reminder of this.table.ofKind(kind))
      if (reminder.phase === "due") this.arm(reminder, reminder.record.timeMs)
  }
}
