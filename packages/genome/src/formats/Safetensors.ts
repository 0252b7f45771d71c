/**
 * Reads and writes safetensors files (https://github.com/huggingface/safetensors) in memory.
 *
 * Every element type is carried as bytes; F32, F16 and BF16 also convert to and from numbers. What is written is
 * deterministic: equal tensors and metadata give equal bytes, laid out as the reference does (data by alignment of the
 * element type, then by name; a header without spaces, filled up to a multiple of 8). Values are not looked at: NaN and
 * infinities pass. For a file too large for memory, read its header and then the ranges that `SafetensorsHeader` names.
 */
import { Effect, Schema } from "effect"
import { safetensorsHeaderBytesMax, tensorDimensionsMax } from "../Limits.ts"
import * as Dtype from "./Dtype.ts"
import * as Float16 from "./Float16.ts"
import * as SafetensorsHeader from "./SafetensorsHeader.ts"
import { SafetensorsMalformed } from "./SafetensorsHeader.ts"

/** This element type does not convert to numbers here. */
export class DtypeUnsupported extends Schema.TaggedError<DtypeUnsupported>()("DtypeUnsupported", {
  dtype: Schema.String
}) {
  override get message() {
    return `Tensors of ${this.dtype} are read as bytes only. Convert them to F32, F16 or BF16 first`
  }
}

/** Numbers with a shape. The bytes are little-endian and row-major, and must not be changed. */
export interface Tensor {
  readonly dtype: Dtype.Dtype
  /** Length of each dimension; empty for a single number. */
  readonly shape: ReadonlyArray<number>
  readonly bytes: Uint8Array
}

export interface Safetensors {
  readonly metadata: ReadonlyMap<string, string>
  readonly tensors: ReadonlyMap<string, Tensor>
}

/** Reads a whole file. The tensors are views into it. Fails with `SafetensorsMalformed`. */
export const read = (file: Uint8Array): Effect.Effect<Safetensors, SafetensorsMalformed> =>
  Effect.flatMap(SafetensorsHeader.parse(file), (header) =>
    header.fileBytes !== file.length
      ? Effect.fail(
          new SafetensorsMalformed({
            reason: `has ${file.length} bytes, and its header describes ${header.fileBytes}`
          })
        )
      : Effect.succeed({
          metadata: header.metadata,
          tensors: new Map(
            Array.from(header.tensors, ([name, { dtype, shape, begin, end }]) => [
              name,
              { dtype, shape, bytes: file.subarray(begin, end) }
            ])
          )
        })
  )

/** The bytes of a file. Fails with `SafetensorsMalformed` for what `read` would refuse. */
export const write = ({ metadata, tensors }: Safetensors): Effect.Effect<Uint8Array, SafetensorsMalformed> =>
  Effect.suspend(() => {
    for (const [name, tensor] of tensors) {
      const reason = problemOf(name, tensor)
      if (reason !== undefined) return Effect.fail(new SafetensorsMalformed({ tensor: name, reason }))
    }
    if (![...metadata].flat().every((text) => text.isWellFormed())) {
      return Effect.fail(new SafetensorsMalformed({ reason: "has metadata that is not well-formed Unicode" }))
    }
    const ordered = [...tensors].sort(
      ([nameA, a], [nameB, b]) => Dtype.orderOf(b.dtype) - Dtype.orderOf(a.dtype) || compareText(nameA, nameB)
    )
    let offset = 0
    const entries = ordered.map(([name, { dtype, shape, bytes }]) => {
      const begin = offset
      offset += bytes.length
      return `${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [begin, offset] })}`
    })
    if (metadata.size > 0) {
      const texts = [...metadata].sort(([a], [b]) => compareText(a, b))
      const members = texts.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)
      entries.unshift(`"__metadata__":{${members.join(",")}}`)
    }
    const header = new TextEncoder().encode(`{${entries.join(",")}}`)
    const headerBytes = Math.ceil(header.length / 8) * 8
    if (headerBytes > safetensorsHeaderBytesMax) {
      const reason = `would have a header of ${headerBytes} bytes, more than the limit of ${safetensorsHeaderBytesMax}`
      return Effect.fail(new SafetensorsMalformed({ reason }))
    }
    const file = new Uint8Array(8 + headerBytes + offset)
    new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true)
    file.set(header, 8)
    file.fill(0x20, 8 + header.length, 8 + headerBytes)
    let at = 8 + headerBytes
    for (const [, { bytes }] of ordered) {
      file.set(bytes, at)
      at += bytes.length
    }
    return Effect.succeed(file)
  })

/**
 * The numbers of a tensor. A view of its bytes where they are F32 at an address that is a multiple of 4, else a copy.
 * Exact. Fails with `DtypeUnsupported`.
 */
export const toFloat32 = ({ dtype, bytes }: Tensor): Effect.Effect<Float32Array, DtypeUnsupported> =>
  Effect.suspend(() => {
    if (!Dtype.isFloat(dtype)) return Effect.fail(new DtypeUnsupported({ dtype }))
    if (dtype === "F32") {
      const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes)
      return Effect.succeed(new Float32Array(aligned.buffer, aligned.byteOffset, bytes.length / 4))
    }
    const widen = dtype === "F16" ? Float16.widenF16 : Float16.widenBF16
    const halves = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    const bits = new Uint32Array(bytes.length / 2)
    for (let i = 0; i < bits.length; i++) bits[i] = widen(halves.getUint16(2 * i, true))
    return Effect.succeed(new Float32Array(bits.buffer))
  })

/**
 * A tensor of these numbers, rounded to nearest, ties to even, where the type is narrower; a copy. Throws a `RangeError`
 * when the shape is of another size: a broken invariant of the caller.
 */
export const fromFloat32 = (
  values: Float32Array,
  shape: ReadonlyArray<number>,
  dtype: Dtype.FloatDtype = "F32"
): Tensor => {
  const elements = shape.reduce((product, size) => product * size, 1)
  if (elements !== values.length) throw new RangeError(`${values.length} numbers do not fill [${shape.join(", ")}]`)
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  if (dtype === "F32") return { dtype, shape: [...shape], bytes: new Uint8Array(bits.slice().buffer) }
  const narrow = dtype === "F16" ? Float16.narrowF16 : Float16.narrowBF16
  return { dtype, shape: [...shape], bytes: new Uint8Array(Uint16Array.from(bits, narrow).buffer) }
}

// The format is little-endian, and views of it are only right where numbers are stored the same way.
if (new Uint8Array(Uint16Array.of(1).buffer)[0] !== 1) throw new Error("Continuum needs a little-endian processor")

const problemOf = (name: string, { dtype, shape, bytes }: Tensor): string | undefined => {
  if (name === "__metadata__") return "has a name that the format reserves"
  if (!name.isWellFormed()) return "has a name that is not well-formed Unicode"
  if (shape.length > tensorDimensionsMax) return `has more than ${tensorDimensionsMax} dimensions`
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0)) return `has the shape [${shape.join(", ")}]`
  const needed = Dtype.bytesOf(dtype, shape)
  return needed === bytes.length ? undefined : `has ${bytes.length} bytes and needs ${needed ?? "a whole number"}`
}

/** Order of UTF-8 bytes, which is the order of code points and, beyond U+FFFF, not that of JavaScript's strings. */
const compareText = (a: string, b: string): number => {
  const [x, y] = [new TextEncoder().encode(a), new TextEncoder().encode(b)]
  const length = Math.min(x.length, y.length)
  for (let i = 0; i < length; i++) if (x[i] !== y[i]) return x[i]! - y[i]!
  return x.length - y.length
}
