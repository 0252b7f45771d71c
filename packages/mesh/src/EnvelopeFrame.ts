/**
 * The frames of the channel of actor messages: a kind (one byte), for all but a tell the number of an ask (32 bits, big-endian, the
 * asker's own), then MessagePack. docs/PROTOCOL.md says what each kind holds.
 */
import * as Codec from "@continuum/core/Codec"

/** The first byte of a frame. Those from `stream` on belong to streamed replies. */
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
  credit: 11
} as const

export const headerBytes = 5
export const reasonLengthMax = 1_000

/** A frame of this kind about the ask of this number; a tell has none. */
export const frame = (kind: number, number: number | undefined, body?: Uint8Array): Uint8Array => {
  const header = number === undefined ? 1 : headerBytes
  const bytes = new Uint8Array(header + (body?.length ?? 0))
  bytes[0] = kind
  if (number !== undefined) new DataView(bytes.buffer).setUint32(1, number)
  if (body !== undefined) bytes.set(body, header)
  return bytes
}

/** The text in a body. Throws for anything else, and for a text that is too long. */
export const textOf = (body: Uint8Array): string => {
  const text = Codec.decodeChecked(body)
  if (typeof text !== "string" || text.length > reasonLengthMax) throw new Error("it sent a reason that is no text")
  return text
}

/** The name of an action, which a later version may have and this one not. */
export const actionOf = (body: Uint8Array): string => {
  const text = textOf(body)
  if (!/^[a-z.]{1,32}$/.test(text)) throw new Error("it refused an action that has no name")
  return text
}
