import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { ByteBlock } from "../src/ByteBlock.ts"

describe("bytes from a block", () => {
  it("are zeros that nobody else has, of the size that was asked for", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.nat(300), fc.nat(20_000)), { maxLength: 200 }), (sizes) => {
        const block = new ByteBlock()
        const taken = sizes.map((size, index) => {
          const bytes = block.take(size)
          expect(bytes.length).toBe(size)
          expect(bytes.every((byte) => byte === 0)).toBe(true)
          return bytes.fill((index % 255) + 1)
        })
        for (const [index, bytes] of taken.entries()) {
          expect(bytes.every((byte) => byte === (index % 255) + 1)).toBe(true)
        }
      }),
      { numRuns: 30 }
    )
  })

  it("share their memory when they are small, and have their own when they are not", () => {
    const block = new ByteBlock()
    const [first, second, large] = [block.take(100), block.take(100), block.take(10_000)]
    expect(second.buffer).toBe(first.buffer)
    expect(large.buffer.byteLength).toBe(10_000)
  })
})
