/**
 * Messages between the node and a sandbox child: MessagePack, each behind its length as an unsigned 32-bit big-endian
 * number. A length above the limit is refused before anything of that size is kept.
 */
import * as Codec from "@continuum/core/Codec"
import { Schema } from "effect"
import { frameBytesMax } from "../Limits.ts"

/** The other end sent something that is no frame: it is broken or hostile. */
export class FrameMalformed extends Schema.TaggedError<FrameMalformed>()("FrameMalformed", { reason: Schema.String }) {
  override get message() {
    return `Not a frame of the sandbox: ${this.reason}`
  }
}

const headerBytes = 4

/** A message as a frame. Throws `FrameMalformed` for a message that is too large. */
export const encode = (message: unknown): Uint8Array => {
  const body = Codec.encode(message)
  if (body.length > frameBytesMax)
    throw new FrameMalformed({ reason: `${body.length} bytes, at most ${frameBytesMax}` })
  const frame = new Uint8Array(headerBytes + body.length)
  new DataView(frame.buffer).setUint32(0, body.length)
  frame.set(body, headerBytes)
  return frame
}

/** Takes the chunks of a byte stream as they come and gives the messages that are complete. Throws `FrameMalformed`. */
export type Decoder = (chunk: Uint8Array) => ReadonlyArray<unknown>

/** A decoder at the start of a stream. Chunks are kept as they are until their frame is whole: linear in its size. */
export const makeDecoder = (): Decoder => {
  let chunks: Array<Uint8Array> = []
  let held = 0
  const take = (length: number): Uint8Array => {
    const bytes = new Uint8Array(length)
    let at = 0
    while (at < length) {
      const head = chunks[0]!
      const part = head.subarray(0, length - at)
      bytes.set(part, at)
      at += part.length
      if (part.length === head.length) chunks.shift()
      else chunks[0] = head.subarray(part.length)
    }
    held -= length
    return bytes
  }
  let bodyBytes: number | undefined
  return (chunk) => {
    if (chunk.length > 0) chunks.push(chunk)
    held += chunk.length
    const messages: Array<unknown> = []
    for (;;) {
      if (bodyBytes === undefined) {
        if (held < headerBytes) return messages
        bodyBytes = new DataView(take(headerBytes).buffer).getUint32(0)
        if (bodyBytes > frameBytesMax) {
          throw new FrameMalformed({ reason: `${bodyBytes} bytes, at most ${frameBytesMax}` })
        }
      }
      if (held < bodyBytes) return messages
      const body = take(bodyBytes)
      bodyBytes = undefined
      try {
        messages.push(Codec.decodeUnsafe(body))
      } catch (cause) {
        throw new FrameMalformed({ reason: cause instanceof Error ? cause.message : String(cause) })
      }
    }
  }
}
