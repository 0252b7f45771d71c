/**
 * What can go wrong between a program and a node, besides the errors that a call itself declares.
 *
 * They differ in what the caller may conclude: after `NodeUnreachable`, `NotANode`, `NodeRefused` and `CallMalformed`
 * nothing was run; after `NodeConnectionLost` the call may have been run, so only a call that is harmless to repeat
 * should be repeated.
 */
import { Schema } from "effect"

/** Nothing answers at the URL: the node is not running, or the network does not lead there. Nothing was run. */
export class NodeUnreachable extends Schema.TaggedError<NodeUnreachable>()("NodeUnreachable", {
  url: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `No node answers at ${this.url}: ${this.reason}`
  }
}

/** Something else answers at the URL: no HTTP, or a web server that has no such door. Nothing was run. */
export class NotANode extends Schema.TaggedError<NotANode>()("NotANode", {
  url: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `What answers at ${this.url} is no Continuum node: ${this.reason}. Nothing was run`
  }
}

/**
 * The node answered 401, 403 or 413: the key is missing or wrong, the Host or Origin is not allowed, or the call is
 * larger than a node takes. Nothing was run.
 */
export class NodeRefused extends Schema.TaggedError<NodeRefused>()("NodeRefused", {
  url: Schema.String,
  status: Schema.Literals([401, 403, 413]),
  /** What the node said, or the name of the status. */
  reason: Schema.String
}) {
  override get message() {
    return `The node at ${this.url} refused the call (${this.status}): ${this.reason}`
  }
}

/** The connection broke after the call was sent. The node may have run it. */
export class NodeConnectionLost extends Schema.TaggedError<NodeConnectionLost>()("NodeConnectionLost", {
  url: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `The connection to ${this.url} was lost before the answer was complete; the call may have been run: ${this.reason}`
  }
}

/** Something answered that does not speak this contract, such as a node of another version. */
export class NodeAnswerMalformed extends Schema.TaggedError<NodeAnswerMalformed>()("NodeAnswerMalformed", {
  url: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `What answers at ${this.url} is not a Continuum node of this version: ${this.reason}`
  }
}

/**
 * The node has no such call, or the payload does not fit its schema. Nothing was run. `NodeClient` finds this before it
 * sends anything; a node answers with it whatever else sends.
 */
export class CallMalformed extends Schema.TaggedError<CallMalformed>()("CallMalformed", {
  call: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `The call "${this.call}" was not run: ${this.reason}`
  }
}

/** The node broke while it handled the call: a defect, by no fault of the caller. Its logs say more. */
export class NodeFailed extends Schema.TaggedError<NodeFailed>()("NodeFailed", {
  url: Schema.String,
  call: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `The node at ${this.url} failed while it handled "${this.call}": ${this.reason}. See: ./jtag logs`
  }
}

/** Every error that a call can have on top of its own. */
export const NodeClientError = Schema.Union([
  NodeUnreachable,
  NotANode,
  NodeRefused,
  NodeConnectionLost,
  NodeAnswerMalformed,
  CallMalformed,
  NodeFailed
])
export type NodeClientError = typeof NodeClientError.Type
