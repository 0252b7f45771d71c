import type { Outcome, Receiver } from "@continuum/core/Delivery"
import type { Envelope } from "@continuum/core/Envelope"
import type { PublicKey } from "@continuum/core/Identity"
import { Effect, Stream } from "effect"

/**
 * Answers with the payload and the key of the asker; `fail`, `refuse`, `die` and `never` do what they say. A stream counts to the
 * payload and then does so, or ends.
 */
export const echo: Receiver = {
  ask: (envelope, peer) => {
    switch (envelope.message) {
      case "fail":
        return Effect.succeed({ _tag: "Failed", error: envelope.payload })
      case "refuse":
        return Effect.succeed({ _tag: "Refused", error: envelope.payload })
      case "die":
        return Effect.die(new Error("bug"))
      case "never":
        return Effect.never
      default:
        return Effect.succeed({ _tag: "Replied", value: [envelope.payload, peer] })
    }
  },
  stream: ({ message, payload }) => {
    const values = Stream.map(Stream.range(1, Number(payload)), (value) => ({ _tag: "Replied" as const, value }))
    const last = (outcome: Outcome) => Stream.concat(values, Stream.succeed(outcome))
    switch (message) {
      case "fail":
        return last({ _tag: "Failed", error: { at: payload } })
      case "refuse":
        return last({ _tag: "Refused", error: { at: payload } })
      case "die":
        return Stream.concat(values, Stream.die(new Error("bug")))
      case "never":
        return Stream.concat(values, Stream.never)
      case "large":
        return Stream.succeed({ _tag: "Replied", value: new Uint8Array(Number(payload)) })
      default:
        return values
    }
  },
  tell: () => Effect.void
}

let sequence = 0

export const envelopeTo = (realm: PublicKey, payload: unknown, more: Partial<Envelope> = {}): Envelope => ({
  version: 1,
  id: { stream: "test", sequence: sequence++ },
  kind: "ask",
  to: { realm, kind: "echo", name: "e" },
  message: "echo",
  payload,
  ...more
})
