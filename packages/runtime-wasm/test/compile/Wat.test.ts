import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Wat from "../../src/compile/Wat.ts"
import { SourceMalformed } from "../../src/JitError.ts"
import { functionSourceBytesMax, watNestingMax } from "../../src/Limits.ts"

const exportsOf = async (text: string): Promise<WebAssembly.Exports> =>
  new WebAssembly.Instance(new WebAssembly.Module(await Wat.assembleUnsafe(text))).exports

const failure = async (text: string): Promise<SourceMalformed> => {
  try {
    await Wat.assembleUnsafe(text)
  } catch (error) {
    if (error instanceof SourceMalformed) return error
    throw error
  }
  throw new Error("it was accepted")
}

describe("Wat", () => {
  it.effect("assembles the first program of the project, and exports its only function as run", () =>
    Effect.gen(function* () {
      const text = "(module (func $multiply (param $x i32) (result i32) get_local $x i32.const 2 i32.mul))"
      const bytes = yield* Wat.assemble(text)
      const { run } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports
      expect((run as (x: number) => number)(21)).toBe(42)
    })
  )

  it("exports nothing when there is a choice, or an export, or no function of its own", async () => {
    const names = async (text: string) =>
      WebAssembly.Module.exports(new WebAssembly.Module(await Wat.assembleUnsafe(text))).map(({ name }) => name)
    expect(await names("(module (func) (memory 1))")).toEqual(["run"])
    expect(await names('(module (func) (memory (export "m") 1))')).toEqual(["m"])
    expect(await names("(module (func) (func))")).toEqual([])
    expect(await names('(module (import "a" "b" (func)))')).toEqual([])
    expect(await names('(module (import "a" "b" (func)) (func))')).toEqual([])
    expect(await names("(module)")).toEqual([])
  })

  it("understands the names of before version 1.0", async () => {
    const run = (
      await exportsOf(`(module (memory 1) (table 1 anyfunc) (global $g (mut i32) (i32.const 5))
      (func (export "run") (param i32) (result i32) (local $l i32)
        (set_global $g (i32.add (get_global $g) (tee_local $l (get_local 0))))
        (set_local $l (i32.add (get_local $l) (grow_memory (i32.const 1))))
        (i32.add (i32.mul (get_local $l) (i32.const 100)) (i32.add (get_global $g) (current_memory)))))`)
    )["run"] as (value: number) => number
    expect(run(3)).toBe((3 + 1) * 100 + 8 + 2)
    const converted = (
      await exportsOf(`(module (func (export "run") (param f64) (result f64)
      get_local 0 i64.trunc_s/f64 i32.wrap/i64 i64.extend_u/i32 f32.convert_s/i64 f64.promote/f32
      f32.demote/f64 i32.trunc_u:sat/f32 f32.reinterpret/i32 i32.reinterpret/f32 f64.convert_u/i32
      i64.reinterpret/f64 f64.reinterpret/i64 i64.trunc_s:sat/f64 f64.convert_s/i64))`)
    )["run"] as (value: number) => number
    expect(converted(123.9)).toBe(123)
  })

  it("leaves names in strings, comments and identifiers alone", async () => {
    const exports = await exportsOf(`(module ;; get_local "
      (; grow_memory (; " nested ;) ( ;)
      (func $get_local (export "get_local \\" set_local") (param $tee_local i32) (result i32)
        local.get $tee_local))`)
    expect(Object.keys(exports)).toEqual(['get_local " set_local'])
  })

  it("keeps text in other alphabets as UTF-8", async () => {
    expect(Object.keys(await exportsOf('(module (func (export "é€😀")))'))).toEqual(["é€😀"])
  })

  it("says line and column of what does not parse or is not well typed, also behind renamed words", async () => {
    const at = async (text: string) => {
      const { line, column, lang } = await failure(text)
      return [lang, line, column]
    }
    expect(await at("(module\n  (func get_local $x))")).toEqual(["wat", 2, 19])
    expect(await at("(module (memory 1) (func current_memory foo))")).toEqual(["wat", 1, 41])
    expect(await at('(module (func (export "é€😀")) foo)')).toEqual(["wat", 1, 32])
    expect(await at("(module (func (result i32)\n  i64.const 1))")).toEqual(["wat", 2, 3])
    expect(await at("(module")).toEqual(["wat", 1, 8])
    expect((await failure("(module (func local.get $x))")).reason).toBe('undefined local variable "$x"')
    expect((await failure("(module (func (foo)))")).message).toContain(
      "The wat source does not parse at line 1, column 1"
    )
  })

  it("refuses features that modules may not use", async () => {
    expect((await failure("(module (func return_call 0))")).reason).toContain("return_call")
    expect((await failure("(module (memory 1 2 shared))")).reason).toContain("shared")
  })

  it("refuses nesting that its assembler does not survive, in parentheses and in flat blocks, and accepts the limit", async () => {
    const folded = (depth: number) => `(module (func ${"(block ".repeat(depth)}${")".repeat(depth)}))`
    const flat = (depth: number) => `(module (func ${"block ".repeat(depth)}${"end ".repeat(depth)}))`
    const mixed = (depth: number) => `(module (func ${"(block loop ".repeat(depth / 2)}${"end) ".repeat(depth / 2)}))`
    for (const nested of [folded, flat, mixed]) {
      expect((await Wat.assembleUnsafe(nested(watNestingMax - 2))).length).toBeGreaterThan(0)
      const { reason, column } = await failure(nested(watNestingMax))
      expect(reason).toBe(`it is nested deeper than ${watNestingMax}`)
      expect(column).toBeGreaterThan(watNestingMax)
    }
    const inComments = `(module (; ${"(block ".repeat(500)} ;) (func ;; ${"((((".repeat(500)}\n (drop (i32.const 1))))`
    expect((await Wat.assembleUnsafe(inComments)).length).toBeGreaterThan(0)
    const closedTooOften = `(module ${")".repeat(300)} (func ${"end ".repeat(300)} ${"(block ".repeat(200)}`
    expect((await failure(closedTooOften)).reason).toContain("nested deeper")
  })

  it("refuses a text above the limit of bytes, and accepts the limit", async () => {
    const text = (bytes: number) => `(module)${" ".repeat(bytes - 8)}`
    expect((await Wat.assembleUnsafe(text(functionSourceBytesMax))).length).toBe(8)
    expect((await failure(text(functionSourceBytesMax + 1))).reason).toContain(`${functionSourceBytesMax} are allowed`)
  })

  it("goes on after a text that it refused", async () => {
    for (const text of ["", "(", ")", '"', "(;", "(module (func (block", "\u0000", '(module (data "\\', "é"]) {
      await Wat.assembleUnsafe(text).catch((error: unknown) => expect(error).toBeInstanceOf(SourceMalformed))
      expect((await Wat.assembleUnsafe("(module)")).length).toBe(8)
    }
  })
})
