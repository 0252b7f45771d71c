import * as Limits from "@continuum/runtime-wasm/Limits"
import * as Source from "@continuum/runtime-wasm/compile/Source"
import { SourceMalformed, SourceRefused } from "@continuum/runtime-wasm/JitError"
import { assert, describe, it } from "@effect/vitest"

const failure = (source: string): SourceMalformed | SourceRefused => {
  try {
    Source.parseUnsafe(source)
  } catch (error) {
    if (error instanceof SourceMalformed || error instanceof SourceRefused) return error
    throw error
  }
  throw new Error(`"${source}" was accepted`)
}

describe("Source", () => {
  it("takes arrows, function expressions, declarations and a default export", () => {
    for (const source of [
      "(input) => input * 2",
      "input => input",
      "async (x) => x",
      "(function (a, b) { return a + b })",
      "function twice(n) { return n * 2 }",
      "export default (x) => x",
      "export default function (x) { return x }",
      "function (x) { return x }",
      "async function (x) { return x }",
      "function(a, b) { return a + b };",
      "const k = 3\nfunction (x) { return x * k }",
      "const k = 3\nfunction helper(x) { return x * k }\n(x) => helper(x)"
    ]) {
      assert.isTrue(Source.parseUnsafe(source).script.includes("return ("), source)
    }
  })

  it("says how many arguments a function takes", () => {
    const parameters = (source: string) => Source.parseUnsafe(source).parameters
    assert.deepStrictEqual(parameters("() => 1"), { min: 0, max: 0 })
    assert.deepStrictEqual(parameters("(a, b) => a"), { min: 2, max: 2 })
    assert.deepStrictEqual(parameters("({ a }, [b]) => a"), { min: 2, max: 2 })
    assert.deepStrictEqual(parameters("(a, b = 1) => a"), { min: 1, max: 2 })
    assert.strictEqual(parameters("(a, ...rest) => a").min, 1)
    assert.isAbove(parameters("(a, ...rest) => a").max, 1000)
  })

  it("names line and column of what does not parse, counted from one", () => {
    const error = failure("(n) => {\n  return n +* 2\n}") as SourceMalformed
    assert.strictEqual(error._tag, "SourceMalformed")
    assert.deepStrictEqual([error.line, error.column], [2, 13])
    assert.strictEqual(error.reason, "Unexpected token")
  })

  it("refuses every name that a function does not get, with its position", () => {
    const cases: ReadonlyArray<readonly [source: string, name: string, line: number, column: number]> = [
      ["(n) => process.exit(n)", "process", 1, 8],
      ["(n) => {\n  return require('fs')\n}", "require", 2, 10],
      ["async (url) => fetch(url)", "fetch", 1, 16],
      ["() => Date.now()", "Date", 1, 7],
      ["() => Math.random()", "Math.random", 1, 7],
      ["() => Math['random']()", "Math.random", 1, 7],
      ["() => import('node:fs')", "import", 1, 7],
      ["() => import.meta.url", "import.meta", 1, 7],
      ["import fs from 'fs'\n(x) => x", "import", 1, 1],
      ["() => eval('1')", "eval", 1, 7],
      ["() => new Function('return 1')", "Function", 1, 11],
      ["() => globalThis.process", "globalThis", 1, 7],
      ["() => setTimeout(() => 1, 0)", "setTimeout", 1, 7],
      ["() => console.log(1)", "console", 1, 7],
      ["() => constructor.constructor('return process')()", "constructor", 1, 7],
      ["(x) => x + unknownName", "unknownName", 1, 12],
      ["(x) => ({ process })", "process", 1, 11],
      ["() => typeof process", "process", 1, 14],
      ["() => arguments[0]", "arguments", 1, 7],
      ["(a = fetch) => a", "fetch", 1, 6],
      ["() => { { let inner = 1 } return inner }", "inner", 1, 34],
      ["() => new WeakRef({})", "WeakRef", 1, 11],
      ["() => new SharedArrayBuffer(1)", "SharedArrayBuffer", 1, 11]
    ]
    for (const [source, name, line, column] of cases) {
      const error = failure(source)
      assert.strictEqual(error._tag, "SourceRefused", source)
      assert.deepStrictEqual([(error as SourceRefused).name, error.line, error.column], [name, line, column], source)
    }
  })

  it("does not take what a source declares for something else", () => {
    for (const source of [
      "(process) => process.pid",
      "({ fetch }) => fetch",
      "(x) => { const require = x; return require }",
      "(o) => o.process + o['fetch'] + { Date: 1 }.Date",
      "(x) => { for (const Date of x) { return Date } return 0 }",
      "(x) => { var a = 1; { var b = a } return b }",
      "(x) => { try { return x.y.z } catch (console) { return console } }",
      "(x) => { class process {} return new process() }",
      "(x) => { label: for (;;) { break label } return x }",
      "function f(n) { return n < 1 ? 0 : f(n - 1) }",
      "(Math) => Math.random",
      "(x) => helper(x)\nfunction helper(x) { return x }\nexport default (x) => helper(x)"
    ]) {
      assert.isDefined(Source.parseUnsafe(source), source)
    }
  })

  it("refuses what is no function", () => {
    for (const source of ["", "1 + 1", "const x = 1", "(x) => x\n42", "class A {}", "({ a: 1 })"]) {
      assert.strictEqual(failure(source)._tag, "SourceMalformed", source)
    }
    assert.match(failure("function* g() { yield 1 }").message, /generator/)
    assert.match(failure("function* () { yield 1 }").message, /generator/)
    assert.match(failure("function (x) { return x }\n(x) => x").message, /line 1, column 1: .*needs a name/)
    assert.match(failure("(x) => {\n  function () {}\n  return x }").message, /line 2, column 3: .*needs a name/)
    assert.match(failure("export default 1").message, /must be a function/)
    assert.match(failure("export const a = 1;\n(x) => x").message, /must stand last/)
  })

  it("limits size and nesting", () => {
    const padding = (bytes: number) => `(x) => x /*${"a".repeat(bytes - 13)}*/`
    assert.isDefined(Source.parseUnsafe(padding(Limits.functionSourceBytesMax)))
    assert.match(failure(padding(Limits.functionSourceBytesMax + 1)).message, /limit is/)
    const nested = (levels: number) => `(x) => ${"[".repeat(levels)}x${"]".repeat(levels)}`
    assert.isDefined(Source.parseUnsafe(nested(Limits.sourceNestingMax - 5)))
    assert.match(failure(nested(Limits.sourceNestingMax + 1)).message, /nested deeper/)
    assert.match(failure(nested(100_000)).message, /nested deeper/)
    assert.match(failure(`(x) => ${"!".repeat(100_000)}x`).message, /nested deeper/)
  })

  it("refuses text that is not well-formed Unicode", () => {
    assert.match(failure("(x) => '\ud800'").message, /surrogate/)
  })
})
