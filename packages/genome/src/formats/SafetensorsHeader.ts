/**
 * The header of a safetensors file (https://github.com/huggingface/safetensors): 8 bytes with its length as a
 * little-endian number, then JSON that says of each tensor what it is and where.
 *
 * The header alone tells where to find a tensor, so a large file can be read piece by piece. What passes has tensors
 * that lie one behind the other without a gap or an overlap, and fills the file to its end.
 */
import { Effect, Schema } from "effect"
import { safetensorsHeaderBytesMax, tensorDimensionsMax } from "../Limits.ts"
import * as Dtype from "./Dtype.ts"
import { structureOf } from "./JsonStructure.ts"

/** The bytes are no safetensors file that this version reads. */
export class SafetensorsMalformed extends Schema.TaggedError<SafetensorsMalformed>()("SafetensorsMalformed", {
  /** The tensor that is wrong; absent when the file as a whole is. */
  tensor: Schema.optionalKey(Schema.String),
  reason: Schema.String
}) {
  override get message() {
    const where = this.tensor === undefined ? "" : `tensor "${this.tensor}" `
    return `This is not a valid safetensors file: ${where}${this.reason}`
  }
}

/** What the header says of one tensor. */
export interface TensorInfo {
  readonly dtype: Dtype.Dtype
  /** Row-major; empty for a single number. */
  readonly shape: ReadonlyArray<number>
  /** First byte, counted from the beginning of the file. */
  readonly begin: number
  /** One past the last byte. */
  readonly end: number
}

export interface Header {
  /** Free text by name, from `__metadata__`. */
  readonly metadata: ReadonlyMap<string, string>
  /** By name, in the order in which they lie in the file. */
  readonly tensors: ReadonlyMap<string, TensorInfo>
  /** Bytes of the whole file. */
  readonly fileBytes: number
}

const lengthBytes = 8
/** The header, a tensor's entry, and its shape. */
const headerDepth = 3

/**
 * Bytes from the beginning of the file that `parse` needs. Takes the first 8 bytes, or more. Fails with
 * `SafetensorsMalformed`.
 */
export const bytesNeeded = (prefix: Uint8Array): Effect.Effect<number, SafetensorsMalformed> =>
  Effect.suspend(() => {
    if (prefix.length < lengthBytes) return malformed(`has ${prefix.length} bytes, and even an empty one has 10`)
    const length = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true)
    return length > safetensorsHeaderBytesMax
      ? malformed(`has a header of ${length} bytes, more than the limit of ${safetensorsHeaderBytesMax}`)
      : Effect.succeed(lengthBytes + Number(length))
  })

const Entry = Schema.Struct({
  dtype: Dtype.Dtype,
  shape: Schema.Array(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))).check(
    Schema.isMaxLength(tensorDimensionsMax)
  ),
  data_offsets: Schema.Tuple([
    Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
    Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
  ])
})
const decodeEntry = Schema.decodeUnknownEffect(Entry)

/** Reads the header from the first bytes of a file. Fails with `SafetensorsMalformed`. */
export const parse = Effect.fnUntraced(function* (prefix: Uint8Array) {
  const dataStart = yield* bytesNeeded(prefix)
  if (prefix.length < dataStart) {
    return yield* malformed(`ends after ${prefix.length} bytes, in a header that needs ${dataStart}`)
  }
  const json = yield* parseJson(prefix.subarray(lengthBytes, dataStart))
  const infos: Array<readonly [name: string, info: TensorInfo]> = []
  let metadata: ReadonlyMap<string, string> = new Map()
  for (const [name, value] of Object.entries(json)) {
    if (name === "__metadata__") {
      if (!isTextByName(value)) return yield* malformed("has __metadata__ that is not text by name")
      metadata = new Map(Object.entries(value))
      continue
    }
    const entry = yield* Effect.mapError(decodeEntry(value), ({ message }) =>
      error(`is described wrongly: ${message}`, name)
    )
    const [begin, end] = entry.data_offsets
    const bytes = Dtype.bytesOf(entry.dtype, entry.shape)
    if (bytes === undefined || bytes !== end - begin) {
      return yield* malformed(
        `has ${end - begin} bytes at offsets ${begin} to ${end}, and ${entry.dtype} of shape [${entry.shape.join(", ")}] ` +
          (bytes === undefined ? "has no whole number of bytes" : `needs ${bytes}`),
        name
      )
    }
    infos.push([name, { dtype: entry.dtype, shape: entry.shape, begin: dataStart + begin, end: dataStart + end }])
  }
  infos.sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end)
  let fileBytes = dataStart
  for (const [name, { begin, end }] of infos) {
    if (begin !== fileBytes) {
      return yield* malformed(
        begin < fileBytes
          ? `begins ${fileBytes - begin} bytes before the one in front of it ends`
          : `leaves ${begin - fileBytes} bytes unused in front of it`,
        name
      )
    }
    fileBytes = end
  }
  return { metadata, tensors: new Map(infos), fileBytes } satisfies Header
})

const parseJson = (bytes: Uint8Array): Effect.Effect<object, SafetensorsMalformed> =>
  Effect.suspend(() => {
    if (bytes[0] !== 0x7b) return malformed("has a header that does not begin with {")
    try {
      const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
      const json = JSON.parse(text) as object
      const { depth, repeatedKey } = structureOf(text)
      if (depth > headerDepth) return malformed(`has a header that is nested ${depth} deep`)
      return repeatedKey === undefined ? Effect.succeed(json) : malformed(`names "${repeatedKey}" twice in its header`)
    } catch (cause) {
      return malformed(`has a header that is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`)
    }
  })

const isTextByName = (value: unknown): value is Record<string, string> =>
  typeof value === "object" &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every((text) => typeof text === "string")

// A message may quote a large part of the header; its beginning is enough.
const error = (reason: string, tensor?: string) => {
  const short = reason.slice(0, 500)
  return new SafetensorsMalformed(
    tensor === undefined ? { reason: short } : { reason: short, tensor: tensor.slice(0, 200) }
  )
}
const malformed = (reason: string, tensor?: string) => Effect.fail(error(reason, tensor))
