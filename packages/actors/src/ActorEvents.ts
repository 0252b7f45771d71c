/**
 * What happens to the actors and services of a system, as events of the topic `actors`. While nobody listens, nothing is made of it.
 */
import { Schema } from "effect"
import type { Kernel } from "./Kernel.ts"
import * as Topic from "./Topic.ts"

export const ActorEvent = Schema.Union([
  /** A life begins: its first, or one after a restart. */
  Schema.TaggedStruct("Started", { address: Schema.String }),
  /** A handler, a commit or a service failed. `messageName` is what was being handled; `start`, or `run` for a service. */
  Schema.TaggedStruct("Failed", { address: Schema.String, messageName: Schema.String, cause: Schema.String }),
  /** It is restarted, after `delayMs`; what waited stays in its mailbox. */
  Schema.TaggedStruct("Restarted", { address: Schema.String, delayMs: Schema.Number }),
  /** It stopped, or ended by itself (`normal`). */
  Schema.TaggedStruct("Stopped", { address: Schema.String, reason: Schema.String, normal: Schema.Boolean })
])
export type ActorEvent = typeof ActorEvent.Type

export const topic = Topic.make<ActorEvent>("actors")

type Cell = { readonly kernel: Kernel; readonly address: string }

// The address of a cell is made by a look at it, and is not looked at in vain.
export const started = (cell: Cell): void => {
  if (isHeard(cell)) tell(cell.kernel, { _tag: "Started", address: cell.address })
}

export const failed = (cell: Cell, messageName: string, cause: string): void => {
  if (!isHeard(cell)) return
  tell(cell.kernel, { _tag: "Failed", address: cell.address, messageName, cause: cause.split("\n", 1)[0]! })
}

export const restarted = (cell: Cell, delayMs: number): void => {
  if (isHeard(cell)) tell(cell.kernel, { _tag: "Restarted", address: cell.address, delayMs })
}

export const stopped = (cell: Cell, reason: string, normal: boolean): void => {
  if (isHeard(cell)) tell(cell.kernel, { _tag: "Stopped", address: cell.address, reason, normal })
}

const isHeard = ({ kernel }: Cell): boolean => kernel.topics.isHeard(topic.name)

const tell = (kernel: Kernel, event: ActorEvent): void => kernel.publish(topic.name, event, undefined)
