/**
 * The Delivery of two nodes in one process, for tests of actors: envelopes and outcomes cross as bytes.
 */
import * as Codec from "@continuum/core/Codec"
import { Delivery, type Outcome, type Receiver } from "@continuum/core/Delivery"
import type { Envelope, EnvelopeMalformed } from "@continuum/core/Envelope"
import * as EnvelopeWire from "@continuum/core/EnvelopeWire"
import { keyPairFromSeed, type PublicKey } from "@continuum/core/Identity"
import { PeerUnreachable, TransportLost } from "@continuum/core/Transport"
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

/** The line between the two, which a test may cut: then nothing passes, and who waits for a reply learns that it is lost. */
export interface Line {
  readonly cut: () => void
  readonly mend: () => void
}

/** Two nodes, named `ant` and `bee`. */
export const make = (): readonly [End, End, Line] => {
  let isCut = false
  const waiting = new Set<() => void>()
  const receivers = new Map<PublicKey, Receiver>()
  const names: Record<string, PublicKey> = { ant: realmOf(1), bee: realmOf(2) }
  const end = (name: string): End => {
    const realm = names[name]!
    const receiverOf = (to: string): Effect.Effect<Receiver, PeerUnreachable> => {
      const receiver = receivers.get(to as PublicKey)
      return receiver === undefined || isCut
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
            const to = yield* receiverOf(envelope.to.realm)
            const lost = Effect.callback<never, TransportLost>((resume) => {
              const fail = () =>
                resume(Effect.fail(new TransportLost({ peer: envelope.to.realm as PublicKey, reason: "it is cut" })))
              waiting.add(fail)
              return Effect.sync(() => void waiting.delete(fail))
            })
            const outcome = yield* Effect.raceFirst(to.ask(arrived, realm), lost)
            return Codec.decodeUnsafe(Codec.encode(outcome)) as Outcome
          }),
        askNow: () => undefined,
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
  const line: Line = {
    cut: () => {
      isCut = true
      for (const fail of waiting) fail()
    },
    mend: () => {
      isCut = false
    }
  }
  return [end("ant"), end("bee"), line]
}
