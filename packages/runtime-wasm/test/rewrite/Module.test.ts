import { describe, expect, it } from "@effect/vitest"
import { ModuleMalformed, ModuleRefused } from "../../src/JitError.ts"
import * as Limits from "../../src/Limits.ts"
import * as Module from "../../src/rewrite/Module.ts"
import * as Rewrite from "../../src/rewrite/Rewrite.ts"
import { Writer } from "../../src/rewrite/Writer.ts"
import { assemble } from "../support/Assemble.ts"

type Section = readonly [id: number, ...content: ReadonlyArray<number>]

const module = (...sections: ReadonlyArray<Section>): Uint8Array<ArrayBuffer> => {
  const out = new Writer()
  out.slice(Module.magic)
  for (const [id, ...content] of sections) {
    out.u8(id)
    out.u32(content.length)
    out.slice(Uint8Array.from(content))
  }
  return out.toBytes()
}

const leb128 = (value: number): ReadonlyArray<number> => {
  const writer = new Writer()
  writer.u32(value)
  return Array.from(writer.view())
}

const reason = (body: () => unknown): string => {
  try {
    body()
  } catch (error) {
    if (error instanceof ModuleMalformed) return `malformed: ${error.reason}`
    if (error instanceof ModuleRefused) return `refused: ${error.reason}`
    throw error
  }
  return "accepted"
}

const decoding = (bytes: Uint8Array): string => reason(() => Module.decodeUnsafe(bytes))
const rewriting = (bytes: Uint8Array): string => reason(() => Rewrite.rewriteUnsafe(bytes))

const type: Section = [1, 1, 0x60, 0, 0]
const times = (count: number, ...bytes: ReadonlyArray<number>): ReadonlyArray<number> =>
  Array.from({ length: count }, () => bytes).flat()

describe("Module", () => {
  it("reads what a module declares", () => {
    const decoded = Module.decodeUnsafe(
      assemble(
        `(module
        (import "m" "f" (func (param i32 f64) (result i64))) (import "m" "g" (global i32))
        (import "m" "t" (table 1 2 externref)) (import "m" "memory" (memory 1 5))
        (func (export "own") (result f32 v128) unreachable) (global (mut f64) (f64.const 1)) (table 3 funcref)
        (func $start) (start $start) (@custom "note" "abc"))`.replace(/\(@custom[^)]*\)/, "")
      )
    )
    expect(decoded.imports.map(({ module, field, kind, index }) => [module, field, kind, index])).toEqual([
      ["m", "f", "function", 0],
      ["m", "g", "global", 0],
      ["m", "t", "table", 0],
      ["m", "memory", "memory", 0]
    ])
    expect(decoded.imported).toEqual({ function: 1, global: 1, table: 1, memory: 1 })
    expect(Module.functionType(decoded, 0)).toEqual({ params: ["i32", "f64"], results: ["i64"] })
    expect(Module.functionType(decoded, 1)).toEqual({ params: [], results: ["f32", "v128"] })
    expect(decoded.globals).toEqual([
      { type: 0x7f, mutable: false },
      { type: 0x7c, mutable: true }
    ])
    expect(decoded.tables).toEqual([
      { type: 0x6f, min: 1, max: 2 },
      { type: 0x70, min: 3, max: undefined }
    ])
    expect(decoded.memories).toEqual([{ min: 1, max: 5 }])
    expect(decoded.exports).toEqual([{ name: "own", kind: "function", index: 1 }])
    expect(decoded.start).toBe(2)
  })

  it("wants the header of version 1", () => {
    expect(decoding(Module.magic)).toBe("accepted")
    expect(decoding(new Uint8Array())).toContain("malformed: it does not begin with the header")
    expect(decoding(Module.magic.subarray(0, 7))).toContain("malformed: it does not begin with the header")
    expect(decoding(Uint8Array.of(0, 0x61, 0x73, 0x6d, 13, 0, 1, 0))).toContain("malformed: it does not begin with")
  })

  it("wants known sections, once, in order, of their stated length", () => {
    expect(decoding(module(type, [3, 0], [12, 0], [10, 0]))).toBe("accepted")
    expect(decoding(module([3, 0], type))).toContain("section 1 stands twice or in the wrong place")
    expect(decoding(module(type, type))).toContain("section 1 stands twice or in the wrong place")
    expect(decoding(module([10, 0], [12, 0]))).toContain("section 12 stands twice or in the wrong place")
    for (const id of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]) {
      expect(decoding(module([id]))).toContain(`section ${id} has no content`)
    }
    expect(decoding(module([14, 0]))).toContain("no section with the number 14")
    expect(decoding(module([1, 1, 0x60, 0, 0, 0]))).toContain("the section of types has 1 bytes too many")
    expect(decoding(module(type).subarray(0, -1))).toContain("ends in the middle")
    expect(decoding(Uint8Array.of(...Module.magic, 1, 0xff, 0xff, 0xff, 0xff, 0x0f))).toContain("ends in the middle")
  })

  it("knows no index that is not there", () => {
    expect(decoding(module(type, [3, 1, 1]))).toContain("there is no type 1")
    expect(decoding(module(type, [7, 1, 1, 0x61, 0, 0]))).toContain("there is no function 0")
    expect(decoding(module(type, [7, 1, 1, 0x61, 3, 0]))).toContain("there is no global 0")
    expect(decoding(module(type, [8, 0]))).toContain("there is no function 0")
    expect(decoding(module([1, 1, 0x60, 1, 0x7f, 0], [3, 1, 0], [8, 0]))).toContain(
      "the start function takes or returns"
    )
    const body = (...code: ReadonlyArray<number>) => module(type, [3, 1, 0], [10, 1, code.length + 2, 0, ...code, 0x0b])
    expect(rewriting(body(0x01))).toBe("accepted")
    // Index 0 is the fuel here, behind the module's globals; function 1, type 1 and local 0 would be ours, too.
    expect(rewriting(body(0x42, 0, 0x24, 0))).toContain("malformed: there is no global 0")
    expect(rewriting(body(0x23, 0, 0x1a))).toContain("malformed: there is no global 0")
    expect(rewriting(body(0x10, 1))).toContain("malformed: there is no function 1")
    expect(rewriting(body(0xd2, 1, 0x1a))).toContain("malformed: there is no function 1")
    expect(rewriting(body(0x02, 1, 0x0b))).toContain("malformed: there is no type 1")
    expect(rewriting(body(0x41, 0, 0x11, 1, 0))).toContain("malformed: there is no type 1")
    expect(rewriting(body(0x20, 0, 0x1a))).toContain("malformed: there is no local 0")
    expect(rewriting(body(0x0c, 1))).toContain("malformed: there is no label 1")
    expect(rewriting(body(0x05))).toContain("malformed: there is an else without an if")
    expect(
      rewriting(module(type, [3, 1, 0], [4, 1, 0x70, 0, 1], [9, 1, 0, 0x41, 0, 0x0b, 1, 1], [10, 1, 2, 0, 0x0b]))
    ).toContain("there is no function 1")
    expect(rewriting(module([4, 1, 0x70, 0, 1], [6, 1, 0x70, 0, 0xd2, 0, 0x0b]))).toContain("there is no function 0")
  })

  it("wants as many bodies as functions, each of its stated length", () => {
    expect(rewriting(module(type, [3, 1, 0]))).toContain("it declares 1 functions and has 0 bodies")
    expect(rewriting(module(type, [10, 1, 2, 0, 0x0b]))).toContain("it declares 0 functions and has 1 bodies")
    expect(rewriting(module(type, [3, 1, 0], [10, 1, 3, 0, 0x0b, 0x0b]))).toContain(
      "a function body has 1 bytes too many"
    )
    expect(rewriting(module(type, [3, 1, 0], [10, 1, 2, 0, 0x01]))).toContain("ends in the middle")
  })

  it("refuses more of anything than its limit, and accepts the limit", () => {
    const locals = (count: number) =>
      module(type, [3, 1, 0], [10, 1, leb128(count).length + 4, 1, ...leb128(count), 0x7f, 0, 0x0b])
    const body = (count: number, content: ReadonlyArray<number>) =>
      module(type, [3, 1, 0], [10, 1, ...leb128(content.length), ...content]).subarray(0, count < 0 ? 0 : undefined)
    const nested = (depth: number) => body(0, [0, ...times(depth, 0x02, 0x40), ...times(depth, 0x0b), 0x0b])
    const targets = (count: number) => body(0, [0, 0x41, 0, 0x0e, ...leb128(count), ...times(count, 0), 0, 0x0b])
    const edges: ReadonlyArray<readonly [what: string, max: number, make: (count: number) => Uint8Array]> = [
      ["types", Limits.typesMax, (count) => module([1, ...leb128(count), ...times(count, 0x60, 0, 0)])],
      ["parameters", Limits.parametersMax, (count) => module([1, 1, 0x60, ...leb128(count), ...times(count, 0x7f), 0])],
      ["results", Limits.parametersMax, (count) => module([1, 1, 0x60, 0, ...leb128(count), ...times(count, 0x7f)])],
      ["imports", Limits.importsMax, (count) => module(type, [2, ...leb128(count), ...times(count, 0, 0, 0, 0)])],
      ["functions", Limits.functionsMax, (count) => module(type, [3, ...leb128(count), ...times(count, 0)])],
      ["tables", Limits.tablesMax, (count) => module([4, ...leb128(count), ...times(count, 0x70, 0, 0)])],
      ["globals", Limits.globalsMax, (count) => module([6, ...leb128(count), ...times(count, 0x7f, 0, 0x41, 0, 0x0b)])],
      [
        "exports",
        Limits.exportsMax,
        (count) => module([4, 1, 0x70, 0, 0], [7, ...leb128(count), ...times(count, 0, 1, 0)])
      ],
      [
        "custom sections",
        Limits.customSectionsMax,
        (count) => module(...Array.from({ length: count }, (): Section => [0, 0]))
      ]
    ]
    for (const [what, max, make] of edges) {
      expect([what, decoding(make(max))]).toEqual([what, "accepted"])
      expect([what, decoding(make(max + 1))]).toEqual([what, expect.stringMatching(`^refused: .*${what}`)])
    }
    const bodies: ReadonlyArray<readonly [what: string, max: number, make: (count: number) => Uint8Array]> = [
      ["locals", Limits.localsMax, locals],
      ["deep", Limits.nestingMax - 1, nested],
      ["targets of a br_table", Limits.labelsMax, targets],
      [
        "element segments",
        Limits.segmentsMax,
        (count) => module([4, 1, 0x70, 0, 0], [9, ...leb128(count), ...times(count, 0, 0x41, 0, 0x0b, 0)])
      ],
      [
        "data segments",
        Limits.segmentsMax,
        (count) => module([5, 1, 0, 0], [11, ...leb128(count), ...times(count, 1, 0)])
      ]
    ]
    for (const [what, max, make] of bodies) {
      expect([what, rewriting(make(max))]).toEqual([what, "accepted"])
      expect([what, rewriting(make(max + 1))]).toEqual([what, expect.stringMatching(`^refused: .*${what}`)])
    }
  })

  it("refuses a file above its limit of bytes", () => {
    const file = module([0, 1, 0x61, 0, 0, 0])
    expect(reason(() => Module.decodeUnsafe(file, file.length))).toBe("accepted")
    expect(reason(() => Module.decodeUnsafe(file, file.length - 1))).toBe(
      `refused: it has ${file.length} bytes, and ${file.length - 1} are allowed`
    )
  })
})
