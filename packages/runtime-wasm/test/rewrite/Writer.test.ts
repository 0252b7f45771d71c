import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { Writer } from "../../src/rewrite/Writer.ts"

describe("Writer", () => {
  it("holds what was written, whatever the sizes and however it had to grow", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 }), fc.nat(64), (parts, capacity) => {
        const writer = new Writer(capacity)
        const other = new Writer(1)
        const expected: Array<number> = []
        parts.forEach((part, at) => {
          if (at % 3 === 0) writer.slice(part)
          else if (at % 3 === 1) for (const byte of part) writer.u8(byte)
          else {
            other.clear()
            other.slice(part)
            writer.writer(other)
          }
          expected.push(...part)
        })
        expect(writer.length).toBe(expected.length)
        expect(Array.from(writer.toBytes())).toEqual(expected)
        expect(Array.from(writer.view())).toEqual(expected)
      })
    )
  })

  it("copies parts of what it is given", () => {
    const writer = new Writer(1)
    const source = Uint8Array.from({ length: 300 }, (_, at) => at & 0xff)
    writer.slice(source, 10, 12)
    writer.slice(source, 100, 300)
    writer.slice(source, 5, 5)
    expect(Array.from(writer.view())).toEqual([...source.subarray(10, 12), ...source.subarray(100, 300)])
  })

  it("gives away copies that later writing does not change", () => {
    const writer = new Writer(4)
    writer.name("aé")
    const bytes = writer.toBytes()
    writer.clear()
    writer.u32(0xffff_ffff)
    expect(Array.from(bytes)).toEqual([3, 0x61, 0xc3, 0xa9])
    expect(Array.from(writer.view())).toEqual([0xff, 0xff, 0xff, 0xff, 0x0f])
  })
})
