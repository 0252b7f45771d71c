import { describe, expect, it } from "@effect/vitest"
import { ModuleRefused } from "../../src/JitError.ts"
import * as Rewrite from "../../src/rewrite/Rewrite.ts"
import { assemble } from "../support/Assemble.ts"
import { floatVectors, instructions, integerVectors, moduleWith } from "../support/Instructions.ts"

const refusal = (text: string | Uint8Array): string => {
  try {
    Rewrite.rewriteUnsafe(typeof text === "string" ? assemble(text) : text)
  } catch (error) {
    if (error instanceof ModuleRefused) return error.reason
    throw error
  }
  throw new Error("it was accepted")
}

const refused: ReadonlyArray<readonly [feature: string, text: string]> = [
  ["tail calls", "(module (func (return_call 0)))"],
  ["tail calls", "(module (table 1 funcref) (type $t (func)) (func (return_call_indirect (type $t) (i32.const 0))))"],
  ["exception handling", "(module (tag) (func))"],
  ["exception handling", "(module (func (try (do) (catch_all))))"],
  ["exception handling", '(module (import "a" "b" (tag)))'],
  ["threads", "(module (memory 1) (func (drop (i32.atomic.load (i32.const 0)))))"],
  ["threads", "(module (func (atomic.fence)))"],
  ["shared memory", "(module (memory 1 2 shared))"],
  ["shared memory", '(module (import "a" "b" (memory 1 2 shared)))'],
  ["64-bit memory", "(module (memory i64 1))"],
  ["more than one memory", "(module (memory 1) (memory 1))"],
  ["garbage collection", "(module (type (struct (field i32))))"],
  ["garbage collection", "(module (type (array i32)))"],
  ["relaxed SIMD", "(module (func (param v128) (drop (i8x16.relaxed_swizzle (local.get 0) (local.get 0)))))"],
  ["extended constant expressions", "(module (global i32 (i32.add (i32.const 1) (i32.const 2))))"],
  [
    "extended constant expressions",
    "(module (memory 1) (table 1 funcref) (elem (i32.mul (i32.const 1) (i32.const 0))))"
  ]
]

describe("Feature", () => {
  for (const [feature, text] of refused) {
    it(`refuses ${feature} by name: ${text}`, () => {
      expect(refusal(text)).toBe(`it uses ${feature}, which is not allowed here`)
    })
  }

  it("refuses multiple memories in instructions, and what it has no name for", () => {
    const withBody = (...code: ReadonlyArray<number>) =>
      Uint8Array.of(
        0,
        0x61,
        0x73,
        0x6d,
        1,
        0,
        0,
        0,
        1,
        4,
        1,
        0x60,
        0,
        0,
        3,
        2,
        1,
        0,
        10,
        code.length + 5,
        1,
        code.length + 3,
        0,
        ...code,
        0,
        0x0b
      )
    expect(refusal(withBody(0x28, 0x42, 1, 0))).toContain("more than one memory")
    expect(refusal(withBody(0x3f, 1))).toContain("more than one memory")
    expect(refusal(withBody(0xfc, 0x13))).toContain("wide arithmetic")
    expect(refusal(withBody(0xfb, 0))).toContain("garbage collection")
    // wabt writes an older encoding of these.
    expect(refusal(withBody(0x14, 0))).toContain("typed function references")
    expect(refusal(withBody(0xd0, 0x64, 0))).toContain("typed function references")
    expect(refusal(withBody(0xd0, 0))).toContain("typed function references")
    expect(refusal(withBody(0xd0, 0xc0, 0))).toContain("typed function references")
    expect(refusal(withBody(0xd0, 0x73))).toContain("garbage collection")
    expect(() => Rewrite.rewriteUnsafe(withBody(0xff))).toThrow("0xff is no instruction")
  })

  it("calls a module with lanes of floats not deterministic, and any other deterministic", () => {
    const floats = new Set(floatVectors)
    for (const text of instructions) {
      const { deterministic } = Rewrite.rewriteUnsafe(assemble(moduleWith(text))).info
      expect([text, deterministic]).toEqual([text, !floats.has(text)])
    }
    expect(integerVectors.length).toBeGreaterThan(100)
  })

  it("calls nothing deterministic whose NaNs are left alone", () => {
    const { info } = Rewrite.rewriteUnsafe(assemble("(module (func))"), { canonicalNan: false })
    expect(info.deterministic).toBe(false)
  })
})
