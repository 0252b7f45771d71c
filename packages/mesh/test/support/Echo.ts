import type { Receiver } from "@continuum/core/Delivery"
import type { Envelope } from "@continuum/core/Envelope"
import type { PublicKey } from "@continuum/core/Identity"
import { Effect } from "effect"

/** Answers with the payload and the key of the asker; `fail`, `refuse`, `die` and `never` do what they say. */
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
