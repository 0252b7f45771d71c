/**
 * What a handler does to the reminders of its actor. It is kept with the message until the handler has succeeded, and dropped when it
 * fails, as its new state is.
 */
import { Duration } from "effect"
import type { ReminderInfo, ReminderOptions } from "./Actor.ts"
import * as Limits from "./Limits.ts"
import type { Message } from "./Message.ts"
import * as Relations from "./Relations.ts"
import * as ReminderRecord from "./ReminderRecord.ts"
import type { Change } from "./Reminders.ts"

/** Throws as `ActorContext.setReminder` says. */
export const set = (
  message: Message,
  key: string,
  when: ReminderOptions,
  messageName: string,
  payload: unknown
): void => {
  const { cell } = message
  const entry = Relations.entryOf(cell, messageName)
  check(message, key)
  if (entry.streams) throw new TypeError(`"${messageName}" answers with a stream, and nobody would read it`)
  const { kernel } = cell
  const { everyMs, timeMs } = timesOf(when, kernel.nowMs())
  kernel.reminders.checkRoom(message, key)
  const id = Math.floor(kernel.chance() * 2 ** 52).toString(36)
  const record = { id, timeMs, everyMs, messageName, payload: ReminderRecord.payloadOf(entry, payload) }
  add(message, { _tag: "Set", key, record, bytes: ReminderRecord.encode(record) })
}

export const cancel = (message: Message, key: string): void => {
  check(message, key)
  add(message, { _tag: "Cancel", key })
}

export const infoOf = ({ reminders }: Message): ReminderInfo | undefined => {
  const firing = reminders?.firing
  if (firing === undefined) return undefined
  const { id, timeMs } = firing.record
  return { id: `${id}-${timeMs}`, key: firing.key, dueMs: timeMs }
}

const check = (message: Message, key: string): void => {
  const { cell } = message
  if (cell.type.isGuest)
    throw new TypeError(`${cell.address} is lent to this node, and its reminders are kept at its home`)
  if (cell.durable === undefined) throw new TypeError(`${cell.address} is not durable, and its reminders would be lost`)
  if (cell.current !== message)
    throw new TypeError(`${cell.address} can change its reminders only while it handles a message`)
  if (key.length > Limits.reminderKeyCharactersMax || !key.isWellFormed())
    throw new RangeError(`The key of a reminder is text of at most ${Limits.reminderKeyCharactersMax} characters`)
}

const timesOf = (
  when: ReminderOptions,
  nowMs: number
): { readonly timeMs: number; readonly everyMs: number | undefined } => {
  if (when.at !== undefined) return { timeMs: whole(Number(when.at)), everyMs: undefined }
  const ms = whole(Duration.toMillis(Duration.fromInputUnsafe(when.every === undefined ? when.after : when.every)))
  if (when.every === undefined) return { timeMs: whole(nowMs + ms), everyMs: undefined }
  if (ms < Limits.reminderEveryMsMin)
    throw new RangeError(`The period of a reminder is at least ${Limits.reminderEveryMsMin} ms, not ${ms} ms`)
  return { timeMs: whole(nowMs + ms), everyMs: ms }
}

/** The largest time that a Date has. */
const timeMsMax = 8.64e15

// Upwards: a reminder must not come before its time.
const whole = (ms: number): number => {
  if (Math.abs(ms) <= timeMsMax) return Math.ceil(ms)
  throw new RangeError(`A reminder needs a finite time, not ${ms} ms`)
}

const add = (message: Message, change: Change): void => {
  message.kept = true
  message.reminders ??= { firing: undefined, changes: [] }
  message.reminders.changes.push(change)
}
