/**
 * What can go wrong between a sender and an actor. Every one says what to do about it.
 */
import { Schema } from "effect"

/** No actor type of this kind is defined in this system, or the address names no actor that exists. */
export class AddressUnknown extends Schema.TaggedError<AddressUnknown>()("AddressUnknown", {
  address: Schema.String,
  /** The nearest addresses or kinds that do exist, best first. */
  nearest: Schema.Array(Schema.String)
}) {
  override get message() {
    const hint = this.nearest.length > 0 ? ` Did you mean ${this.nearest.join(" or ")}?` : ""
    return `No actor answers to ${this.address}.${hint}`
  }
}

/** The actor has no handler of this name. */
export class MessageUnknown extends Schema.TaggedError<MessageUnknown>()("MessageUnknown", {
  address: Schema.String,
  messageName: Schema.String,
  /** The messages that it does handle. */
  known: Schema.Array(Schema.String)
}) {
  override get message() {
    return `${this.address} has no message "${this.messageName}". It handles: ${this.known.join(", ") || "none"}`
  }
}

/** The payload is not what the handler's schema asks for. */
export class PayloadMalformed extends Schema.TaggedError<PayloadMalformed>()("PayloadMalformed", {
  address: Schema.String,
  messageName: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `The payload of "${this.messageName}" to ${this.address} was refused: ${this.reason}`
  }
}

/** The mailbox is full: the actor gets messages faster than it handles them. Send slower, or retry later. */
export class MailboxFull extends Schema.TaggedError<MailboxFull>()("MailboxFull", {
  address: Schema.String,
  capacity: Schema.Int
}) {
  override get message() {
    return `The mailbox of ${this.address} is full (${this.capacity} messages). Send slower or retry later`
  }
}

/** The actor has as many streamed replies that flow as it may. */
export class StreamsFull extends Schema.TaggedError<StreamsFull>()("StreamsFull", {
  address: Schema.String,
  streamsMax: Schema.Int
}) {
  override get message() {
    return `${this.address} streams ${this.streamsMax} replies already. Retry when one of them has ended`
  }
}

/** The handler died of a defect; the supervisor has restarted or stopped the actor. The message was not retried. */
export class ActorFailed extends Schema.TaggedError<ActorFailed>()("ActorFailed", {
  address: Schema.String,
  messageName: Schema.String,
  cause: Schema.String
}) {
  override get message() {
    return `${this.address} failed while handling "${this.messageName}": ${this.cause}`
  }
}

/** The actor is stopped: by its owner, or because it failed more often than its supervisor allows. */
export class ActorStopped extends Schema.TaggedError<ActorStopped>()("ActorStopped", {
  address: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `${this.address} is stopped: ${this.reason}. Restart it with: ./jtag actors/restart '${this.address}'`
  }
}

/** The sender's deadline passed before the reply. The message may still be handled. */
export class AskTimeout extends Schema.TaggedError<AskTimeout>()("AskTimeout", {
  address: Schema.String,
  messageName: Schema.String,
  timeoutMs: Schema.Number
}) {
  override get message() {
    return `${this.address} did not answer "${this.messageName}" within ${this.timeoutMs} ms`
  }
}

/** An actor asked an actor that is waiting for it. */
export class AskCycle extends Schema.TaggedError<AskCycle>()("AskCycle", {
  /** The addresses of the cycle, outermost first. */
  chain: Schema.Array(Schema.String)
}) {
  override get message() {
    return `These actors wait for each other in a circle: ${this.chain.join(" -> ")}. Use tell for one of them`
  }
}

/** The state could not be made durable (disk full, database closed). The actor is back at its last committed state. */
export class StateNotStored extends Schema.TaggedError<StateNotStored>()("StateNotStored", {
  address: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `The new state of ${this.address} was not stored and not applied: ${this.reason}`
  }
}

/**
 * The actor was moved to another node, and that node does not answer or its lease has ended. `maybeHandled` says whether it may
 * have handled the message; it is not sent again.
 */
export class LeaseUnavailable extends Schema.TaggedError<LeaseUnavailable>()("LeaseUnavailable", {
  address: Schema.String,
  /** The realm of the node that has the lease. */
  node: Schema.String,
  reason: Schema.String,
  maybeHandled: Schema.Boolean
}) {
  override get message() {
    return (
      `${this.address} lives on ${this.node}: ${this.reason}. ` +
      (this.maybeHandled
        ? "Nobody knows whether it handled the message"
        : "The message was not handled; it comes home when its lease ends, so try again in some seconds")
    )
  }
}

/** The actor stays where it is. */
export class MigrationRefused extends Schema.TaggedError<MigrationRefused>()("MigrationRefused", {
  address: Schema.String,
  /** Where it was to go. */
  to: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `${this.address} was not moved to ${this.to}: ${this.reason}`
  }
}

/** The actor is for its own realm only: its messages have no schemas that could check what a stranger sends. */
export class NotExposed extends Schema.TaggedError<NotExposed>()("NotExposed", {
  address: Schema.String
}) {
  override get message() {
    return `${this.address} answers only its own realm. Define it with fromRpcs, whose schemas expose it to others`
  }
}

/**
 * The message is older than what the durable mailbox remembers of its stream: it may have been handled, and is not handled again.
 * Send what is new under the next sequence number.
 */
export class TooOld extends Schema.TaggedError<TooOld>()("TooOld", {
  address: Schema.String,
  stream: Schema.String,
  sequence: Schema.Int,
  reason: Schema.String
}) {
  override get message() {
    return (
      `${this.address} does not say any more what came of message ${this.sequence} of stream "${this.stream}": ${this.reason}. ` +
      "It will not be handled again; look at the state, and use the next sequence number for what is new"
    )
  }
}

/** There are as many messages on their way to durable mailboxes as there may be. Send slower, or retry later. */
export class OutboxFull extends Schema.TaggedError<OutboxFull>()("OutboxFull", {
  /** Whom the message was for. */
  address: Schema.String,
  /** Messages that may be on their way. */
  capacity: Schema.Int
}) {
  override get message() {
    return (
      `The message to ${this.address} was not sent: ${this.capacity} messages are on their way already. ` +
      "Send slower or retry later"
    )
  }
}

/** Everything that a send or an ask can fail with. */
export const ActorError = Schema.Union([
  AddressUnknown,
  MessageUnknown,
  PayloadMalformed,
  MailboxFull,
  StreamsFull,
  ActorFailed,
  ActorStopped,
  AskTimeout,
  AskCycle,
  StateNotStored,
  LeaseUnavailable,
  TooOld,
  OutboxFull
])
export type ActorError = typeof ActorError.Type
