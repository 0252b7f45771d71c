import { describe, expect, it } from "@effect/vitest"
import { ModuleRefused } from "../../src/JitError.ts"
import * as Limits from "../../src/Limits.ts"
import type { AllowedImports } from "../../src/rewrite/Policy.ts"
import * as Rewrite from "../../src/rewrite/Rewrite.ts"
import { assemble } from "../support/Assemble.ts"

const refusal = (text: string, options: Rewrite.Options = {}): string | undefined => {
  try {
    Rewrite.rewriteUnsafe(assemble(text), options)
    return undefined
  } catch (error) {
    if (error instanceof ModuleRefused) return error.reason
    throw error
  }
}

describe("Policy", () => {
  it("allows an import of the same module, field and kind only, and names the one that it refuses", () => {
    const text = '(module (import "env" "abort" (func)) (import "env" "now" (func (result f64))))'
    const abort = { module: "env", field: "abort", kind: "function" } as const
    const now = { module: "env", field: "now", kind: "function" } as const
    const refused = (imports: AllowedImports) => refusal(text, { imports })
    expect(refused([abort, now])).toBeUndefined()
    expect(refused("any")).toBeUndefined()
    expect(refusal(text)).toBe('it imports the function "env.abort", which it does not get. No import is allowed')
    expect(refused([abort])).toBe('it imports the function "env.now", which it does not get. Allowed: env.abort')
    expect(refused([abort, { ...now, kind: "global" }])).toContain('the function "env.now"')
    expect(refused([abort, { ...now, module: "other" }])).toContain('the function "env.now"')
    expect(refused([abort, { ...now, field: "then" }])).toContain('the function "env.now"')
  })

  it("shows hostile names of imports without their control characters", () => {
    expect(refusal('(module (import "a\\1b[31m" "\\0a" (func)))')).toContain('"a?[31m.?"')
    expect(refusal(`(module (import "${"x".repeat(5000)}" "y" (func)))`)!.length).toBeLessThan(300)
  })

  it("refuses a memory that begins above the cap, and lowers a maximum to it", () => {
    const pages = (text: string, memoryPagesMax?: number) => {
      const { bytes, info } = Rewrite.rewriteUnsafe(
        assemble(text),
        memoryPagesMax === undefined ? {} : { memoryPagesMax }
      )
      const { memory } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as {
        memory: WebAssembly.Memory
      }
      const { pagesMin, pagesMax } = info.memory!
      expect(memory.buffer.byteLength).toBe(pagesMin * 65536)
      memory.grow(pagesMax - pagesMin)
      expect(() => memory.grow(1)).toThrow()
      return [pagesMin, pagesMax]
    }
    expect(pages('(module (memory (export "memory") 3))', 3)).toEqual([3, 3])
    expect(pages('(module (memory (export "memory") 1 7))', 3)).toEqual([1, 3])
    expect(pages('(module (memory (export "memory") 1 2))', 3)).toEqual([1, 2])
    expect(pages('(module (memory (export "memory") 1))')).toEqual([1, Limits.memoryPagesMax])
    expect(refusal('(module (memory (export "memory") 4))', { memoryPagesMax: 3 })).toBe(
      "it wants 4 pages of memory (64 KiB each) to begin with, and 3 are allowed"
    )
    expect(refusal('(module (import "a" "b" (memory 4)))', { memoryPagesMax: 3, imports: "any" })).toContain(
      "it wants 4 pages"
    )
  })

  it("lowers the maximum of an imported memory, so that a larger one cannot be linked", () => {
    const { bytes } = Rewrite.rewriteUnsafe(assemble('(module (import "a" "b" (memory 1 100)))'), {
      imports: "any",
      memoryPagesMax: 5
    })
    const link = (maximum: number) =>
      new WebAssembly.Instance(new WebAssembly.Module(bytes), {
        a: { b: new WebAssembly.Memory({ initial: 1, maximum }) }
      })
    expect(() => link(5)).not.toThrow()
    expect(() => link(6)).toThrow(WebAssembly.LinkError)
  })

  it("bounds tables in the same way", () => {
    const max = Limits.tableEntriesMax
    expect(refusal(`(module (table ${max} funcref))`)).toBeUndefined()
    expect(refusal(`(module (table ${max + 1} funcref))`)).toBe(
      `it wants a table of ${max + 1} entries, and ${max} are allowed`
    )
    const { bytes } = Rewrite.rewriteUnsafe(assemble(`(module (table (export "t") 1 funcref))`))
    const { t } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as { t: WebAssembly.Table }
    t.grow(max - 1)
    expect(() => t.grow(1)).toThrow()
  })

  it("refuses exports of our prefix, and so a module that was rewritten before", () => {
    expect(refusal('(module (func (export "continuum.fuel")))')).toBe(
      'it exports "continuum.fuel": names that begin with "continuum." are reserved'
    )
    expect(refusal('(module (func (export "continuum.anything")))')).toContain("are reserved")
    expect(refusal('(module (func (export "continuum")))')).toBeUndefined()
    const { bytes } = Rewrite.rewriteUnsafe(assemble("(module)"))
    expect(() => Rewrite.rewriteUnsafe(bytes)).toThrow(ModuleRefused)
  })
})
