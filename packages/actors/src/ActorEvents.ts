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
  /** It was idle and left memory; its next message brings it back. */
  Schema.TaggedStruct("Passivated", { address: Schema.String }),
  /** It stopped, or ended by itself (`normal`). */
  Schema.TaggedStruct("Stopped", { address: Schema.String, reason: Schema.String, normal: Schema.Boolean })
])
export type ActorEvent = typeof ActorEvent.Type

export const topic = Topic.make<ActorEvent>("actors")

type Cell = { readonly kernel: Kernel; readonly address: string }

export const started = ({ address, kernel }: Cell): void => {
  kernel.timelines?.life(address, "started")
  if (kernel.topics.isHeard(topic.name)) tell(kernel, { _tag: "Started", address })
}

export const failed = ({ address, kernel }: Cell, messageName: string, cause: string): void => {
  kernel.timelines?.life(address, "crashed", messageName, cause.split("\n", 1)[0])
  if (!kernel.topics.isHeard(topic.name)) return
  tell(kernel, { _tag: "Failed", address, messageName, cause: cause.split("\n", 1)[0]! })
}

export const restarted = ({ address, kernel }: Cell, delayMs: number): void => {
  kernel.timelines?.life(address, "restarts", undefined, `in ${Math.round(delayMs)} ms`)
  if (kernel.topics.isHeard(topic.name)) tell(kernel, { _tag: "Restarted", address, delayMs })
}

export const passivated = ({ address, kernel }: Cell): void => {
  kernel.timelines?.life(address, "passivated")
  if (kernel.topics.isHeard(topic.name)) tell(kernel, { _tag: "Passivated", address })
}

export const stopped = ({ address, kernel }: Cell, reason: string, normal: boolean): void => {
  kernel.timelines?.life(address, normal ? "ended" : "stopped", undefined, normal ? undefined : reason)
  if (kernel.topics.isHeard(topic.name)) tell(kernel, { _tag: "Stopped", address, reason, normal })
}

const tell = (kernel: Kernel, event: ActorEvent): void => kernel.publish(topic.name, event, undefined)
