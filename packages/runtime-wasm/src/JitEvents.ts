/** What the JIT does, as events of the topic `jit`. */
import * as Topic from "@continuum/actors/Topic"
import { Schema } from "effect"

export const JitEvent = Schema.Union([
  /** A source became a module, here or by a peer. */
  Schema.TaggedStruct("Compiled", { contentId: Schema.String, lang: Schema.String, compiledBy: Schema.String })
])
export type JitEvent = typeof JitEvent.Type

export const topic = Topic.make<JitEvent>("jit")
