import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import * as MeteredInstance from "../../src/abi/MeteredInstance.ts"
import * as Rewrite from "../../src/rewrite/Rewrite.ts"
import { assemble } from "../support/Assemble.ts"

const load = (text: string, imports: WebAssembly.Imports = {}, options: Rewrite.Options = {}) => {
  const { bytes } = Rewrite.rewriteUnsafe(assemble(text), { imports: "any", ...options })
  const instance = MeteredInstance.instantiateUnsafe(MeteredInstance.compileUnsafe(bytes), imports)
  MeteredInstance.begin(instance, 1e9)
  return instance.exports as Record<string, (...args: ReadonlyArray<bigint | number>) => never>
}

const nan64 = 0x7ff8_0000_0000_0000n
const nan32 = 0x7fc0_0000
const isNan64 = (bits: bigint) =>
  (bits & 0x7ff0_0000_0000_0000n) === 0x7ff0_0000_0000_0000n && (bits & 0xf_ffff_ffff_ffffn) !== 0n
const isNan32 = (bits: number) => (bits & 0x7f80_0000) === 0x7f80_0000 && (bits & 0x7f_ffff) !== 0

const bits64 = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.bigInt({ min: 0n, max: 2n ** 53n - 1n }).map((low) => 0x7ff0_0000_0000_0000n | low),
  fc.bigInt({ min: 0n, max: 2n ** 52n - 1n }).map((low) => 0xfff0_0000_0000_0000n | low),
  fc.constantFrom(0n, 1n << 63n, 0x7ff0_0000_0000_0000n, 0xfff0_0000_0000_0000n, nan64)
)
const bits32 = fc.oneof(
  fc.integer(),
  fc.integer({ min: 0, max: 0x7f_ffff }).map((low) => 0x7f80_0000 | low),
  fc.integer({ min: 0, max: 0x7f_ffff }).map((low) => 0xff80_0000 | low)
)

// f64.reinterpret makes any NaN from an integer; each function shows it again by another way.
const ways = `(module (memory 1) (global $g64 (mut f64) (f64.const 0)) (global $g32 (mut f32) (f32.const 0))
  (func (export "store64") (param i64) (result i64)
    (f64.store offset=8 (i32.const 0) (f64.reinterpret_i64 (local.get 0))) (i64.load offset=8 (i32.const 0)))
  (func (export "store32") (param i32) (result i32)
    (f32.store (i32.const 8) (f32.reinterpret_i32 (local.get 0))) (i32.load (i32.const 8)))
  (func (export "reinterpret64") (param i64) (result i64) (i64.reinterpret_f64 (f64.reinterpret_i64 (local.get 0))))
  (func (export "reinterpret32") (param i32) (result i32) (i32.reinterpret_f32 (f32.reinterpret_i32 (local.get 0))))
  (func (export "global64") (param i64) (result i64)
    (global.set $g64 (f64.reinterpret_i64 (local.get 0))) (i64.reinterpret_f64 (global.get $g64)))
  (func (export "sign64") (param i64) (result i64)
    (i64.reinterpret_f64 (f64.copysign (f64.const 1) (f64.reinterpret_i64 (local.get 0)))))
  (func (export "sign32") (param i32) (result i32)
    (i32.reinterpret_f32 (f32.copysign (f32.const 1) (f32.reinterpret_i32 (local.get 0))))))`

describe("Canonical", () => {
  it("lets every float out as it is, and every NaN as the one canonical NaN", () => {
    const exports = load(ways)
    fc.assert(
      fc.property(bits64, (bits) => {
        const expected = isNan64(bits) ? nan64 : bits
        for (const way of ["store64", "reinterpret64", "global64"]) {
          expect([way, BigInt.asUintN(64, exports[way]!(bits))]).toEqual([way, expected])
        }
        const sign = isNan64(bits) ? 0n : bits >> 63n
        expect(BigInt.asUintN(64, exports["sign64"]!(bits))).toBe(0x3ff0_0000_0000_0000n | (sign << 63n))
      })
    )
    fc.assert(
      fc.property(bits32, (bits) => {
        const expected = isNan32(bits) ? nan32 : bits | 0
        for (const way of ["store32", "reinterpret32"]) expect([way, exports[way]!(bits)]).toEqual([way, expected])
        const sign = isNan32(bits) ? 0 : bits & 0x8000_0000
        expect(exports["sign32"]!(bits)).toBe(0x3f80_0000 | sign)
      })
    )
  })

  it("leaves payloads alone when it is told to", () => {
    const exports = load(ways, {}, { canonicalNan: false })
    expect(BigInt.asUintN(64, exports["reinterpret64"]!(0xfff8_0000_0000_0001n))).toBe(0xfff8_0000_0000_0001n)
  })

  // The host keeps NaNs in a Float64Array, which shows the bits that it was given.
  const hostBits = (value: number): bigint => new BigUint64Array(Float64Array.of(value).buffer)[0]!
  const hostBits32 = (value: number): bigint => BigInt(new Uint32Array(Float32Array.of(value).buffer)[0]!)

  it("hands no NaN but the canonical one to imports, by call, table or reference, and none out of exports", () => {
    const seen: Array<ReadonlyArray<unknown>> = []
    const takes = (a: number, b: number, c: number, d: bigint) => {
      seen.push([hostBits(a), b, hostBits32(c), d])
      return 0
    }
    const exports = load(
      `(module
        (type $t (func (param f64 i32 f32 i64) (result f32)))
        (import "host" "takes" (func $takes (type $t)))
        (export "takes" (func $takes))
        (table 4 funcref) (elem (i32.const 1) $takes) (elem $passive func $takes) (elem (i32.const 3) funcref (ref.func $takes))
        (global $reference funcref (ref.func $takes))
        (func $pass (param i64) (result f64 i32 f32 i64)
          (f64.reinterpret_i64 (local.get 0)) (i32.const 5)
          (f32.reinterpret_i32 (i32.or (i32.const 0xffc00000) (i32.wrap_i64 (local.get 0)))) (i64.const 6))
        (func (export "direct") (param i64) (drop (call $takes (call $pass (local.get 0)))))
        (func (export "table") (param i64) (drop (call_indirect (type $t) (call $pass (local.get 0)) (i32.const 1))))
        (func (export "expression") (param i64) (drop (call_indirect (type $t) (call $pass (local.get 0)) (i32.const 3))))
        (func (export "set") (param i64)
          (table.set (i32.const 0) (ref.func $takes))
          (drop (call_indirect (type $t) (call $pass (local.get 0)) (i32.const 0))))
        (func (export "init") (param i64)
          (table.init $passive (i32.const 2) (i32.const 0) (i32.const 1))
          (drop (call_indirect (type $t) (call $pass (local.get 0)) (i32.const 2))))
        (func (export "global") (param i64)
          (table.set (i32.const 0) (global.get $reference))
          (drop (call_indirect (type $t) (call $pass (local.get 0)) (i32.const 0))))
        (func (export "returns") (param i64) (result f64) (f64.reinterpret_i64 (local.get 0)))
        (func (export "returnsTwo") (param i64) (result i32 f64 f32)
          (i32.const 7) (f64.reinterpret_i64 (local.get 0)) (f32.reinterpret_i32 (i32.wrap_i64 (local.get 0)))))`,
      { host: { takes } }
    )
    const ways = ["direct", "table", "expression", "set", "init", "global"]
    for (const way of ways) exports[way]!(0xfff8_0000_0000_1234n)
    expect(seen).toEqual(ways.map(() => [nan64, 5, BigInt(nan32), 6n]))
    exports["takes"]!(Number.NaN, 1, Number.NaN, 2n)
    expect(seen.at(-1)).toEqual([nan64, 1, BigInt(nan32), 2n])
    for (const bits of [0xfff8_0000_0000_1234n, 0x7ff0_0000_0000_0001n, nan64]) {
      expect(hostBits(exports["returns"]!(bits))).toBe(nan64)
      const [seven, double, single] = exports["returnsTwo"]!(bits | 0x7fc0_1234n) as unknown as [number, number, number]
      expect([seven, hostBits(double), hostBits32(single)]).toEqual([7, nan64, BigInt(nan32)])
    }
    expect(exports["returns"]!(0x4000_0000_0000_0000n)).toBe(2)
  })

  it("keeps a reference valid that only an export had declared", () => {
    const plain = assemble(`(module (table 1 funcref) (func $f (export "f") (result f64) (f64.const 1.5))
      (func (export "run") (result i32)
        (table.set (i32.const 0) (ref.func $f)) (i32.trunc_f64_s (call_indirect (result f64) (i32.const 0)))))`)
    expect(WebAssembly.validate(plain)).toBe(true)
    const { bytes } = Rewrite.rewriteUnsafe(plain)
    expect(WebAssembly.validate(bytes)).toBe(true)
    const instance = MeteredInstance.instantiateUnsafe(MeteredInstance.compileUnsafe(bytes))
    MeteredInstance.begin(instance, 100)
    expect((instance.exports["run"] as () => number)()).toBe(1)
  })
})
