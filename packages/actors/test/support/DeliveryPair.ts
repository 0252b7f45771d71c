/**
 * The Delivery of two nodes in one process, for tests of actors: envelopes and outcomes cross as bytes.
 */
import * as Codec from "@continuum/core/Codec"
import { Delivery, type Outcome, type Receiver } from "@continuum/core/Delivery"
import type { Envelope, EnvelopeMalformed } from "@continuum/core/Envelope"
import * as EnvelopeWire from "@continuum/core/EnvelopeWire"
import { keyPairFromSeed, type PublicKey } from "@continuum/core/Identity"
import { PeerUnreachable } from "@continuum/core/Transport"
import { Effect, Stream } from "effect"

const realmOf = (seed: number): PublicKey => keyPairFromSeed(new Uint8Array(32).fill(seed)).publicKey

/** The envelope that arrives. */
const crossed = (envelope: Envelope): Effect.Effect<Envelope, EnvelopeMalformed> =>
  Effect.try({
    try: () => EnvelopeWire.decode(EnvelopeWire.encode(envelope)),
    catch: (error) => error as EnvelopeMalformed
  })

export interface End {
  readonly realm: PublicKey
  readonly name: string
  readonly delivery: Delivery["Service"]
}

/** Two nodes, named `ant` and `bee`. */
export const make = (): readonly [End, End] => {
  const receivers = new Map<PublicKey, Receiver>()
  const names: Record<string, PublicKey> = { ant: realmOf(1), bee: realmOf(2) }
  const end = (name: string): End => {
    const realm = names[name]!
    const receiverOf = (to: string): Effect.Effect<Receiver, PeerUnreachable> => {
      const receiver = receivers.get(to as PublicKey)
      return receiver === undefined
        ? Effect.fail(new PeerUnreachable({ peer: to, reason: "it is not there" }))
        : Effect.succeed(receiver)
    }
    return {
      realm,
      name,
      delivery: Delivery.of({
        realmOf: (text) => Effect.succeed(text === "local" ? realm : (names[text] ?? (text as PublicKey))),
        ask: (envelope) =>
          Effect.gen(function* () {
            const arrived = yield* crossed(envelope)
            const outcome = yield* Effect.flatMap(receiverOf(envelope.to.realm), (to) => to.ask(arrived, realm))
            return Codec.decodeUnsafe(Codec.encode(outcome)) as Outcome
          }),
        stream: (envelope) =>
          Stream.unwrap(
            Effect.gen(function* () {
              const arrived = yield* crossed(envelope)
              const to = yield* receiverOf(envelope.to.realm)
              return Stream.map(
                to.stream(arrived, realm),
                (outcome) => Codec.decodeUnsafe(Codec.encode(outcome)) as Outcome
              )
            })
          ),
        tell: (envelope) =>
          Effect.flatMap(crossed(envelope), (arrived) =>
            Effect.flatMap(receiverOf(envelope.to.realm), (to) => to.tell(arrived, realm))
          ),
        serve: (receiver) => Effect.sync(() => void receivers.set(realm, receiver))
      })
    }
  }
  return [end("ant"), end("bee")]
}
