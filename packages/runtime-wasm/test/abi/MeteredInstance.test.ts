import { describe, expect, it } from "@effect/vitest"
import * as MeteredInstance from "../../src/abi/MeteredInstance.ts"
import { FuelExhausted, MemoryExceeded, ModuleMalformed, RunFailed } from "../../src/JitError.ts"
import * as Rewrite from "../../src/rewrite/Rewrite.ts"
import { assemble } from "../support/Assemble.ts"
import { traps } from "../support/Failures.ts"

const load = (text: string, imports: WebAssembly.Imports = {}): MeteredInstance.MeteredInstance =>
  MeteredInstance.instantiateUnsafe(
    MeteredInstance.compileUnsafe(Rewrite.rewriteUnsafe(assemble(text), { imports: "any" }).bytes),
    imports
  )

const run = (instance: MeteredInstance.MeteredInstance): unknown =>
  MeteredInstance.call(instance, instance.exports["run"] as () => unknown)

const thrown = (body: () => unknown): unknown => {
  try {
    body()
  } catch (error) {
    return error
  }
  throw new Error("nothing was thrown")
}

describe("MeteredInstance", () => {
  for (const { name, text, reason } of traps) {
    it(`says in the same words on every engine what ${name} did`, () => {
      const instance = load(text)
      MeteredInstance.begin(instance, 10_000_000)
      expect(thrown(() => run(instance))).toEqual(new RunFailed({ reason }))
    })
  }

  it("takes only rewritten modules that the engine accepts", () => {
    expect(() => MeteredInstance.compileUnsafe(Uint8Array.of(1, 2, 3))).toThrow(ModuleMalformed)
    const plain = new WebAssembly.Module(assemble('(module (func (export "run")))'))
    expect(() => MeteredInstance.instantiateUnsafe(plain)).toThrow("it is not metered")
    expect(() => load('(module (import "env" "missing" (func)))')).toThrow(ModuleMalformed)
    expect(() => load('(module (memory 1) (data (i32.const 65536) "x"))')).toThrow(ModuleMalformed)
  })

  it("shows nothing of the host's source in its reasons", () => {
    expect((thrown(() => load('(module (memory 1) (data (i32.const 65536) "x"))')) as Error).message).not.toContain(
      "evaluating"
    )
  })

  it("needs fuel for a run, a whole number from 1 up to what a number holds exactly", () => {
    const instance = load('(module (func (export "run")))')
    for (const fuelMax of [0, -1, Number.NaN, Infinity, 2 ** 53]) {
      expect(() => MeteredInstance.begin(instance, fuelMax)).toThrow(RangeError)
    }
    MeteredInstance.begin(instance, Number.MAX_SAFE_INTEGER)
    run(instance)
    expect(MeteredInstance.fuelUsed(instance)).toBe(1)
    MeteredInstance.begin(instance, 1.9)
    run(instance)
    expect([instance.fuelMax, MeteredInstance.fuelUsed(instance)]).toEqual([1, 1])
  })

  it("does not run before the first fuel", () => {
    const instance = load('(module (func (export "run")))')
    expect(() => (instance.exports["run"] as () => void)()).toThrow(WebAssembly.RuntimeError)
  })

  it("calls a run exhausted that ends below zero, though it returned", () => {
    // One segment: whether fuel is left is asked at its beginning only, and the rest is in an arm that asks nothing.
    const instance = load('(module (func (export "run") (result i32) i32.const 1 if nop nop nop nop end i32.const 5))')
    MeteredInstance.begin(instance, 7)
    expect(thrown(() => run(instance))).toEqual(new FuelExhausted({ fuelMax: 7 }))
    const enough = load('(module (func (export "run") (result i32) i32.const 1 if nop nop nop nop end i32.const 5))')
    MeteredInstance.begin(enough, 8)
    expect(run(enough)).toBe(5)
  })

  it("calls a trap of an exhausted run exhaustion", () => {
    const instance = load('(module (func (export "run") i32.const 1 if nop nop nop nop unreachable end))')
    MeteredInstance.begin(instance, 4)
    expect(thrown(() => run(instance))).toBeInstanceOf(FuelExhausted)
  })

  it("does not go on with an instance that failed", () => {
    const instance = load('(module (func (export "run") unreachable) (func (export "fine")))')
    MeteredInstance.begin(instance, 100)
    expect(() => run(instance)).toThrow(RunFailed)
    expect(instance.state).toBe("failed")
    expect(() => MeteredInstance.begin(instance, 100)).toThrow("failed before")
  })

  it("pays for the start function from the first run, and reports its failure", () => {
    const failing = load("(module (start 0) (func unreachable))")
    expect(() => MeteredInstance.begin(failing, 100)).toThrow("declares unreachable")
    const dear = load('(module (start $s) (func $s nop nop nop) (func (export "run")))')
    expect(() => MeteredInstance.begin(dear, 3)).toThrow(FuelExhausted)
    const paid = load('(module (start $s) (func $s nop nop nop) (func (export "run")))')
    MeteredInstance.begin(paid, 5)
    run(paid)
    expect(MeteredInstance.fuelUsed(paid)).toBe(5)
  })

  it("passes errors of ours that an import throws, and wraps any other", () => {
    const text = '(module (import "host" "f" (func $f)) (func (export "run") (call $f)))'
    const failing = (error: unknown) => {
      const instance = load(text, {
        host: {
          f: () => {
            throw error
          }
        }
      })
      MeteredInstance.begin(instance, 100)
      return thrown(() => run(instance))
    }
    const own = new RunFailed({ reason: "it called abort" })
    expect(failing(own)).toBe(own)
    const memory = new MemoryExceeded({ memoryBytesMax: 1 })
    expect(failing(memory)).toBe(memory)
    expect(failing(new TypeError("no"))).toEqual(new RunFailed({ reason: "no" }))
    expect(failing("text")).toEqual(new RunFailed({ reason: "text" }))
  })
})
