/**
 * The frames of a `MessageStream` as bytes, and their way out: three bytes of length (little-endian), one of kind, and the payload.
 */
import { ByteBlock } from "./ByteBlock.ts"
import { pieceBytesMax } from "./Limits.ts"

export const headerBytes = 4
export const kinds = { last: 0, more: 1, credit: 2 } as const

/** Pieces of at least this size are written by themselves: joining them would cost a copy. Chosen, not measured. */
const joinBytesMax = 16 * 1024

/** Frames are sent at once, so that none holds its block for long. */
const block = new ByteBlock()

/** A frame. Its payload begins with the byte `first` if there is one. */
export const frameOf = (kind: number, payload: Uint8Array, first?: number): Uint8Array => {
  const size = first === undefined ? payload.length : payload.length + 1
  const frame = block.take(headerBytes + size)
  frame[0] = size
  frame[1] = size >>> 8
  frame[2] = size >>> 16
  frame[3] = kind
  return fill(frame, headerBytes, payload, first)
}

/** The frame of a credit of so many bytes. */
export const creditOf = (bytes: number): Uint8Array => {
  const payload = new Uint8Array(4)
  new DataView(payload.buffer).setUint32(0, bytes, true)
  return frameOf(kinds.credit, payload)
}

/** The credit in such a frame, header included; 0 in one of another length. */
export const creditIn = (frame: Uint8Array): number =>
  frame.length === headerBytes + 4 ? new DataView(frame.buffer, frame.byteOffset).getUint32(headerBytes, true) : 0

/** The bytes as they are, behind `first` if there is one. */
export const copied = (bytes: Uint8Array, first: number | undefined): Uint8Array =>
  fill(new Uint8Array(first === undefined ? bytes.length : bytes.length + 1), 0, bytes, first)

const fill = (target: Uint8Array, room: number, bytes: Uint8Array, first: number | undefined): Uint8Array => {
  if (first !== undefined) target[room] = first
  target.set(bytes, first === undefined ? room : room + 1)
  return target
}

/** Node makes an `AsyncResource` for each `queueMicrotask`, half a microsecond; what follows a settled promise comes as soon, without. */
const settled = Promise.resolve()

/** Joins the frames of one turn into one write: each write costs encryption, a packet or a system call. */
export class FrameWriter {
  private readonly out: (bytes: Uint8Array) => void
  private frames: Array<Uint8Array>
  private frameBytes: number

  constructor(out: (bytes: Uint8Array) => void) {
    this.out = out
    this.frames = []
    this.frameBytes = 0
  }

  /** Takes a frame that nobody changes afterwards. */
  write(frame: Uint8Array): void {
    if (frame.length > joinBytesMax) {
      this.flush()
      this.out(frame)
      return
    }
    this.frames.push(frame)
    this.frameBytes += frame.length
    if (this.frameBytes > pieceBytesMax - joinBytesMax) this.flush()
    else if (this.frames.length === 1) void settled.then(this.flush)
  }

  /** Lets go what waits for the end of the turn. */
  readonly flush = (): void => {
    const { frames } = this
    if (frames.length === 0) return
    const bytes = frames.length === 1 ? frames[0]! : joined(frames, this.frameBytes)
    this.frames = []
    this.frameBytes = 0
    this.out(bytes)
  }
}

const joined = (parts: ReadonlyArray<Uint8Array>, length: number): Uint8Array => {
  const bytes = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
