/**
 * A growing buffer of bytes with the primitives of the WebAssembly binary format. Numbers are written in their
 * shortest form, so that the same module always gives the same bytes.
 */
const utf8 = new TextEncoder()

export class Writer {
  #bytes: Uint8Array<ArrayBuffer>
  #length = 0

  constructor(capacity = 1024) {
    this.#bytes = new Uint8Array(capacity)
  }

  get length(): number {
    return this.#length
  }

  /** Empties it and keeps the memory, for use as scratch space. */
  clear(): void {
    this.#length = 0
  }

  u8(byte: number): void {
    if (this.#length === this.#bytes.length) this.#reserve(1)
    this.#bytes[this.#length++] = byte
  }

  /** Unsigned LEB128 of an integer of 0 to 2^32 - 1. */
  u32(value: number): void {
    let rest = value
    while (rest > 0x7f) {
      this.u8((rest & 0x7f) | 0x80)
      rest >>>= 7
    }
    this.u8(rest)
  }

  /** Signed LEB128 of an integer of 0 to 2^53 - 1: the operand of `i64.const` for what we charge. */
  unsignedAsS64(value: number): void {
    let rest = value
    while (rest > 0x3f) {
      this.u8((rest % 128) | 0x80)
      rest = Math.floor(rest / 128)
    }
    this.u8(rest)
  }

  /** The bytes `[start, end)` of `source`. */
  slice(source: Uint8Array, start = 0, end = source.length): void {
    const count = end - start
    if (this.#length + count > this.#bytes.length) this.#reserve(count)
    const bytes = this.#bytes
    let at = this.#length
    // A view costs more than copying a few bytes one by one, and most stretches between two edits are short.
    if (count < 64) for (let from = start; from < end; from++) bytes[at++] = source[from]!
    else bytes.set(source.subarray(start, end), at)
    this.#length += count
  }

  /** Everything that `other` holds. */
  writer(other: Writer): void {
    this.slice(other.#bytes, 0, other.#length)
  }

  /** A name: its length in bytes and its UTF-8. */
  name(text: string): void {
    const bytes = utf8.encode(text)
    this.u32(bytes.length)
    this.slice(bytes)
  }

  /** The bytes written, as a view that is valid until the next write. */
  view(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length)
  }

  /** A copy of the bytes written. */
  toBytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length)
  }

  #reserve(count: number): void {
    const grown = new Uint8Array(Math.max(this.#length + count, this.#bytes.length * 2))
    grown.set(this.view())
    this.#bytes = grown
  }
}
