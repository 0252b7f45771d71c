import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import fc from "fast-check"
import * as MeteredInstance from "../../src/abi/MeteredInstance.ts"
import * as Scalar1 from "../../src/abi/Scalar1.ts"
import { FuelExhausted, InputMalformed, ModuleMalformed } from "../../src/JitError.ts"
import * as Rewrite from "../../src/rewrite/Rewrite.ts"
import { assemble } from "../support/Assemble.ts"

const load = (text: string): MeteredInstance.MeteredInstance =>
  MeteredInstance.instantiateUnsafe(MeteredInstance.compileUnsafe(Rewrite.rewriteUnsafe(assemble(text)).bytes))

/** Functions that return what they take. */
const same = load(`(module
  (func (export "f64") (param f64) (result f64) (local.get 0)) (func (export "f32") (param f32) (result f32) (local.get 0))
  (func (export "i64") (param i64) (result i64) (local.get 0)) (func (export "i32") (param i32) (result i32) (local.get 0))
  (func (export "bool") (param i32) (result i32) (local.get 0)) (func (export "none") (result i32) (i32.const 7))
  (func (export "two") (param i32 f64) (result f64) (f64.mul (f64.convert_i32_s (local.get 0)) (local.get 1)))
  (func (export "yes") (param i32) (result i32) (i32.const 12)))`)

const pass = (type: Scalar1.Scalar, input: unknown): unknown =>
  Scalar1.runUnsafe(same, { entry: type, params: [type], result: type }, input, 1000)

const refusal = (params: ReadonlyArray<Scalar1.Scalar>, input: unknown): string => {
  try {
    Scalar1.argumentsUnsafe(params, input)
  } catch (error) {
    if (error instanceof InputMalformed) return error.reason
    throw error
  }
  return "accepted"
}

describe("Scalar1", () => {
  it("passes every number through f64, NaN and the infinities also by name", () => {
    fc.assert(fc.property(fc.double(), (value) => void expect(pass("f64", value)).toBe(value)))
    expect(pass("f64", "NaN")).toBeNaN()
    expect(pass("f64", "-Infinity")).toBe(-Infinity)
    expect(pass("f64", -0)).toBe(-0)
    expect(pass("f32", 0.1)).toBe(Math.fround(0.1))
    expect(pass("f32", "Infinity")).toBe(Infinity)
  })

  it("passes integers of 32 bits, and refuses fractions and what is out of range", () => {
    fc.assert(fc.property(fc.integer(), (value) => void expect(pass("i32", value)).toBe(value)))
    for (const input of [2147483647, -2147483648]) expect(pass("i32", input)).toBe(input)
    for (const input of [2147483648, -2147483649, 1.5, "1", "NaN", Number.NaN, null, true, [1]]) {
      expect(refusal(["i32"], input)).toContain("must be an integer of -2147483648 to 2147483647")
    }
  })

  it("passes integers of 64 bits: as numbers where they are exact, as decimal text beyond", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        const expected = Number.isSafeInteger(Number(value)) ? Number(value) : value.toString()
        expect(pass("i64", value)).toBe(expected)
        expect(pass("i64", value.toString())).toBe(expected)
        if (typeof expected === "number") expect(pass("i64", expected)).toBe(expected)
      })
    )
    const outside = [
      2 ** 53,
      0.5,
      2n ** 63n,
      "9223372036854775808",
      "-9223372036854775809",
      "1e3",
      "",
      " 1",
      "0x10",
      "1".repeat(400),
      null
    ]
    for (const input of outside) expect(refusal(["i64"], input)).toContain("must be an integer of 64 bits")
  })

  it("passes truth values, and calls any other i32 than 0 true", () => {
    expect([pass("bool", true), pass("bool", false)]).toEqual([true, false])
    expect(Scalar1.runUnsafe(same, { entry: "yes", params: ["i32"], result: "bool" }, 1, 1000)).toBe(true)
    for (const input of [1, 0, "true", null]) expect(refusal(["bool"], input)).toContain("must be true or false")
  })

  it("takes one value as it is, and any other number of values as an array", () => {
    const two = { entry: "two", params: ["i32", "f64"], result: "f64" } as const
    expect(Scalar1.runUnsafe(same, two, [6, 7], 1000)).toBe(42)
    expect(Scalar1.runUnsafe(same, { entry: "none", params: [], result: "i32" }, [], 1000)).toBe(7)
    for (const input of [6, [6], [6, 7, 8], { 0: 6, 1: 7, length: 2 }, null]) {
      expect(refusal(["i32", "f64"], input)).toBe("it takes 2 values (i32, f64), so the input must be an array of 2")
    }
    expect(refusal([], null)).toContain("an array of 0")
    expect(refusal(["f64"], [1])).toBe('it must be a number (or "NaN", "Infinity", "-Infinity"), not [1]')
    expect(refusal(["i32", "f64"], [6, "seven"])).toBe(
      'value 2 must be a number (or "NaN", "Infinity", "-Infinity"), not "seven"'
    )
  })

  it("shows a bad input cut off", () => {
    expect(refusal(["f64"], "x".repeat(10_000)).length).toBeLessThan(200)
    expect(refusal(["f64"], undefined)).toContain("not undefined")
    expect(refusal(["i32"], 5n)).toContain("not 5")
  })

  it.effect("fails with typed errors", () =>
    Effect.gen(function* () {
      const signature = { entry: "i32", params: ["i32"], result: "i32" } as const
      expect(yield* Scalar1.run(same, signature, 21, 1000)).toBe(21)
      expect(yield* Effect.flip(Scalar1.run(same, signature, "x", 1000))).toBeInstanceOf(InputMalformed)
      expect(yield* Effect.flip(Scalar1.run(same, { ...signature, entry: "absent" }, 1, 1000))).toBeInstanceOf(
        ModuleMalformed
      )
      expect(yield* Effect.flip(Scalar1.run(same, signature, 21, 1))).toBeInstanceOf(FuelExhausted)
    })
  )
})
