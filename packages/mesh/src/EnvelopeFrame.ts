/**
 * The frames of the channel of actor messages: a kind (one byte), for all but tells and headings the number of an ask (32 bits,
 * big-endian, the asker's own), then MessagePack. docs/PROTOCOL.md says what each kind holds.
 */
import * as Codec from "@continuum/core/Codec"
import { type DeliveryError, NotGranted, type Outcome } from "@continuum/core/Delivery"
import type { PublicKey } from "@continuum/core/Identity"
import { PeerUnreachable, TransportLost } from "@continuum/core/Transport"
import { Exit } from "effect"

/** The first byte of a frame. Those from `stream` to `credit` belong to streamed replies, three of the others to `EnvelopeHeadings`. */
export const kinds = {
  ask: 0,
  tell: 1,
  cancel: 2,
  replied: 3,
  failed: 4,
  refused: 5,
  notGranted: 6,
  unanswered: 7,
  stream: 8,
  value: 9,
  end: 10,
  credit: 11,
  heading: 12,
  briefAsk: 13,
  briefTell: 14,
  busy: 15
} as const

export const headerBytes = 5
export const reasonLengthMax = 1_000

/** A frame of this kind about the ask of this number; a tell has none. */
export const frame = (kind: number, number: number | undefined, body?: Uint8Array): Uint8Array => {
  const header = number === undefined ? 1 : headerBytes
  const bytes = headed(kind, number, new Uint8Array(header + (body?.length ?? 0)))
  if (body !== undefined) bytes.set(body, header)
  return bytes
}

/** The same for a body that was written behind the room for its header. */
export const headed = (kind: number, number: number | undefined, bytes: Uint8Array): Uint8Array => {
  bytes[0] = kind
  if (number === undefined) return bytes
  bytes[1] = number >>> 24
  bytes[2] = number >>> 16
  bytes[3] = number >>> 8
  bytes[4] = number
  return bytes
}

/** What an answer says came of an ask. Throws for a kind that is no answer, and for what it cannot hold. */
export const outcomeOf = (
  kind: number,
  body: Uint8Array,
  peer: PublicKey,
  peerName: () => string
): Exit.Exit<Outcome, DeliveryError> => {
  switch (kind) {
    case kinds.replied:
      return Exit.succeed({ _tag: "Replied", value: Codec.decodeChecked(body) })
    case kinds.failed:
      return Exit.succeed({ _tag: "Failed", error: Codec.decodeChecked(body) })
    case kinds.refused:
      return Exit.succeed({ _tag: "Refused", error: Codec.decodeChecked(body) })
    case kinds.notGranted:
      return Exit.fail(new NotGranted({ peer: peerName(), action: actionOf(body) }))
    case kinds.unanswered:
      return Exit.fail(
        new TransportLost({ peer, reason: `the message arrived, and its reply cannot travel: ${textOf(body)}` })
      )
    case kinds.busy:
      return Exit.fail(new PeerUnreachable({ peer, reason: textOf(body) }))
    default:
      throw new Error(`it sent an envelope frame of kind ${kind}, which this version does not know`)
  }
}

const textOf = (body: Uint8Array): string => {
  const text = Codec.decodeChecked(body)
  if (typeof text !== "string" || text.length > reasonLengthMax) throw new Error("it sent a reason that is no text")
  return text
}

/** The name of an action, which a later version may have and this one not. */
const actionOf = (body: Uint8Array): string => {
  const text = textOf(body)
  if (!/^[a-z.]{1,32}$/.test(text)) throw new Error("it refused an action that has no name")
  return text
}
