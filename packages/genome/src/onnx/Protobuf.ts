/**
 * Writes Protocol Buffers (https://protobuf.dev/programming-guides/encoding), as much of it as an ONNX model needs.
 *
 * A message is built field by field in one growing buffer. It writes what it is told: that a field number has this type
 * in the schema is for the caller to know.
 */

const varintType = 0
const bytesType = 2
const fixed32Type = 5

export class Writer {
  private buffer = new Uint8Array(256)
  private view = new DataView(this.buffer.buffer)
  private length = 0

  /** A whole number, also a negative one, in a field of type `int32`, `int64` or an enum. */
  int(field: number, value: number): this {
    this.varint(field * 8 + varintType)
    return value < 0 ? this.varintBig(BigInt.asUintN(64, BigInt(value))) : this.varint(value)
  }

  float(field: number, value: number): this {
    this.varint(field * 8 + fixed32Type)
    this.reserve(4)
    this.view.setFloat32(this.length, value, true)
    this.length += 4
    return this
  }

  bytes(field: number, value: Uint8Array): this {
    this.varint(field * 8 + bytesType).varint(value.length)
    this.reserve(value.length)
    this.buffer.set(value, this.length)
    this.length += value.length
    return this
  }

  text(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value))
  }

  message(field: number, write: (writer: Writer) => void): this {
    const inner = new Writer()
    write(inner)
    return this.bytes(field, inner.finish())
  }

  /** What was written. A view: write no more. */
  finish(): Uint8Array {
    return this.buffer.subarray(0, this.length)
  }

  /** At most 2^53 - 1: shifts would cut at 32 bits. */
  private varint(value: number): this {
    this.reserve(8)
    let rest = value
    while (rest >= 0x80) {
      this.buffer[this.length++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.buffer[this.length++] = rest
    return this
  }

  private varintBig(value: bigint): this {
    this.reserve(10)
    let rest = value
    while (rest >= 0x80n) {
      this.buffer[this.length++] = Number(rest & 0x7fn) | 0x80
      rest >>= 7n
    }
    this.buffer[this.length++] = Number(rest)
    return this
  }

  private reserve(bytes: number): void {
    if (this.length + bytes <= this.buffer.length) return
    const grown = new Uint8Array(Math.max(2 * this.buffer.length, this.length + bytes))
    grown.set(this.buffer.subarray(0, this.length))
    this.buffer = grown
    this.view = new DataView(grown.buffer)
  }
}
