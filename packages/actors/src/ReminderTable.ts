/**
 * The reminders of a system as they are in memory, by actor and key.
 */
import type { Entry } from "./Actor.ts"
import type { Due } from "./Alarm.ts"
import type { ReminderRecord } from "./ReminderRecord.ts"
import type { Owner } from "./ReminderStore.ts"

export class Reminder {
  readonly address: string
  readonly kind: string
  readonly name: string
  readonly key: string
  readonly record: ReminderRecord
  /** `due`: its time has come, and its actor or its type must start before it can take it. `waiting`: in the mailbox. */
  phase: "armed" | "due" | "waiting" | "handling"
  /** Handlings that crashed, in this process. */
  crashes: number
  /** What is in the mailbox, or was; an older one counts no more. */
  entry: Entry | undefined
  alarm: Due | undefined

  constructor(owner: Owner, key: string, record: ReminderRecord) {
    this.address = owner.address
    this.kind = owner.kind
    this.name = owner.name
    this.key = key
    this.record = record
    this.phase = "armed"
    this.crashes = 0
    this.entry = undefined
    this.alarm = undefined
  }
}

export class ReminderTable {
  /** How many there are. */
  size: number
  private readonly byAddress: Map<string, Map<string, Reminder>>

  constructor() {
    this.size = 0
    this.byAddress = new Map()
  }

  get(address: string, key: string): Reminder | undefined {
    return this.byAddress.get(address)?.get(key)
  }

  has(reminder: Reminder): boolean {
    return this.get(reminder.address, reminder.key) === reminder
  }

  /** Of one actor, the next one first. */
  of(address: string): ReadonlyArray<Reminder> {
    const own = this.byAddress.get(address)
    return own === undefined ? [] : [...own.values()].sort((a, b) => a.record.timeMs - b.record.timeMs)
  }

  /** Of all actors of a kind. O(all). */
  ofKind(kind: string): ReadonlyArray<Reminder> {
    return [...this.byAddress.values()].flatMap((own) => [...own.values()].filter((reminder) => reminder.kind === kind))
  }

  /** Only where there is none of its actor and key. */
  add(reminder: Reminder): void {
    const own = this.byAddress.get(reminder.address) ?? new Map<string, Reminder>()
    this.byAddress.set(reminder.address, own)
    own.set(reminder.key, reminder)
    this.size++
  }

  /** Whether it was there. */
  remove(reminder: Reminder): boolean {
    if (!this.has(reminder)) return false
    const own = this.byAddress.get(reminder.address)!
    own.delete(reminder.key)
    if (own.size === 0) this.byAddress.delete(reminder.address)
    this.size--
    return true
  }
}
