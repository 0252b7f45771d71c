/**
 * What happens to a message that finds a mailbox full: it fails, an old or the new one is dropped, or its sender waits.
 *
 * Senders that wait keep their order: while there is one, no other message gets in before it. They are bounded too, and beyond
 * that get `MailboxFull`. Whatever is dropped becomes a dead letter, and an asker hears of it.
 */
import type { Entry } from "./Actor.ts"
import type { ActorCell, Refusal } from "./ActorCell.ts"
import { MailboxFull } from "./ActorError.ts"
import type { Ask } from "./Ask.ts"
import * as Limits from "./Limits.ts"

/** The wait of one sender whose message is no ask. */
export class Admission {
  waits: boolean
  /** Why the message will never have a place. */
  refused: Refusal | undefined
  /** The sender has given up: its message is not sent. */
  cancelled: boolean
  /** Called when the wait is over. */
  listener: (() => void) | undefined

  constructor() {
    this.waits = false
    this.refused = undefined
    this.cancelled = false
    this.listener = undefined
  }

  settle(refused: Refusal | undefined): void {
    this.waits = false
    this.refused = refused
    this.listener?.()
  }
}

/** A message outside of the mailbox. */
interface Waiting {
  readonly entry: Entry
  readonly payload: unknown
  readonly ask: Ask | undefined
  readonly admission: Admission | undefined
}

/** The senders that wait for one actor, oldest first. */
export class Senders {
  private readonly waiting: Array<Waiting>

  constructor() {
    this.waiting = []
  }

  add(waiting: Waiting): boolean {
    if (this.waiting.length >= Limits.sendersWaitingMax) return false
    this.waiting.push(waiting)
    if (waiting.admission !== undefined) waiting.admission.waits = true
    return true
  }

  /** Gives those that waited longest the room that there is: at once when there is some, so that nobody else takes it. */
  admit({ mailbox }: ActorCell): void {
    while (this.waiting.length > 0 && mailbox.size < mailbox.capacity) {
      const { admission, ask, entry, payload } = this.waiting.shift()!
      // Nobody waits any more for what a sender has given up.
      if (admission?.cancelled === true || (ask !== undefined && ask.status !== "waiting")) continue
      mailbox.put(entry, payload, ask)
      admission?.settle(undefined)
    }
  }

  /** Refuses them all. */
  refuse(error: (waiting: Waiting) => void): void {
    for (const waiting of this.waiting.splice(0)) if (waiting.admission?.cancelled !== true) error(waiting)
  }
}

/** Does with a message that finds the mailbox full what the definition says. Returns why it was refused, if it was. */
export const handle = (
  cell: ActorCell,
  entry: Entry,
  payload: unknown,
  ask: Ask | undefined,
  admission: Admission | undefined
): MailboxFull | undefined => {
  const { mailbox } = cell
  const full = new MailboxFull({ address: cell.address, capacity: mailbox.capacity })
  switch (cell.type.definition.overflow) {
    case "fail":
      return full
    case "dropNewest":
      if (ask !== undefined) return full
      cell.refuse(entry, undefined, full)
      return undefined
    case "dropOldest": {
      // More than one when messages that were set aside came back to a full mailbox.
      const dropped: Array<Pick<Waiting, "entry" | "ask">> = []
      while (mailbox.size >= mailbox.capacity) dropped.push(mailbox.shed())
      mailbox.put(entry, payload, ask)
      for (const oldest of dropped) cell.refuse(oldest.entry, oldest.ask, full)
      return undefined
    }
    case "backpressure":
      if (ask === undefined && admission === undefined) return full
      return (cell.senders ??= new Senders()).add({ entry, payload, ask, admission }) ? undefined : full
  }
}
