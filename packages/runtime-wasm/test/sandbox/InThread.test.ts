/** What a stranger's module can do to the thread of the node. */
import { assert, describe, it } from "@effect/vitest"
import * as ContentId from "@continuum/core/ContentId"
import * as Limits from "@continuum/runtime-wasm/Limits"
import * as Rewrite from "@continuum/runtime-wasm/rewrite/Rewrite"
import * as InThread from "@continuum/runtime-wasm/sandbox/InThread"
import type { Loaded } from "@continuum/runtime-wasm/sandbox/Requests"
import { assemble } from "../support/Assemble.ts"
import { threadMs } from "../support/Node.ts"

const load = (text: string): Loaded & { readonly code: Uint8Array<ArrayBuffer> } => {
  const { bytes, info } = Rewrite.rewriteUnsafe(assemble(text))
  return {
    manifest: {
      format: 1,
      engine: "wasm",
      abi: "scalar1",
      lang: "wat",
      entry: "run",
      params: ["i64"],
      result: "i64",
      signature: "(i64) => i64",
      source: ContentId.of(text),
      compiler: "test",
      tested: 0
    },
    code: bytes,
    source: undefined,
    memory: info.memory !== undefined,
    tableEntriesMax: info.tableEntriesMax
  }
}

const times = (count: number, text: string) => Array.from({ length: count }, () => text).join(" ")
const run = (body: string, fields = "") =>
  `(module ${fields} (func $run (export "run") (param i64) (result i64) ${body}))`
const forEver = (body: string, fields = "") => run(`(loop ${body} (br 0)) unreachable`, fields)
const manyTypes = `(type $many (func (param ${times(120, "i64")}) (result ${times(120, "i64")})))`

/** Modules that cost the most that could be thought of, by fuel or by being made. */
const hostile: ReadonlyArray<readonly [name: string, text: string]> = [
  ["an endless loop", forEver("")],
  ["loops that nothing is in", forEver(times(20_000, "(loop)"))],
  ["blocks that nothing is in", forEver(times(20_000, "(block)"))],
  [
    "blocks of many values",
    run(
      `${times(120, "(i64.const 1)")} (loop (type $many) ${times(9_000, "(block (type $many))")} (br 0)) unreachable`,
      manyTypes
    )
  ],
  ["divisions", forEver(times(100, "(local.set 0 (i64.div_s (i64.const -9) (i64.or (local.get 0) (i64.const 3))))"))],
  [
    "square roots of the smallest numbers",
    forEver(times(100, "(drop (f64.div (f64.sqrt (f64.const 0x1p-1070)) (f64.const 3e-300)))"))
  ],
  ["endless recursion", run("(call $run (local.get 0))")],
  ["recursion with many locals", run(`(local ${times(1_000, "i64")}) (call $run (local.get 0))`)],
  [
    "calls of a function with many locals",
    forEver("(call $f)", `(func $g) (func $f (local ${times(9_000, "i64")}) (call $g))`)
  ],
  [
    "table.fill",
    forEver(
      "(table.fill 0 (i32.const 0) (ref.func $f) (i32.const 1024))",
      "(table 1024 1024 funcref) (func $f) (elem declare func $f)"
    )
  ],
  ["table.copy", forEver("(table.copy 0 0 (i32.const 1) (i32.const 0) (i32.const 1000))", "(table 1024 1024 funcref)")],
  [
    "table.set",
    forEver("(table.set 0 (i32.const 7) (ref.func $f))", "(table 1024 1024 funcref) (func $f) (elem declare func $f)")
  ],
  [
    "indirect calls",
    forEver("(call_indirect (i32.const 0))", "(table 1024 1024 funcref) (elem (i32.const 0) $f) (func $f)")
  ],
  [
    "exports",
    run("local.get 0", `(func $f) ${Array.from({ length: 4_000 }, (_, n) => `(export "${n}" (func $f))`).join(" ")}`)
  ],
  [
    "exported globals",
    run(
      "local.get 0",
      `(global (mut i64) (i64.const 5)) ${Array.from({ length: 4_000 }, (_, n) => `(export "${n}" (global 0))`).join(" ")}`
    )
  ]
]

describe("In the node's own thread", () => {
  for (const [name, text] of hostile) {
    it(`a module of ${name} ends before anybody notices`, { timeout: 60_000 }, async () => {
      const loaded = load(text)
      assert.isTrue(InThread.admits(loaded), `${loaded.code.length} bytes`)
      const module = await WebAssembly.compile(loaded.code)
      let longestMs = 0
      // The first runs are interpreted, later ones compiled.
      for (let at = 0; at < 5; at++) {
        const begun = threadMs()
        InThread.run(module, loaded, 1, Limits.inThreadFuelMax)
        longestMs = Math.max(longestMs, threadMs() - begun)
      }
      assert.isBelow(longestMs, 250, "milliseconds of the processor")
    })
  }

  it("runs no module with a memory, with large tables, or of much code", () => {
    const admits = (fields: string) => InThread.admits(load(run("local.get 0", fields)))
    assert.isTrue(admits(""))
    assert.isFalse(admits("(memory 0)"))
    const half = Limits.inThreadTableEntriesMax / 2
    assert.isTrue(admits(`(table ${half} ${half} funcref) (table 0 ${half} funcref)`))
    assert.isFalse(admits(`(table ${half} ${half} funcref) (table 0 ${half + 1} funcref)`))
    // One without a maximum can grow to what every module may have.
    assert.isFalse(admits("(table 0 funcref)"))
    assert.isFalse(admits(`(func $large ${times(Limits.inThreadCodeBytesMax, "nop")})`))
  })
})
