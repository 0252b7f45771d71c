/**
 * What the events that a handler returned do to its actor: the next state, the reply, and the records that the next transaction
 * takes along.
 */
import { Result } from "effect"
import type { ActorCell } from "./ActorCell.ts"
import { deepFreeze } from "./Freeze.ts"
import * as GuestStorage from "./GuestStorage.ts"
import type { Emit } from "./Journal.ts"
import * as JournalRecords from "./JournalRecords.ts"
import * as Limits from "./Limits.ts"

export type Applied =
  | { readonly _tag: "Applied"; readonly state: unknown; readonly value: unknown }
  /** A mistake of the definition. */
  | { readonly _tag: "Crashed"; readonly defect: unknown }
  /** There is no room for more events now, or never for so many at once. */
  | { readonly _tag: "Refused"; readonly reason: string }

/** Applies events to the actor's state, which stays as it is; all of them get their records, or none. */
export const apply = (cell: ActorCell, { events, replyOf }: Emit<unknown, unknown>): Applied => {
  const { durable, type } = cell
  const { journal } = type
  if (journal === undefined)
    return crashed(new TypeError("this actor has no journal; define one, or return a new state"))
  if (events.length > Limits.eventsPerMessageMax) {
    return crashed(new RangeError(`a message may emit ${Limits.eventsPerMessageMax} events, and not ${events.length}`))
  }
  if (durable !== undefined && durable.records.length + events.length > Limits.eventsWaitingMax) {
    return { _tag: "Refused", reason: `${durable.records.length} events wait for the storage; send slower` }
  }
  try {
    let { state } = cell
    for (const event of events) state = deepFreeze(journal.apply(state, deepFreeze(event)))
    const value = replyOf(state)
    if (durable !== undefined && events.length > 0) {
      const { position } = durable
      const records = JournalRecords.append(journal, cell.address, events, position.sequence, cell.kernel.nowMs())
      if (Result.isFailure(records)) return crashed(new TypeError(`an event cannot be stored: ${records.failure}`))
      const problem = type.isGuest ? GuestStorage.problemOf(durable.records, records.success) : undefined
      if (problem !== undefined) return { _tag: "Refused", reason: problem }
      durable.records.push(...records.success)
      position.sequence += events.length
    }
    return { _tag: "Applied", state, value }
  } catch (defect) {
    return crashed(defect)
  }
}

const crashed = (defect: unknown): Applied => ({ _tag: "Crashed", defect })
