/**
 * Makes a module safe to run: checks what it asks for, makes it pay for what it executes, and makes its NaNs canonical.
 *
 * The rewritten module has the imports and exports of the original, the exported fuel global, and its start function as
 * an export. It does what the original does, or stops. Rewriting is a pure function of bytes and options: each node
 * does it for itself when it loads a module, and trusts no other node's result. Linear in the size of the module.
 */
import type { Effect } from "effect"
import { ModuleMalformed, ModuleRefused } from "../JitError.ts"
import * as Limits from "../Limits.ts"
import { Additions } from "./Additions.ts"
import { attempt } from "./Attempt.ts"
import * as Canonical from "./Canonical.ts"
import * as Code from "./Code.ts"
import * as Elements from "./Elements.ts"
import * as Fuel from "./Fuel.ts"
import * as Module from "./Module.ts"
import { Section } from "./Module.ts"
import { I64, Op } from "./Opcode.ts"
import * as Policy from "./Policy.ts"
import { type Scan, scan as scanCode } from "./Scan.ts"
import * as Sections from "./Sections.ts"
import { Writer } from "./Writer.ts"

/** What a node allows a module. */
export interface Options {
  /** Default: none. */
  readonly imports?: Policy.AllowedImports
  /** Cap of the memory, in pages of 64 KiB. Default `Limits.memoryPagesMax`. */
  readonly memoryPagesMax?: number
  /** Default `Limits.moduleBytesMax`. */
  readonly moduleBytesMax?: number
  /** Whether NaNs are made canonical. Default true; without it nothing is deterministic. */
  readonly canonicalNan?: boolean
}

/** A module that may be run. */
export interface Rewritten {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly info: Info
}

/** What a host needs to know of a module. */
export interface Info {
  readonly imports: ReadonlyArray<{ readonly module: string; readonly field: string } & Entity>
  /** Without the ones that rewriting added. */
  readonly exports: ReadonlyArray<{ readonly name: string } & Entity>
  /** Pages of 64 KiB, as they are declared after rewriting. Absent when the module has no memory. */
  readonly memory: { readonly pagesMin: number; readonly pagesMax: number } | undefined
  /** Entries that its tables can have together, after rewriting. */
  readonly tableEntriesMax: number
  /** Functions defined in the module. */
  readonly functions: number
  /** Whether its start function must be called, as `Fuel.startExport`. */
  readonly start: boolean
  /** Whether every engine gives the same outputs for the same fuel. False where lanes of floats are used. */
  readonly deterministic: boolean
}

interface Entity {
  readonly kind: Module.Kind
  /** Of a function. */
  readonly type?: Module.FunctionType
}

/** Checks and rewrites a module. Fails with `ModuleMalformed` or `ModuleRefused`. */
export const rewrite = (
  bytes: Uint8Array,
  options: Options = {}
): Effect.Effect<Rewritten, ModuleMalformed | ModuleRefused> =>
  attempt([ModuleMalformed, ModuleRefused], () => rewriteUnsafe(bytes, options))

/** The same, at once. Throws what `rewrite` fails with, and nothing else. */
export const rewriteUnsafe = (bytes: Uint8Array, options: Options = {}): Rewritten => {
  const module = Module.decodeUnsafe(bytes, options.moduleBytesMax)
  Policy.checkImports(module, options.imports ?? [])
  Policy.checkExports(module)
  const pagesMax = options.memoryPagesMax ?? Limits.memoryPagesMax
  const memories = module.memories.map((memory) => Policy.boundMemory(memory, pagesMax))
  const tables = module.tables.map(Policy.boundTable)
  checkData(module)

  const canonicalNan = options.canonicalNan ?? true
  const additions = new Additions(module)
  const links = link(module, additions, canonicalNan)
  const fuelGlobal = module.globals.length
  const scan = scanCode({
    module,
    ...links,
    canonicalNan,
    fuelGlobal,
    lengthCharges: new Fuel.LengthCharges(additions, fuelGlobal),
    memoryPagesMax: memories[0]?.max ?? 0,
    tableEntriesMax: tables.map((table) => table.max)
  })
  const bytesOut = write(module, additions, { memories, tables }, links, scan)
  return { bytes: bytesOut, info: describe(module, { memories, tables }, canonicalNan && !scan.floatVectors) }
}

/** How the module's functions are named from outside of its code, after rewriting. */
interface Links {
  /** For each function of the module, the one that stands in for it. */
  readonly targets: ReadonlyArray<number>
  /** 1 for each function that is exported, in a table or in a global: it must pay for itself. */
  readonly reachedIndirectly: Uint8Array
  readonly exports: ReadonlyArray<Module.Export>
  /** Initial values of globals, and element segments, as they will be written. */
  readonly globals: Writer
  readonly elements: Writer
  readonly elementCount: number
}

const link = (module: Module.Module, additions: Additions, canonicalNan: boolean): Links => {
  const targets = canonicalNan ? Canonical.wrapImports(module, additions) : module.functions.map((_, index) => index)
  const reachedIndirectly = new Uint8Array(module.functions.length)
  if (module.start !== undefined) reachedIndirectly[module.start] = 1
  const exports = module.exports.map((one) => {
    if (one.kind !== "function") return one
    reachedIndirectly[one.index] = 1
    const target = targets[one.index]!
    return { ...one, index: canonicalNan ? Canonical.wrapExport(module, additions, one.index, target) : target }
  })
  const [globals, elements] = [new Writer(), new Writer()]
  Elements.writeGlobals(globals, module, { targets, reachedIndirectly })
  const elementCount = Elements.writeElements(elements, module, { targets, reachedIndirectly })
  return { targets, reachedIndirectly, exports, globals, elements, elementCount }
}

/** Memories and tables with the bounds that the policy leaves them. */
interface Bounded {
  readonly memories: ReadonlyArray<Sections.Bounded>
  readonly tables: ReadonlyArray<Module.Table & Sections.Bounded>
}

const write = (
  module: Module.Module,
  additions: Additions,
  { memories, tables }: Bounded,
  links: Links,
  scan: Scan
): Uint8Array<ArrayBuffer> => {
  const out = new Sections.Sections(module.bytes.length * 2)
  const { imported } = module
  out.add(Section.type, module.types.length + additions.types.length, (into) => {
    for (const type of module.types) Sections.writeType(into, type)
    for (const type of additions.types) Sections.writeType(into, type)
  })
  out.add(Section.import, module.imports.length, (into) => {
    for (const one of module.imports) Sections.writeImport(into, module, one, memories, tables)
  })
  const own = module.functions.slice(imported.function)
  out.add(Section.function, own.length + additions.functions.length, (into) => {
    for (const type of own) into.u32(type)
    for (const { type } of additions.functions) into.u32(type)
  })
  out.add(Section.table, tables.length - imported.table, (into) => {
    for (const table of tables.slice(imported.table)) Sections.writeTable(into, table)
  })
  out.add(Section.memory, memories.length - imported.memory, (into) => {
    for (const memory of memories.slice(imported.memory)) Sections.writeBounds(into, memory)
  })
  out.add(Section.global, module.globals.length - imported.global + 1, (into) => {
    into.writer(links.globals)
    into.slice(Uint8Array.of(I64, 1, Op.i64Const, 0, Op.end))
  })
  const added = addedExports(module, links)
  out.add(Section.export, links.exports.length + added.length, (into) => {
    for (const one of links.exports) Sections.writeExport(into, one)
    for (const one of added) Sections.writeExport(into, one)
  })
  const undeclared = scan.references ? noLongerDeclared(module, links) : []
  out.add(Section.element, links.elementCount + Math.min(undeclared.length, 1), (into) => {
    into.writer(links.elements)
    if (undeclared.length > 0) Elements.writeDeclaration(into, undeclared)
  })
  out.copy(Section.dataCount, module)
  out.add(Section.code, own.length + additions.functions.length, (into) => {
    Code.write(into, scan)
    for (const { body } of additions.functions) {
      into.u32(body.length)
      into.slice(body)
    }
  })
  out.copy(Section.data, module)
  for (const { name, bytes } of module.customs) {
    if (name === "name" || name.startsWith(customPrefix)) out.whole(bytes)
  }
  return out.toBytes()
}

const addedExports = (module: Module.Module, { targets }: Links): ReadonlyArray<Module.Export> => {
  const fuel: Module.Export = { name: Fuel.fuelExport, kind: "global", index: module.globals.length }
  if (module.start === undefined) return [fuel]
  return [fuel, { name: Fuel.startExport, kind: "function", index: targets[module.start]! }]
}

/** Functions that may have been referred to because they were exported, in whose place another is exported now. */
const noLongerDeclared = (module: Module.Module, { exports, targets }: Links): ReadonlyArray<number> =>
  module.exports.flatMap((one, at) =>
    one.kind === "function" && exports[at]!.index !== targets[one.index] ? [targets[one.index]!] : []
  )

/** Custom sections of this prefix are ours and stay, and `name` does, for stack traces; all others are dropped. */
const customPrefix = "continuum"

const checkData = (module: Module.Module): void => {
  const reader = module.section(Section.data)
  if (!reader.atEnd()) reader.count("data segments", Limits.segmentsMax)
}

const describe = (module: Module.Module, { memories, tables }: Bounded, deterministic: boolean): Info => {
  const entity = ({ kind, index }: { readonly kind: Module.Kind; readonly index: number }): Entity =>
    kind === "function" ? { kind, type: Module.functionType(module, index) } : { kind }
  const memory = memories[0]
  return {
    imports: module.imports.map((one) => ({ module: one.module, field: one.field, ...entity(one) })),
    exports: module.exports.map((one) => ({ name: one.name, ...entity(one) })),
    memory: memory === undefined ? undefined : { pagesMin: memory.min, pagesMax: memory.max },
    tableEntriesMax: tables.reduce((sum, { max }) => sum + max, 0),
    functions: module.functions.length - module.imported.function,
    start: module.start !== undefined,
    deterministic
  }
}
