import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import * as MeteredInstance from "../../src/abi/MeteredInstance.ts"
import * as Scalar1 from "../../src/abi/Scalar1.ts"
import { FuelExhausted } from "../../src/JitError.ts"
import * as Fuel from "../../src/rewrite/Fuel.ts"
import * as Rewrite from "../../src/rewrite/Rewrite.ts"
import { assemble } from "../support/Assemble.ts"
import { endless } from "../support/Failures.ts"

const instantiate = (text: string, options: Rewrite.Options = {}): MeteredInstance.MeteredInstance =>
  MeteredInstance.instantiateUnsafe(MeteredInstance.compileUnsafe(Rewrite.rewriteUnsafe(assemble(text), options).bytes))

/** What one call of the export `run` without a result costs. */
const cost = (text: string, options: Rewrite.Options = {}, ...args: ReadonlyArray<number>): number => {
  const instance = instantiate(text, options)
  const run = instance.exports["run"] as (...args: ReadonlyArray<number>) => void
  MeteredInstance.begin(instance, 1e12)
  MeteredInstance.call(instance, () => run(...args))
  return MeteredInstance.fuelUsed(instance)
}

const body = (code: string, fields = "") => `(module ${fields} (func (export "run") ${code}))`

describe("Fuel", () => {
  for (const { name, text } of endless) {
    it(`stops ${name}`, () => {
      const instance = instantiate(text)
      const signature = { entry: "run", params: [], result: "i32" } as const
      expect(() => Scalar1.runUnsafe(instance, signature, [], 50_000)).toThrow(FuelExhausted)
      expect(instance.fuel.value).toBeLessThan(0n)
    })
  }

  it("costs one unit an instruction, nothing for the brackets of control flow but loops, and one for entering", () => {
    expect(cost(body(""))).toBe(1)
    expect(cost(body("nop nop"))).toBe(3)
    expect(cost(body("block block end end"))).toBe(1)
    expect(cost(body("block loop block end end loop end end"))).toBe(3)
    // Entered once and repeated twice: one for the loop, three rounds of 7.
    const rounds = "local.get 0 i32.const 1 i32.add local.tee 0 i32.const 3 i32.lt_s br_if 0"
    expect(cost(body(`(local i32) loop ${rounds} end`))).toBe(1 + 1 + 3 * 7)
    expect(cost(body("i32.const 1 if nop else nop nop end"))).toBe(4)
    expect(cost(body("i32.const 0 if nop else nop nop end"))).toBe(5)
    expect(cost(body("return nop nop"))).toBe(2)
    expect(cost(body("block br 0 nop end nop"))).toBe(3)
    expect(cost(body("block i32.const 1 br_if 0 nop end"))).toBe(3)
    expect(cost(body("block i32.const 0 br_if 0 nop end"))).toBe(4)
    expect(cost(body("call $f", "(func $f nop)"))).toBe(4)
    expect(
      cost(body("i32.const 0 call_indirect (type $t)", "(type $t (func)) (table funcref (elem $f)) (func $f nop)"))
    ).toBe(5)
  })

  it("costs a unit more for every 16 locals of the function that is entered", () => {
    const locals = (count: number) => body(`(local ${"i32 ".repeat(count)})`)
    expect([0, 15, 16, 31, 32].map((count) => cost(locals(count)))).toEqual([1, 1, 2, 2, 3])
    expect(cost(body("(param i32 i32 i32) (local i32) call $f", "(func $f (local i64 i64))"), {}, 1, 2, 3)).toBe(3)
  })

  it("charges instructions that work on a length for the length", () => {
    const bytes = (instruction: string, length: number) =>
      cost(
        body(
          `i32.const 0 i32.const 1 i32.const ${length} ${instruction}`,
          '(memory 2) (data $d "0123456789abcdef0123456789abcdef")'
        )
      )
    for (const instruction of ["memory.fill", "memory.copy"]) {
      expect([0, 7, 8, 100_000].map((length) => bytes(instruction, length))).toEqual([5, 5, 6, 12_505])
    }
    expect([0, 7, 8, 31].map((length) => bytes("memory.init $d", length))).toEqual([5, 5, 6, 8])
    const tables = "(table $t 20 funcref) (elem $e func $f $f $f) (func $f)"
    expect(cost(body("i32.const 0 ref.null func i32.const 9 table.fill $t", tables))).toBe(5 + 9)
    expect(cost(body("i32.const 0 i32.const 1 i32.const 7 table.copy $t $t", tables))).toBe(5 + 7)
    expect(cost(body("i32.const 0 i32.const 0 i32.const 3 table.init $t $e", tables))).toBe(5 + 3)
  })

  it("charges growing for all that is there afterwards, and for nothing when it fails", () => {
    const memory = (pages: number) => cost(body(`i32.const ${pages} memory.grow drop`, "(memory 2 5)"))
    expect([0, 1, 3, 4, -1].map(memory)).toEqual([4 + 2 * 8192, 4 + 3 * 8192, 4 + 5 * 8192, 4, 4])
    const capped = cost(body("i32.const 2 memory.grow drop", "(memory 2 5)"), { memoryPagesMax: 3 })
    expect(capped).toBe(4)
    const table = (entries: number) =>
      cost(body(`ref.null func i32.const ${entries} table.grow 0 drop`, "(table 10 20 funcref)"))
    expect([0, 1, 10, 11, -1].map(table)).toEqual([5 + 10, 5 + 11, 5 + 20, 5, 5])
  })

  it("stops before a length that the fuel does not cover is worked off", () => {
    const instance = instantiate(
      `(module (memory (export "memory") 1)
        (func (export "run") (result i32) (memory.fill (i32.const 0) (i32.const 7) (i32.const 65536)) (i32.const 1)))`
    )
    const signature = { entry: "run", params: [], result: "i32" } as const
    expect(() => Scalar1.runUnsafe(instance, signature, [], 8000)).toThrow(FuelExhausted)
    expect(new Uint8Array((instance.exports["memory"] as WebAssembly.Memory).buffer).every((byte) => byte === 0)).toBe(
      true
    )
  })

  it("costs the same whether the callers of a function pay for it or it pays itself", () => {
    const program = (fields: string) =>
      body(
        "(local i32) loop local.get 0 call $small local.tee 0 i32.const 50 i32.lt_s br_if 0 end",
        `(func $small (param i32) (result i32) local.get 0 i32.const 49 i32.eq if i32.const 50 return end local.get 0 i32.const 1 i32.add) ${fields}`
      )
    const rounds = 50
    // Entering; the loop; in a round 6 instructions here, entering $small, and 7 instructions there, 6 in the last round.
    const expected = 1 + 1 + rounds * (6 + 1 + 7) - 1
    for (const fields of [
      "",
      '(export "small" (func $small))',
      "(table funcref (elem $small))",
      "(elem declare func $small)"
    ]) {
      expect([fields, cost(program(fields))]).toEqual([fields, expected])
    }
  })

  it("asks for fuel at the entry of a function that is too large for its callers to pay", () => {
    const calls = (cost: number) => {
      const instance = instantiate(
        `(module (global $n (export "n") (mut i32) (i32.const 0))
          (func $work (global.set $n (i32.add (global.get $n) (i32.const 1))) ${"nop ".repeat(cost - 5)})
          (func (export "run") ${"call $work ".repeat(50)}))`
      )
      instance.fuel.value = BigInt(50 + cost * 2)
      expect(() => (instance.exports["run"] as () => void)()).toThrow(WebAssembly.RuntimeError)
      return (instance.exports["n"] as WebAssembly.Global).value as number
    }
    // The caller pays for all small ones at its entry and stops there; large ones pay one by one, and one can.
    expect(calls(Fuel.prepaidCostMax)).toBe(0)
    expect(calls(Fuel.prepaidCostMax + 1)).toBe(1)
  })

  it("makes the fuel global unreachable for the module's own code", () => {
    const instance = instantiate(
      '(module (global (mut i64) (i64.const 5)) (func (export "run") (global.set 0 (i64.const 9))))'
    )
    MeteredInstance.begin(instance, 100)
    MeteredInstance.call(instance, instance.exports["run"] as () => void)
    expect(MeteredInstance.fuelUsed(instance)).toBe(3)
    expect(Object.keys(instance.exports).sort()).toEqual([Fuel.fuelExport, "run"])
  })

  it("exhausts a run exactly when it has less than the run costs", () => {
    const text = body("(param i32) loop local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end")
    const instance = instantiate(text)
    const run = instance.exports["run"] as (rounds: number) => void
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: -3, max: 3 }), (rounds, more) => {
        // Entering the function, and the loop; five instructions a round.
        const cost = 1 + 1 + rounds * 5
        instance.fuel.value = BigInt(cost + more)
        let error: unknown
        try {
          run(rounds)
        } catch (thrown) {
          error = thrown
        }
        expect(error instanceof WebAssembly.RuntimeError).toBe(more < 0)
        expect(instance.fuel.value < 0n).toBe(more < 0)
      })
    )
  })
})
