/** No transport could be started: a node that gets this goes on without a mesh. */
import { Schema } from "effect"

export class TransportUnavailable extends Schema.TaggedError<TransportUnavailable>()("TransportUnavailable", {
  reason: Schema.String,
  /** What the user can do. */
  fix: Schema.String
}) {
  override get message() {
    return `The mesh is off: ${this.reason}. ${this.fix}`
  }
}
