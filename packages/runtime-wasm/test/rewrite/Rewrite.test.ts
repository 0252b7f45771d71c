import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import fc from "fast-check"
import { vi } from "vitest"
import * as MeteredInstance from "../../src/abi/MeteredInstance.ts"
import { ModuleMalformed, ModuleRefused } from "../../src/JitError.ts"
import * as Limits from "../../src/Limits.ts"
import * as Fuel from "../../src/rewrite/Fuel.ts"
import * as Module from "../../src/rewrite/Module.ts"
import * as Rewrite from "../../src/rewrite/Rewrite.ts"
import { Writer } from "../../src/rewrite/Writer.ts"
import { assemble } from "../support/Assemble.ts"
import { counterExport, counting } from "../support/InstructionCounter.ts"
import { evaluator, quickJsBinary } from "../support/Evaluate.ts"
import { mutants, rewriteMutant } from "../support/Mutants.ts"
import { smallModules } from "../support/SmallModules.ts"

const load = (text: string): MeteredInstance.MeteredInstance =>
  MeteredInstance.instantiateUnsafe(MeteredInstance.compileUnsafe(Rewrite.rewriteUnsafe(assemble(text)).bytes))

const isJavaScriptCore = "bun" in process.versions

const custom = (name: string, ...content: ReadonlyArray<number>): Uint8Array => {
  const section = new Writer()
  section.name(name)
  section.slice(Uint8Array.from(content))
  return Uint8Array.of(0, section.length, ...section.view())
}

describe("Rewrite", () => {
  it.effect("fails with a typed error, and succeeds with the bytes of rewriteUnsafe", () =>
    Effect.gen(function* () {
      const plain = assemble(smallModules[1]!.text)
      expect((yield* Rewrite.rewrite(plain)).bytes).toEqual(Rewrite.rewriteUnsafe(plain).bytes)
      const malformed = yield* Effect.flip(Rewrite.rewrite(plain.subarray(0, 20)))
      expect(malformed).toBeInstanceOf(ModuleMalformed)
      const refused = yield* Effect.flip(Rewrite.rewrite(plain, { moduleBytesMax: plain.length - 1 }))
      expect(refused).toBeInstanceOf(ModuleRefused)
      expect(Exit.isSuccess(yield* Effect.exit(Rewrite.rewrite(plain, { moduleBytesMax: plain.length })))).toBe(true)
    })
  )

  it("gives the same bytes each time, and does not touch what it was given", () => {
    for (const { text } of smallModules.slice(1)) {
      const plain = assemble(text)
      const copy = plain.slice()
      expect(Rewrite.rewriteUnsafe(plain).bytes).toEqual(Rewrite.rewriteUnsafe(copy).bytes)
      expect(plain).toEqual(copy)
    }
  })

  it("reads a module wherever it lies in a larger buffer", () => {
    const plain = assemble(smallModules[6]!.text)
    const larger = new Uint8Array(plain.length + 100)
    larger.set(plain, 37)
    expect(Rewrite.rewriteUnsafe(larger.subarray(37, 37 + plain.length)).bytes).toEqual(
      Rewrite.rewriteUnsafe(plain).bytes
    )
  })

  it("tells what the module imports, exports and has", () => {
    const { info } = Rewrite.rewriteUnsafe(
      assemble(`(module (import "env" "abort" (func (param i32)))
        (memory (export "memory") 2 9) (func (export "run") (param f64 i64) (result f32) unreachable) (start 2) (func))`),
      { imports: [{ module: "env", field: "abort", kind: "function" }] }
    )
    expect(info).toEqual({
      imports: [{ module: "env", field: "abort", kind: "function", type: { params: ["i32"], results: [] } }],
      exports: [
        { name: "memory", kind: "memory" },
        { name: "run", kind: "function", type: { params: ["f64", "i64"], results: ["f32"] } }
      ],
      memory: { pagesMin: 2, pagesMax: 9 },
      tableEntriesMax: 0,
      functions: 2,
      start: true,
      deterministic: true
    })
  })

  it("runs nothing at instantiation; the start function is an export that the first run calls once", () => {
    const instance = load(`(module (global $n (mut i32) (i32.const 0)) (start $up)
      (func $up (global.set $n (i32.add (global.get $n) (i32.const 1))))
      (func (export "run") (result i32) (global.get $n)))`)
    const run = instance.exports["run"] as () => number
    expect(instance.state).toBe("new")
    expect(typeof instance.exports[Fuel.startExport]).toBe("function")
    MeteredInstance.begin(instance, 100)
    expect([run(), MeteredInstance.fuelUsed(instance)]).toEqual([1, 5 + 2])
    MeteredInstance.begin(instance, 100)
    expect([run(), MeteredInstance.fuelUsed(instance)]).toEqual([1, 2])
  })

  it("keeps the custom sections that are ours, and names, and drops the others", () => {
    const parts = [
      Module.magic,
      custom("producers", 1, 2),
      custom("continuum", 3),
      custom("sourceMappingURL", 4),
      custom("continuum.source", 5),
      custom("name", 0, 2, 1, 0x6d)
    ]
    const plain = Uint8Array.from(parts.flatMap((part) => [...part]))
    const module = new WebAssembly.Module(Rewrite.rewriteUnsafe(plain).bytes)
    const count = (name: string) => WebAssembly.Module.customSections(module, name).length
    expect(["producers", "sourceMappingURL", "continuum", "continuum.source", "name"].map(count)).toEqual([
      0, 0, 1, 1, 1
    ])
  })

  it("refuses a module whose metered form is larger than engines take", () => {
    // Loops of three bytes, each of which needs a check.
    const loops = 700_000
    const body = new Writer()
    body.u8(0)
    for (let at = 0; at < loops; at++) body.slice(Uint8Array.of(0x03, 0x40, 0x41, 0x00, 0x0d, 0x00, 0x0b))
    body.u8(0x0b)
    const section = new Writer()
    section.u8(1)
    section.u32(body.length)
    section.writer(body)
    const out = new Writer()
    out.slice(Uint8Array.of(...Module.magic, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 10))
    out.u32(section.length)
    out.writer(section)
    expect(out.length).toBeLessThan(Limits.moduleBytesMax)
    expect(() => Rewrite.rewriteUnsafe(out.toBytes())).toThrow("it becomes too large when it is metered")
  })

  it("makes of mutated modules what the engine accepts exactly when it accepts the module, or refuses them", () => {
    let rewritten = 0
    let valid = 0
    fc.assert(
      fc.property(mutants, (bytes) => {
        const outcome = rewriteMutant(bytes, !isJavaScriptCore)
        if (outcome !== undefined) rewritten++
        if (outcome === true) valid++
      }),
      { numRuns: 4000 }
    )
    expect(rewritten).toBeGreaterThan(100)
    expect(valid).toBeGreaterThan(50)
  })

  it("leaves QuickJS running JavaScript as before, and counts each of its instructions", async () => {
    const clock = vi.spyOn(Date, "now").mockReturnValue(1_700_000_000_000)
    try {
      const source = `
        const fib = (n) => n < 2 ? n : fib(n - 1) + fib(n - 2)
        const sorted = [5, 3.5, -1, NaN, "7"].sort((a, b) => a - b)
        const words = "a b c a".split(" ").reduce((m, w) => m.set(w, (m.get(w) || 0) + 1), new Map())
        let error
        try { null.x } catch (e) { error = e.name }
        JSON.stringify([fib(15), sorted, [...words], /x(y+)/.exec("axyyz")[1], 0.1 + 0.2, 2n ** 70n + "", error, "é".codePointAt(0)])`
      const expected =
        '[610,[-1,3.5,5,null,"7"],[["a",2],["b",1],["c",1]],"yy",0.30000000000000004,"1180591620717411303424","TypeError",233]'
      const fuelMax = 10n ** 15n
      const { bytes, info } = Rewrite.rewriteUnsafe(quickJsBinary(), { imports: "any", memoryPagesMax: 512 })
      expect(info.deterministic).toBe(true)
      const metered = await evaluator(bytes, 512, (exports) => {
        const fuel = exports[Fuel.fuelExport] as WebAssembly.Global<"i64">
        fuel.value = fuelMax
        const start = exports[Fuel.startExport] as () => void
        start()
      })
      const counted = await evaluator(counting(quickJsBinary()), 512, () => undefined)
      const fuel = (): bigint => fuelMax - (metered.exports[Fuel.fuelExport] as WebAssembly.Global<"i64">).value
      const counter = (): bigint => (counted.exports[counterExport] as WebAssembly.Global<"i64">).value
      expect(fuel()).toBe(counter())
      for (let round = 0; round < 2; round++) {
        expect(metered.evaluate(source)).toBe(expected)
        expect(counted.evaluate(source)).toBe(expected)
        expect(fuel()).toBe(counter())
      }
      expect(fuel()).toBeGreaterThan(1_000_000n)
    } finally {
      clock.mockRestore()
    }
  })
})
