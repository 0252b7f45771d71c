/**
 * Reads the primitives of the WebAssembly binary format (https://webassembly.github.io/spec/core/binary/values.html).
 *
 * Every read is bounded by the end of the bytes, and every integer by the width that the specification gives it, so
 * hostile bytes cost at most one pass. What does not fit throws `ModuleMalformed` with the offset; the edges of this
 * package (`Rewrite.rewrite`, `Manifest.read`, ...) turn that into a failed Effect.
 */
import { ModuleMalformed, ModuleRefused } from "../JitError.ts"

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

export class Reader {
  readonly bytes: Uint8Array
  /** Offset of the next byte. */
  position: number
  /** Offset behind the last byte that may be read. */
  readonly end: number

  constructor(bytes: Uint8Array, position = 0, end = bytes.length) {
    this.bytes = bytes
    this.position = position
    this.end = end
  }

  /** Throws `ModuleMalformed` naming the place. */
  fail(reason: string, at = this.position): never {
    throw new ModuleMalformed({ reason: `${reason} (at byte ${at})` })
  }

  atEnd(): boolean {
    return this.position >= this.end
  }

  u8(): number {
    if (this.position >= this.end) this.fail("it ends in the middle of something")
    return this.bytes[this.position++]!
  }

  /** An unsigned LEB128 number of at most 32 bits. Padding is valid up to five bytes, as in the specification. */
  u32(): number {
    const first = this.u8()
    if (first < 0x80) return first
    let value = first & 0x7f
    for (let shift = 7; shift < 28; shift += 7) {
      const byte = this.u8()
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    const last = this.u8()
    if (last > 0x0f) this.fail("a number is longer than 32 bits", this.position - 1)
    return (value | (last << 28)) >>> 0
  }

  /** A signed LEB128 number of 32 bits. */
  s32(): number {
    let value = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.u8()
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return (value << (25 - shift)) >> (25 - shift)
    }
    const last = this.u8()
    // Four bits of payload are left; the other three must repeat the sign, and nothing may follow.
    if (last > 0x07 && (last < 0x78 || last > 0x7f)) this.fail("a number is longer than 32 bits", this.position - 1)
    return value | (last << 28)
  }

  /** A type index as block types have it: a signed LEB128 number of 33 bits that must not be negative. */
  typeIndex(): number {
    const start = this.position
    let value = 0
    for (let factor = 1, count = 0; count < 5; count++, factor *= 128) {
      const byte = this.u8()
      value += (byte & 0x7f) * factor
      if (byte < 0x80) {
        if ((byte & 0x40) !== 0 || value > 0xffff_ffff) this.fail("this is no type of a block", start)
        return value
      }
    }
    return this.fail("a number is longer than 33 bits", start)
  }

  /** Passes over a signed LEB128 number of 64 bits. */
  skipS64(): void {
    for (let count = 0; count < 9; count++) if (this.u8() < 0x80) return
    const last = this.u8()
    if (last !== 0 && last !== 0x7f) this.fail("a number is longer than 64 bits", this.position - 1)
  }

  /** Passes over `count` bytes. */
  skip(count: number): void {
    if (count > this.end - this.position) this.fail("it ends in the middle of something")
    this.position += count
  }

  /** The next `count` bytes, as a view. */
  take(count: number): Uint8Array {
    const start = this.position
    this.skip(count)
    return this.bytes.subarray(start, this.position)
  }

  /** The next byte without passing over it, or -1 at the end. */
  peek(): number {
    return this.position < this.end ? this.bytes[this.position]! : -1
  }

  /** Everything up to the end, as a view. */
  rest(): Uint8Array {
    return this.take(this.end - this.position)
  }

  /** A reader of the next `count` bytes, over which this one passes. */
  within(count: number): Reader {
    const start = this.position
    this.skip(count)
    return new Reader(this.bytes, start, this.position)
  }

  /** How many of something follow, each of at least one byte. Throws `ModuleRefused` above `max`. */
  count(what: string, max: number): number {
    const count = this.u32()
    if (count > max) throw new ModuleRefused({ reason: `it has ${count} ${what}, and ${max} are allowed` })
    if (count > this.end - this.position) this.fail(`it announces ${count} ${what} and ends before`)
    return count
  }

  /** A name: a length in bytes and UTF-8. */
  name(): string {
    const start = this.position
    try {
      return utf8.decode(this.take(this.u32()))
    } catch (error) {
      if (error instanceof ModuleMalformed) throw error
      return this.fail("a name is not valid UTF-8", start)
    }
  }

  /** Fails unless everything was read. */
  done(what: string): void {
    if (this.position !== this.end) this.fail(`${what} has ${this.end - this.position} bytes too many`)
  }
}
