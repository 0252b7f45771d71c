import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { ModuleMalformed, ModuleRefused } from "../../src/JitError.ts"
import { Reader } from "../../src/rewrite/Reader.ts"
import { Writer } from "../../src/rewrite/Writer.ts"

const reader = (...bytes: ReadonlyArray<number>): Reader => new Reader(Uint8Array.from(bytes))

/** LEB128 straight from its definition, on bigints. */
const signed = (value: bigint): Array<number> => {
  const bytes: Array<number> = []
  for (let rest = value; ;) {
    const byte = Number(rest & 0x7fn)
    rest >>= 7n
    if ((rest === 0n && (byte & 0x40) === 0) || (rest === -1n && (byte & 0x40) !== 0)) return [...bytes, byte]
    bytes.push(byte | 0x80)
  }
}

const malformed = (body: () => unknown): string => {
  try {
    body()
  } catch (error) {
    if (error instanceof ModuleMalformed) return error.reason
    throw error
  }
  throw new Error("it was accepted")
}

describe("Reader", () => {
  it("reads unsigned numbers as they are written", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), (value) => {
        const writer = new Writer(1)
        writer.u32(value)
        const reader = new Reader(writer.toBytes())
        expect(reader.u32()).toBe(value)
        expect(reader.atEnd()).toBe(true)
      })
    )
  })

  it("reads signed numbers of 32 bits", () => {
    fc.assert(
      fc.property(fc.integer(), (value) => {
        const reader = new Reader(Uint8Array.from(signed(BigInt(value))))
        expect(reader.s32()).toBe(value)
        expect(reader.atEnd()).toBe(true)
      })
    )
  })

  it("passes over signed numbers of 64 bits, and reads the charges that are written", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        const reader = new Reader(Uint8Array.from(signed(value)))
        reader.skipS64()
        expect(reader.atEnd()).toBe(true)
      })
    )
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        const writer = new Writer()
        writer.unsignedAsS64(value)
        expect(Array.from(writer.view())).toEqual(signed(BigInt(value)))
      })
    )
  })

  it("accepts padding up to the width of a number, and no bit beyond", () => {
    expect(reader(0x80, 0x80, 0x80, 0x80, 0x00).u32()).toBe(0)
    expect(reader(0xff, 0xff, 0xff, 0xff, 0x0f).u32()).toBe(0xffff_ffff)
    expect(malformed(() => reader(0xff, 0xff, 0xff, 0xff, 0x1f).u32())).toContain("longer than 32 bits")
    expect(malformed(() => reader(0x80, 0x80, 0x80, 0x80, 0x80, 0x00).u32())).toContain("longer than 32 bits")
    expect(reader(0x80, 0x80, 0x80, 0x80, 0x78).s32()).toBe(-2147483648)
    expect(reader(0xff, 0xff, 0xff, 0xff, 0x07).s32()).toBe(2147483647)
    expect(malformed(() => reader(0x80, 0x80, 0x80, 0x80, 0x08).s32())).toContain("longer than 32 bits")
    expect(malformed(() => reader(0x80, 0x80, 0x80, 0x80, 0x70).s32())).toContain("longer than 32 bits")
    const nine = Array.from({ length: 9 }, () => 0x80)
    reader(...nine, 0x7f).skipS64()
    expect(malformed(() => reader(...nine, 0x01).skipS64())).toContain("longer than 64 bits")
    expect(malformed(() => reader(...nine, 0x80).skipS64())).toContain("longer than 64 bits")
  })

  it("reads the index of a block's type, which is never negative", () => {
    expect(reader(0x3f).typeIndex()).toBe(63)
    expect(reader(0xc0, 0x00).typeIndex()).toBe(64)
    expect(reader(0xff, 0xff, 0xff, 0xff, 0x0f).typeIndex()).toBe(0xffff_ffff)
    expect(malformed(() => reader(0x7a).typeIndex())).toContain("no type of a block")
    expect(malformed(() => reader(0xff, 0xff, 0xff, 0xff, 0x1f).typeIndex())).toContain("no type of a block")
    expect(malformed(() => reader(0x80, 0x80, 0x80, 0x80, 0x80, 0x00).typeIndex())).toContain("longer than 33 bits")
  })

  it("never reads behind its end", () => {
    const bytes = Uint8Array.from([1, 2, 3, 4])
    const part = new Reader(bytes, 1, 3)
    expect(part.u8()).toBe(2)
    expect(malformed(() => part.skip(2))).toContain("ends in the middle")
    expect(malformed(() => part.within(2))).toContain("ends in the middle")
    expect(part.u8()).toBe(3)
    expect(part.peek()).toBe(-1)
    expect(malformed(() => part.u8())).toBe("it ends in the middle of something (at byte 3)")
    expect(malformed(() => reader(0x80).u32())).toContain("ends in the middle")
    expect(malformed(() => reader(5, 0x61).name())).toContain("ends in the middle")
    expect(malformed(() => reader(1, 2).done("a thing"))).toContain("a thing has 2 bytes too many")
  })

  it("reads names as strict UTF-8", () => {
    expect(reader(3, 0xe2, 0x82, 0xac).name()).toBe("€")
    expect(reader(3, 0xef, 0xbb, 0xbf).name()).toBe("\uFEFF")
    expect(malformed(() => reader(1, 0xff).name())).toContain("not valid UTF-8")
    expect(malformed(() => reader(3, 0xed, 0xa0, 0x80).name())).toContain("not valid UTF-8")
  })

  it("believes no count that its bytes cannot hold, and refuses one above the limit", () => {
    expect(reader(2, 0, 0).count("things", 2)).toBe(2)
    expect(() => reader(3, 0, 0, 0).count("things", 2)).toThrow(ModuleRefused)
    expect(malformed(() => reader(3, 0, 0).count("things", 3))).toContain("it announces 3 things and ends before")
  })
})
