/**
 * Port: the way of an envelope to an actor of another realm, and of others' envelopes to the actors here. The actor system
 * sends through it; the mesh provides it; each hands the other plain data only.
 *
 * At most once: an envelope is never sent twice. When the connection breaks before the reply, the sender learns that it
 * does not know (`TransportLost`). Deadlines travel as the time that remains; interrupting an ask interrupts its handler
 * over there. A streamed reply is held back by its reader, and ends over there when the reader here ends.
 */
import { Context, Effect, type Exit, Layer, Schema, Stream } from "effect"
import type { Envelope, EnvelopeMalformed } from "./Envelope.ts"
import { PublicKey } from "./Identity.ts"
import { PeerUnreachable, type TransportLost } from "./Transport.ts"

/** The owner of the actor's node does not let this node do that. */
export class NotGranted extends Schema.TaggedError<NotGranted>()("NotGranted", {
  /** The node that refused, by its key and, where it is known, its name before that. */
  peer: Schema.String,
  /** What was refused, such as `actors.ask`. */
  action: Schema.String
}) {
  override get message() {
    return (
      `${this.peer} does not grant this node "${this.action}". ` +
      "Its owner can, with: ./jtag peers/add followed by this node's public key (./jtag status prints it)"
    )
  }
}

/** What came of an ask, as plain data: payload, reply and errors are encoded by the schemas of the actor's protocol. */
export const Outcome = Schema.Union([
  Schema.TaggedStruct("Replied", { value: Schema.Unknown }),
  /** The handler failed with one of its own, expected errors. */
  Schema.TaggedStruct("Failed", { error: Schema.Unknown }),
  /** The actor system over there could not do it: the encoded form of one of its errors. */
  Schema.TaggedStruct("Refused", { error: Schema.Unknown })
])
export type Outcome = typeof Outcome.Type

export type DeliveryError = PeerUnreachable | TransportLost | NotGranted | EnvelopeMalformed

/** Takes the envelopes that arrive for actors of this node. `peer` is the verified key of the node that sent it. */
export interface Receiver {
  /**
   * Begins at once, and is run once: where the handler answers at once, what is returned is an `Exit` already and costs no fiber.
   * Interrupted when the asker gives up, its deadline passes or its node is gone.
   */
  readonly ask: (envelope: Envelope, peer: PublicKey) => Effect.Effect<Outcome>
  /**
   * What comes of an ask for a streamed reply: a `Replied` for each of its values; one of the others ends it. Interrupted when its
   * reader gives up or the reader's node is gone. Nothing is computed far ahead of what is read.
   */
  readonly stream: (envelope: Envelope, peer: PublicKey) => Stream.Stream<Outcome>
  /** Puts the message into the mailbox. What cannot be put there becomes a dead letter. */
  readonly tell: (envelope: Envelope, peer: PublicKey) => Effect.Effect<void>
}

export class Delivery extends Context.Service<
  Delivery,
  {
    /**
     * The realm key that a realm of an address stands for: itself, that of the peer with this node key or name, or for
     * `local` this node's own.
     */
    readonly realmOf: (realm: string) => Effect.Effect<PublicKey, PeerUnreachable>
    /** Sends an ask and waits for what comes of it. `to` and `from` have absolute realms. */
    readonly ask: (envelope: Envelope) => Effect.Effect<Outcome, DeliveryError>
    /**
     * The same without a fiber, where there is a connection already: the way of most asks. Calls `settle` once with what comes of it,
     * perhaps before it returns, and never once the function that it returns was called, which gives the ask up. `undefined`:
     * nothing was sent; `ask` does what is missing.
     */
    readonly askNow: (
      envelope: Envelope,
      settle: (exit: Exit.Exit<Outcome, DeliveryError>) => void
    ) => (() => void) | undefined
    /** Asks for a streamed reply: as `Receiver.stream` there, one value after another. Nothing is sent before it is run. */
    readonly stream: (envelope: Envelope) => Stream.Stream<Outcome, DeliveryError>
    /** Sends a tell. Succeeds when the envelope has left this process; what becomes of it, nobody here learns. */
    readonly tell: (envelope: Envelope) => Effect.Effect<void, DeliveryError>
    /** Says who takes what arrives; once. What arrives before is kept waiting within its deadline. */
    readonly serve: (receiver: Receiver) => Effect.Effect<void>
  }
>()("@continuum/core/Delivery") {}

/** A node without a mesh: every other realm is unreachable. */
export const layerNone: Layer.Layer<Delivery> = Layer.sync(Delivery, () => {
  const unreachable = (realm: string) =>
    Effect.fail(new PeerUnreachable({ peer: realm, reason: "this node takes part in no mesh" }))
  return {
    realmOf: unreachable,
    ask: (envelope) => unreachable(envelope.to.realm),
    askNow: () => undefined,
    stream: (envelope) => Stream.fromEffect(unreachable(envelope.to.realm)),
    tell: (envelope) => unreachable(envelope.to.realm),
    serve: () => Effect.void
  }
})
