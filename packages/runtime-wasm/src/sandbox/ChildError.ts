/**
 * How a request to a sandbox child can end without an answer. `Jit` turns these into the words of `JitError`.
 */
import { Schema } from "effect"

/** The child could not be started, or its process ended in the middle of the request. */
export class ChildDied extends Schema.TaggedError<ChildDied>()("ChildDied", { reason: Schema.String }) {
  override get message() {
    return `The sandbox child died: ${this.reason}`
  }
}

/** The request was not answered in time. The child was killed. */
export class ChildTimeout extends Schema.TaggedError<ChildTimeout>()("ChildTimeout", { timeoutMs: Schema.Number }) {
  override get message() {
    return `The sandbox child did not answer within ${this.timeoutMs} ms and was killed`
  }
}

/** The child's resident memory grew above its limit. The child was killed. */
export class ChildMemoryExceeded extends Schema.TaggedError<ChildMemoryExceeded>()("ChildMemoryExceeded", {
  memoryBytesMax: Schema.Int
}) {
  override get message() {
    return `The sandbox child used more than ${this.memoryBytesMax} bytes and was killed`
  }
}

/** All children are busy and the queue is full, or a place did not come free in time. Nothing was run. */
export class PoolBusy extends Schema.TaggedError<PoolBusy>()("PoolBusy", { waiting: Schema.Int }) {
  override get message() {
    return `All sandbox children are busy and ${this.waiting} requests wait`
  }
}

/** Everything that a request to a pool can fail with. */
export type ChildError = ChildDied | ChildTimeout | ChildMemoryExceeded | PoolBusy
