/**
 * Bytes for values: MessagePack (https://msgpack.org) by msgpackr, and effect/rpc's serialization on top of it.
 *
 * One configuration for disk and wire, without msgpackr's record, reference and class extensions, so that any
 * MessagePack implementation can read what we write and hostile bytes cannot make cycles, regular expressions or code.
 * What `encode` returns, `decode` accepts; other bytes are a `BytesMalformed`, whatever they are.
 *
 * Values: null, booleans, numbers, 64-bit bigints, strings, Date (milliseconds), Uint8Array, other typed arrays
 * (extension 116), undefined (extension 0), arrays and plain objects. What comes back differs from what went in for
 * -0 (0), Map (an object with string keys), Set (an array), ArrayBuffer (a Uint8Array), Error ([name, message, cause]),
 * a class instance (a plain object, or what its `toJSON` returns), a function (undefined), a lone surrogate (U+FFFD) and
 * a key `__proto__` (`__proto_`). Bytes in a decoded value are copies: they do not hold on to the message.
 */
import { Effect, Layer, Schema } from "effect"
import { RpcSerialization } from "effect/rpc"
import { addExtension, Packr, RESERVE_START_SPACE, REUSE_BUFFER_MODE } from "msgpackr"
import { encodeBlockBytes, envelopeBytesMax, payloadContainersMax } from "./Limits.ts"
import { problemOf, typedArrayType } from "./MessagePackStructure.ts"

/** The bytes are not the MessagePack of what was expected. */
export class BytesMalformed extends Schema.TaggedError<BytesMalformed>()("BytesMalformed", {
  reason: Schema.String
}) {
  override get message() {
    return `The bytes are not valid MessagePack: ${this.reason}`
  }
}

const packr = new Packr({
  useRecords: false,
  mapsAsObjects: true,
  encodeUndefinedAsNil: false,
  // Maps of any size with the shortest header; the default writes 16 bits of length and fails above.
  variableMapSize: true,
  copyBuffers: true
})

// msgpackr makes a block as long as the one before whenever that is full, and begins with 8 KiB: those of a thousand values in a row
// were a twentieth of the time that they took. For a value that does not fit it makes one four times as long as that needs.
packr.pack(new Uint8Array(encodeBlockBytes / 4 - 16))

/**
 * MessagePack bytes of a value of plain data. A fresh array, safe to keep. Throws a `TypeError` for what has no MessagePack (a
 * symbol, a bigint above 64 bits, a cycle) and for what `decode` would refuse (nested too deep).
 */
export const encode = (value: unknown): Uint8Array => {
  const bytes = new Uint8Array(packed(value))
  checkStructure(bytes, 0)
  return bytes
}

/** As `encode`, behind `room` bytes for a header of the caller's, for bytes that are copied at once: the next call overwrites them. */
export const encodeBriefly = (value: unknown, room = 0): Uint8Array => {
  const block = packed(value)
  const size = room + block.length
  const bytes = size > brief.length ? new Uint8Array(size) : brief.subarray(0, size)
  bytes.set(block, room)
  checkStructure(bytes, room)
  return bytes
}

/** Most messages are smaller. */
const brief = new Uint8Array(16 * 1024)

/** Memory with the bytes of many values side by side, from `start` to `end` those of the last one. */
export interface Block extends Uint8Array {
  readonly start: number
  readonly end: number
}

/**
 * As `encode`, for plain data that is known to be nested no deeper than `payloadDepthMax`, behind `room` bytes (0 to 255) for a header
 * of the caller's, and without a copy or a view: the place of room and bytes is in the block until the next call. Nothing overwrites
 * the bytes, but keeping them keeps the block.
 */
export const encodeInBlock = (value: unknown, room: number): Block => {
  const block = packed(value, REUSE_BUFFER_MODE | RESERVE_START_SPACE | room) as Block
  // Each array and map takes a byte at least.
  if (block.end - block.start > payloadContainersMax) checkStructure(block.subarray(block.start, block.end), room)
  return block
}

/** The value in the bytes. Throws what msgpackr throws: for bytes that this process wrote and checked itself. */
export const decodeUnsafe = (bytes: Uint8Array): unknown => packr.unpack(bytes)

/** The value in the bytes. Fails with `BytesMalformed`. */
export const decode = (bytes: Uint8Array): Effect.Effect<unknown, BytesMalformed> =>
  Effect.try({ try: () => decodeChecked(bytes), catch: (error) => error as BytesMalformed })

/** The value in the bytes, where no Effect is wanted. Throws `BytesMalformed`. */
export const decodeChecked = (bytes: Uint8Array): unknown => {
  const problem = problemOf(bytes)
  if (problem !== undefined) throw new BytesMalformed({ reason: problem })
  try {
    return packr.unpack(bytes)
  } catch (cause) {
    throw new BytesMalformed({ reason: cause instanceof Error ? cause.message : String(cause) })
  }
}

const checkStructure = (bytes: Uint8Array, room: number): void => {
  const problem = problemOf(bytes, room)
  if (problem !== undefined) throw new TypeError(`This value cannot be encoded: ${problem}`)
}

const packed = (value: unknown, mode = 0): Uint8Array => {
  try {
    return packr.pack(value, mode)
  } catch (cause) {
    throw new TypeError(
      `This value cannot be encoded: ${cause instanceof Error ? cause.message : String(cause)} ` +
        "(a cycle, a symbol or a number above 64 bits?)",
      { cause }
    )
  }
}

const typedArrays = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array
] as const

/** Every view of memory but a `Uint8Array`, which is MessagePack's own binary type. */
const OtherView = {
  [Symbol.hasInstance]: (value: unknown): boolean => ArrayBuffer.isView(value) && !(value instanceof Uint8Array)
}

// Without this, msgpackr writes the elements of a Float32Array as single bytes, followed by whatever was in its buffer.
// Type and layout are those of msgpackr's own `moreTypes`: the kind as one byte, then little-endian elements.
addExtension({
  Class: OtherView,
  type: typedArrayType,
  pack: (view: ArrayBufferView) => {
    const kind = typedArrays.findIndex((type) => view instanceof type)
    if (kind < 0) throw new TypeError(`a ${view.constructor.name} is not plain data`)
    const bytes = new Uint8Array(1 + view.byteLength)
    bytes[0] = kind
    bytes.set(new Uint8Array(view.buffer, view.byteOffset, view.byteLength), 1)
    return bytes
  },
  unpack: (bytes: Uint8Array) => {
    const type = typedArrays[bytes[0]!]
    if (type === undefined) throw new TypeError(`there is no kind ${bytes[0]} of typed array`)
    return new type(new Uint8Array(bytes.subarray(1)).buffer)
  }
} as unknown as Parameters<typeof addExtension>[0])

const frameHeaderBytes = 4

/**
 * effect/rpc messages as MessagePack, each behind its length as an unsigned 32-bit big-endian number.
 * A frame above `bytesMax` fails with `MaxBufferSizeExceeded` before any of it is kept, a malformed one with
 * `BytesMalformed`; the parser that saw it is of no further use, and goes on failing.
 */
export const makeRpcSerialization = (
  bytesMax: number = envelopeBytesMax
): RpcSerialization.RpcSerialization["Service"] =>
  RpcSerialization.RpcSerialization.of({
    contentType: "application/msgpack",
    includesFraming: true,
    codecFor: Schema.toCodecJson as RpcSerialization.CodecFor,
    makeUnsafe: () => {
      const buffer = makeFrameBuffer(bytesMax)
      let failure: unknown
      return {
        encode: (message) =>
          Array.isArray(message) ? (message.length === 0 ? undefined : concat(message.map(frame))) : frame(message),
        decode: (data) => {
          if (failure !== undefined) throw failure
          try {
            buffer.append(typeof data === "string" ? new TextEncoder().encode(data) : data)
            const messages: Array<unknown> = []
            for (let body = buffer.take(); body !== undefined; body = buffer.take()) messages.push(decodeChecked(body))
            return messages
          } catch (error) {
            failure = error
            throw error
          }
        }
      }
    }
  })

/** effect/rpc on MessagePack, for doors of the node and their clients. */
export const layerRpcSerialization: Layer.Layer<RpcSerialization.RpcSerialization> = Layer.sync(
  RpcSerialization.RpcSerialization,
  makeRpcSerialization
)

/** Bytes that arrived and are not read yet. Grows by doubling, so that many small chunks cost no more than one large. */
const makeFrameBuffer = (bytesMax: number) => {
  let bytes = new Uint8Array(0)
  let start = 0
  let end = 0
  return {
    append: (chunk: Uint8Array): void => {
      if (end + chunk.length > bytes.length) {
        const grown = new Uint8Array(Math.max(end - start + chunk.length, start === 0 ? 2 * bytes.length : 0))
        grown.set(bytes.subarray(start, end))
        bytes = grown
        end -= start
        start = 0
      }
      bytes.set(chunk, end)
      end += chunk.length
    },
    /** The body of the next complete frame. */
    take: (): Uint8Array | undefined => {
      if (end - start < frameHeaderBytes) return undefined
      const length = new DataView(bytes.buffer, start).getUint32(0)
      if (length > bytesMax) throw new RpcSerialization.MaxBufferSizeExceeded({ maxBufferSize: bytesMax })
      const from = start + frameHeaderBytes
      if (from + length > end) return undefined
      start = from + length
      const body = bytes.subarray(from, start)
      if (start === end) {
        bytes = new Uint8Array(0)
        start = end = 0
      }
      return body
    }
  }
}

const frame = (message: unknown): Uint8Array => {
  const body = encode(message)
  const bytes = new Uint8Array(frameHeaderBytes + body.length)
  new DataView(bytes.buffer).setUint32(0, body.length)
  bytes.set(body, frameHeaderBytes)
  return bytes
}

const concat = (parts: ReadonlyArray<Uint8Array>): Uint8Array<ArrayBuffer> => {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
