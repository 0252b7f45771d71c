/**
 * An ask of a durable mailbox on another node is sent again under the same name when its answer was lost on the way: over there the
 * name is known, and the message is handled once.
 */
import type { DeliveryError, Outcome } from "@continuum/core/Delivery"
import type { TransportLost } from "@continuum/core/Transport"
import { Effect } from "effect"
import * as Limits from "./Limits.ts"
import type { Router } from "./Router.ts"

/**
 * Asks, and again with growing delays, at most `Limits.outgoingRetryMsMax` apart, and only as long as the other node certainly knows the
 * number: `Limits.dedupeWindow` newer envelopes end it. Then it fails with the loss of the answer.
 */
export const untilAnswered = (
  router: Router,
  sequence: number,
  asked: Effect.Effect<Outcome, DeliveryError>,
  lost?: TransportLost,
  delayMs = Limits.outgoingRetryMsMin
): Effect.Effect<Outcome, DeliveryError> =>
  Effect.catch(asked, (error) => {
    const cause = error._tag === "TransportLost" ? error : lost
    if (cause === undefined || error._tag === "EnvelopeMalformed" || error._tag === "NotGranted")
      return Effect.fail(error)
    if (delayMs > Limits.outgoingRetryMsMax || router.sentSince(sequence) >= Limits.dedupeWindow)
      return Effect.fail(cause)
    return Effect.andThen(Effect.sleep(delayMs), untilAnswered(router, sequence, asked, cause, 2 * delayMs))
  })
