/**
 * What happens to the actors and services of a system, as events of the topic `actors`. While nobody listens, nothing is made of it.
 */
import { Schema } from "effect"
import type { Kernel } from "./Kernel.ts"
import type { Timelines } from "./Timelines.ts"
import * as Topic from "./Topic.ts"

export const ActorEvent = Schema.Union([
  /** A life begins: its first, or one after a restart. */
  Schema.TaggedStruct("Started", { address: Schema.String }),
  /** A handler, a commit or a service failed. `messageName` is what was being handled; `start`, or `run` for a service. */
  Schema.TaggedStruct("Failed", { address: Schema.String, messageName: Schema.String, cause: Schema.String }),
  /** It is restarted, after `delayMs`; what waited stays in its mailbox. */
  Schema.TaggedStruct("Restarted", { address: Schema.String, delayMs: Schema.Number }),
  /** It was idle and left memory; its next message brings it back. */
  Schema.TaggedStruct("Passivated", { address: Schema.String }),
  /** It stopped, or ended by itself (`normal`). */
  Schema.TaggedStruct("Stopped", { address: Schema.String, reason: Schema.String, normal: Schema.Boolean })
])
export type ActorEvent = typeof ActorEvent.Type

export const topic = Topic.make<ActorEvent>("actors")

type Cell = { readonly kernel: Kernel; readonly address: string; readonly isUnnamed?: boolean }

// The address of a cell is made by a look at it, and is not looked at in vain.
export const started = (cell: Cell): void => {
  past(cell)?.life(cell.address, "started")
  if (isHeard(cell)) tell(cell.kernel, { _tag: "Started", address: cell.address })
}

export const failed = (cell: Cell, messageName: string, cause: string): void => {
  const line = cause.split("\n", 1)[0]!
  past(cell)?.life(cell.address, "crashed", messageName, line)
  if (isHeard(cell)) tell(cell.kernel, { _tag: "Failed", address: cell.address, messageName, cause: line })
}

export const restarted = (cell: Cell, delayMs: number): void => {
  past(cell)?.life(cell.address, "restarts", undefined, `in ${Math.round(delayMs)} ms`)
  if (isHeard(cell)) tell(cell.kernel, { _tag: "Restarted", address: cell.address, delayMs })
}

export const passivated = (cell: Cell): void => {
  past(cell)?.life(cell.address, "passivated")
  if (isHeard(cell)) tell(cell.kernel, { _tag: "Passivated", address: cell.address })
}

export const stopped = (cell: Cell, reason: string, normal: boolean): void => {
  past(cell)?.life(cell.address, normal ? "ended" : "stopped", undefined, normal ? undefined : reason)
  if (isHeard(cell)) tell(cell.kernel, { _tag: "Stopped", address: cell.address, reason, normal })
}

/** The timelines, unless nobody could ask for this one's. */
const past = ({ isUnnamed, kernel }: Cell): Timelines | undefined => (isUnnamed === true ? undefined : kernel.timelines)

const isHeard = ({ kernel }: Cell): boolean => kernel.topics.isHeard(topic.name)

const tell = (kernel: Kernel, event: ActorEvent): void => kernel.publish(topic.name, event, undefined)
