import { describe, expect, it } from "@effect/vitest"
import * as Dtype from "../../src/formats/Dtype.ts"

describe("Dtype", () => {
  it("knows the size of every element type", () => {
    const sizes = new Map<number, Array<string>>()
    for (const dtype of Dtype.Dtype.literals) {
      sizes.set(Dtype.bitsOf(dtype), [...(sizes.get(Dtype.bitsOf(dtype)) ?? []), dtype])
    }
    expect(Object.fromEntries(sizes)).toEqual({
      4: ["F4"],
      6: ["F6_E2M3", "F6_E3M2"],
      8: ["BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"],
      16: ["I16", "U16", "F16", "BF16"],
      32: ["I32", "U32", "F32"],
      64: ["C64", "F64", "I64", "U64"]
    })
  })

  it("counts the bytes of a shape, and has none for parts of bytes and for more than a number can count", () => {
    expect(Dtype.bytesOf("F32", [])).toBe(4)
    expect(Dtype.bytesOf("BF16", [3, 5])).toBe(30)
    expect(Dtype.bytesOf("F64", [2, 0, 9])).toBe(0)
    expect(Dtype.bytesOf("F4", [3, 2])).toBe(3)
    expect(Dtype.bytesOf("F4", [3])).toBeUndefined()
    expect(Dtype.bytesOf("F6_E2M3", [4])).toBe(3)
    expect(Dtype.bytesOf("U8", [2 ** 26, 2 ** 26])).toBeUndefined()
    expect(Dtype.bytesOf("U8", [2 ** 500, 2 ** 600])).toBeUndefined()
    expect(Dtype.bytesOf("U8", [2 ** 600, 2 ** 600, 0])).toBeUndefined()
  })
})
