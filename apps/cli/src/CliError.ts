/**
 * What can go wrong in the CLI itself, before a call or after its answer. What a node answers with is in the packages.
 */
import { Schema } from "effect"
import { program } from "./Program.ts"

/** Words on the command line that do not go together. */
export class UsageWrong extends Schema.TaggedError<UsageWrong>()("UsageWrong", {
  reason: Schema.String,
  /** The command, or "" when there is none. */
  command: Schema.String
}) {
  override get message() {
    return this.reason
  }
}

/** A word on the command line is not the JSON that it should be. */
export class JsonMalformed extends Schema.TaggedError<JsonMalformed>()("JsonMalformed", {
  /** Where it was given, such as `--input`. */
  where: Schema.String,
  input: Schema.String,
  /** Why, when it looks like JSON and is none. */
  reason: Schema.optionalKey(Schema.String)
}) {
  override get message() {
    if (this.reason !== undefined) return `${this.where} cannot be sent: ${this.reason}`
    const input = this.input.length > 60 ? `${this.input.slice(0, 60)}...` : this.input
    return `${this.where} is not JSON: ${input}\nA text needs its quotes, inside those of the shell: '"text"', '[1, 2]', '{"a": 1}'`
  }
}

/** `--node` or `CONTINUUM_NODE` is no URL of a node. */
export class UrlMalformed extends Schema.TaggedError<UrlMalformed>()("UrlMalformed", {
  where: Schema.String,
  input: Schema.String
}) {
  override get message() {
    return `${this.where} is not the URL of a node: "${this.input}". It looks like http://127.0.0.1:3000`
  }
}

/** What is given as the key of a node can be none. */
export class KeyMalformed extends Schema.TaggedError<KeyMalformed>()("KeyMalformed", {
  /** Where it was given. It is not repeated: it may be a real key with something behind it. */
  where: Schema.String
}) {
  override get message() {
    return `${this.where} is not the key of a node: it has other characters than A-Z a-z 0-9 - and _, or too many. The key is the content of <home>/api-key`
  }
}

/** No node has announced itself in the home folder. */
export class NodeNotRunning extends Schema.TaggedError<NodeNotRunning>()("NodeNotRunning", {
  reason: Schema.String
}) {
  override get message() {
    return `No node is running: ${this.reason}`
  }
}

/** A node that took the call and did not answer it. */
export class NodeSilent extends Schema.TaggedError<NodeSilent>()("NodeSilent", {
  url: Schema.String,
  seconds: Schema.Number
}) {
  override get message() {
    return `The node at ${this.url} did not answer within ${this.seconds} s`
  }
}

/** The node refuses the key, or there was none to send. */
export class KeyRefused extends Schema.TaggedError<KeyRefused>()("KeyRefused", {
  url: Schema.String,
  /** The file or variable that the key came from, or why there was none. */
  keyFrom: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return (
      `The node at ${this.url} refused the call: ${this.reason}\n` +
      `Key: ${this.keyFrom}\n` +
      "Give the key of that node: the content of its <home>/api-key, in CONTINUUM_API_KEY or found by --home"
    )
  }
}

/** What was to be sent is more than the node takes in one call. */
export class CallTooLarge extends Schema.TaggedError<CallTooLarge>()("CallTooLarge", {
  url: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `This is more than the node at ${this.url} takes at once: ${this.reason}`
  }
}

/** The node answered `down` and is still there. */
export class NodeStillRunning extends Schema.TaggedError<NodeStillRunning>()("NodeStillRunning", {
  pid: Schema.Int,
  seconds: Schema.Number
}) {
  override get message() {
    return `The node (process ${this.pid}) still answers ${this.seconds} s after it was told to stop. See: ${program} logs`
  }
}

/** At least one check of `doctor` failed. */
export class ChecksFailed extends Schema.TaggedError<ChecksFailed>()("ChecksFailed", {
  failed: Schema.Int,
  checks: Schema.Int
}) {
  override get message() {
    return `${this.failed} of ${this.checks} checks failed`
  }
}

/** A file given on the command line cannot be read. */
export class FileUnreadable extends Schema.TaggedError<FileUnreadable>()("FileUnreadable", {
  file: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `${this.file} cannot be read: ${this.reason}`
  }
}

/** A file given on the command line cannot be written. */
export class FileNotWritten extends Schema.TaggedError<FileNotWritten>()("FileNotWritten", {
  file: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `${this.file} was not written: ${this.reason}`
  }
}

/** The bytes of a module would go to a terminal. */
export class BinaryToTerminal extends Schema.TaggedError<BinaryToTerminal>()("BinaryToTerminal", {
  contentId: Schema.String
}) {
  override get message() {
    return `A module is binary and would garble the terminal. Write it to a file: modules/export ${this.contentId} --out module.wasm`
  }
}

/** Deno was not given what the command needs, and nobody is there to ask. */
export class PermissionMissing extends Schema.TaggedError<PermissionMissing>()("PermissionMissing", {
  /** Such as `read /home/ada/.continuum`. */
  missing: Schema.Array(Schema.String),
  /** The command that grants them. */
  command: Schema.String,
  explanation: Schema.String
}) {
  override get message() {
    return this.explanation
  }
}

/** Whoever read the output has gone, as `head` does. No error. */
export class OutputClosed extends Schema.TaggedError<OutputClosed>()("OutputClosed", {}) {}

/** The output could not be written: a full disk, a device that takes nothing. */
export class OutputFailed extends Schema.TaggedError<OutputFailed>()("OutputFailed", { reason: Schema.String }) {
  override get message() {
    return `The output was not written: ${this.reason}`
  }
}

/** Every error above. */
export const CliError = Schema.Union([
  UsageWrong,
  JsonMalformed,
  UrlMalformed,
  KeyMalformed,
  NodeNotRunning,
  NodeSilent,
  KeyRefused,
  CallTooLarge,
  NodeStillRunning,
  ChecksFailed,
  FileUnreadable,
  FileNotWritten,
  BinaryToTerminal,
  PermissionMissing,
  OutputClosed,
  OutputFailed
])
export type CliError = typeof CliError.Type
