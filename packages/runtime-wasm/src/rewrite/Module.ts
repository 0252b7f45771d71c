/**
 * What a module declares, read from its sections up to the code
 * (https://webassembly.github.io/spec/core/binary/modules.html).
 *
 * Counts and features are checked against `Limits.ts` and `Feature.ts` while reading, before anything is kept; whom the
 * module may import from, and how much memory it gets, is `Policy.ts`. Function bodies and segments are only located.
 */
import { ModuleMalformed, ModuleRefused } from "../JitError.ts"
import * as Limits from "../Limits.ts"
import * as Feature from "./Feature.ts"
import * as Instruction from "./Instruction.ts"
import { Op, type ValueType, valueTypes } from "./Opcode.ts"
import { Reader } from "./Reader.ts"

/** A function type as bytes of value types. */
export interface Type {
  readonly params: Uint8Array
  readonly results: Uint8Array
}

/** A function type by names, for people and for `Manifest.ts`. */
export interface FunctionType {
  readonly params: ReadonlyArray<ValueType>
  readonly results: ReadonlyArray<ValueType>
}

/** Bounds of a memory (pages of 64 KiB) or of a table (entries). */
export interface Bounds {
  readonly min: number
  readonly max: number | undefined
}

/** Bounds of a table, in entries, and what it holds. */
export interface Table extends Bounds {
  /** Byte of its reference type. */
  readonly type: number
}

/** Type of a global; its initial value is in the global section. */
export interface Global {
  /** Byte of its value type. */
  readonly type: number
  readonly mutable: boolean
}

/** What can be imported and exported. */
export type Kind = "function" | "table" | "memory" | "global"
const kinds: ReadonlyArray<Kind> = ["function", "table", "memory", "global"]
/** The byte of a kind in the binary format. */
export const kindByte = (kind: Kind): number => kinds.indexOf(kind)

/** An import by its two names. */
export interface Import {
  readonly module: string
  readonly field: string
  readonly kind: Kind
  /** Its index among those of its kind. */
  readonly index: number
}

/** An export by its name. */
export interface Export {
  readonly name: string
  readonly kind: Kind
  readonly index: number
}

/** A section that engines ignore. */
export interface CustomSection {
  readonly name: string
  /** The whole section from its id on, as it stands in the file. */
  readonly bytes: Uint8Array
  /** What follows the name. */
  readonly content: Uint8Array
}

/** Section ids, in the order that the specification demands. */
export const Section = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  dataCount: 12,
  code: 10,
  data: 11
} as const

/** A module as it declares itself. In each array the imported ones come first. */
export interface Module {
  readonly bytes: Uint8Array
  readonly types: ReadonlyArray<Type>
  readonly imports: ReadonlyArray<Import>
  /** How many of each kind are imported. */
  readonly imported: Readonly<Record<Kind, number>>
  /** Type index of each function. */
  readonly functions: ReadonlyArray<number>
  readonly tables: ReadonlyArray<Table>
  readonly memories: ReadonlyArray<Bounds>
  readonly globals: ReadonlyArray<Global>
  readonly exports: ReadonlyArray<Export>
  /** Index of the start function. */
  readonly start?: number
  readonly customs: ReadonlyArray<CustomSection>
  /** A fresh reader of a section's content; empty when there is no such section. */
  readonly section: (id: number) => Reader
}

/** The first eight bytes of every module: `\\0asm` and version 1. */
export const magic = new Uint8Array([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00])

/** Ids of the sections as they follow each other; custom ones may stand anywhere. */
export const sectionOrder: ReadonlyArray<number> = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11]

/** The type of a function by names. */
export const functionType = (module: Module, index: number): FunctionType => {
  const type = module.types[module.functions[index]!]!
  return { params: Array.from(type.params, typeName), results: Array.from(type.results, typeName) }
}

const typeName = (byte: number): ValueType => valueTypes[byte as keyof typeof valueTypes]

/** Reads what a module declares. Throws `ModuleMalformed` or `ModuleRefused`. One pass, linear in its size. */
export const decodeUnsafe = (bytes: Uint8Array, bytesMax = Limits.moduleBytesMax): Module => {
  if (bytes.length > bytesMax) {
    throw new ModuleRefused({ reason: `it has ${bytes.length} bytes, and ${bytesMax} are allowed` })
  }
  if (magic.some((byte, at) => bytes[at] !== byte)) {
    throw new ModuleMalformed({ reason: "it does not begin with the header of a WebAssembly module of version 1" })
  }
  const { ranges, customs } = locateSections(bytes)
  const section = (id: number): Reader => new Reader(bytes, ...(ranges.get(id) ?? [0, 0]))
  const each = (id: number, what: string, max: number, one: (reader: Reader) => void): void => {
    if (!ranges.has(id)) return
    const reader = section(id)
    for (let count = reader.count(what, max); count > 0; count--) one(reader)
    reader.done(`the section of ${what}`)
  }

  const types: Array<Type> = []
  const imports: Array<Import> = []
  const functions: Array<number> = []
  const tables: Array<Table> = []
  const memories: Array<Bounds> = []
  const globals: Array<Global> = []
  const exports: Array<Export> = []
  const add = {
    function: (reader: Reader) => functions.push(readIndex(reader, types.length, "type")) - 1,
    table: (reader: Reader) => tables.push(readTable(reader)) - 1,
    memory: (reader: Reader) => memories.push(readMemory(reader)) - 1,
    global: (reader: Reader) => globals.push(readGlobal(reader)) - 1
  }
  each(Section.type, "types", Limits.typesMax, (reader) => types.push(readType(reader)))
  each(Section.import, "imports", Limits.importsMax, (reader) => {
    const [module, field, kind] = [reader.name(), reader.name(), readKind(reader)]
    imports.push({ module, field, kind, index: add[kind](reader) })
  })
  const imported = {
    function: functions.length,
    table: tables.length,
    memory: memories.length,
    global: globals.length
  }
  each(Section.function, "functions", Limits.functionsMax, add.function)
  each(Section.table, "tables", Limits.tablesMax, add.table)
  each(Section.memory, "memories", Limits.importsMax, add.memory)
  if (memories.length > 1) Feature.refuse("more than one memory")
  const instruction = new Instruction.Instruction()
  each(Section.global, "globals", Limits.globalsMax, (reader) => {
    add.global(reader)
    passConstant(reader, instruction)
  })
  const module = { bytes, types, imports, imported, functions, tables, memories, globals, exports, customs, section }
  each(Section.export, "exports", Limits.exportsMax, (reader) => {
    const [name, kind] = [reader.name(), readKind(reader)]
    exports.push({ name, kind, index: readIndex(reader, spaceOf(module, kind), kind) })
  })
  if (!ranges.has(Section.start)) return module
  const reader = section(Section.start)
  const start = readIndex(reader, functions.length, "function")
  reader.done("the start section")
  const type = types[functions[start]!]!
  if (type.params.length + type.results.length > 0) reader.fail("the start function takes or returns something")
  return { ...module, start }
}

/** How many of a kind there are, imported ones included. */
export const spaceOf = (module: Pick<Module, "functions" | "tables" | "memories" | "globals">, kind: Kind): number =>
  module[spaces[kind]].length

const spaces = { function: "functions", table: "tables", memory: "memories", global: "globals" } as const

/** Passes over a constant expression, which must be one of the first version or of reference types or SIMD. */
export const passConstant = (
  reader: Reader,
  instruction: Instruction.Instruction,
  visit?: (instruction: Instruction.Instruction) => void
): void => {
  for (;;) {
    Instruction.read(reader, instruction)
    switch (instruction.opcode) {
      case Op.end:
        return
      case Op.i32Const:
      case Op.i64Const:
      case Op.f32Const:
      case Op.f64Const:
      case Op.v128Const:
      case Op.globalGet:
      case Op.refNull:
      case Op.refFunc:
        visit?.(instruction)
        break
      case Op.i32Add:
      case Op.i32Sub:
      case Op.i32Mul:
      case Op.i64Add:
      case Op.i64Sub:
      case Op.i64Mul:
        return Feature.refuse("extended constant expressions")
      default:
        reader.fail("a constant expression has an instruction that is not constant", instruction.start)
    }
  }
}

/** Reads an index that must be below `space`. */
export const readIndex = (reader: Reader, space: number, what: string): number => {
  const at = reader.position
  const index = reader.u32()
  if (index >= space) reader.fail(`there is no ${what} ${index}`, at)
  return index
}

const locateSections = (bytes: Uint8Array) => {
  const ranges = new Map<number, readonly [number, number]>()
  const customs: Array<CustomSection> = []
  const reader = new Reader(bytes, magic.length)
  let last = -1
  while (!reader.atEnd()) {
    const start = reader.position
    const id = reader.u8()
    const content = reader.within(reader.u32())
    if (id === Section.custom) {
      if (customs.length === Limits.customSectionsMax) {
        throw new ModuleRefused({ reason: `it has more than ${Limits.customSectionsMax} custom sections` })
      }
      const name = content.name()
      customs.push({ name, bytes: bytes.subarray(start, content.end), content: content.rest() })
      continue
    }
    if (id === 13) Feature.refuse("exception handling")
    const rank = sectionOrder.indexOf(id)
    if (rank < 0) reader.fail(`there is no section with the number ${id}`, start)
    if (rank <= last) reader.fail(`section ${id} stands twice or in the wrong place`, start)
    if (content.atEnd()) content.fail(`section ${id} has no content`)
    last = rank
    ranges.set(id, [content.position, content.end])
  }
  return { ranges, customs }
}

const readType = (reader: Reader): Type => {
  const form = reader.u8()
  if (form !== 0x60) {
    if (form >= 0x4d && form <= 0x5f) Feature.refuse("garbage collection")
    reader.fail(`0x${form.toString(16)} is no form of a type`, reader.position - 1)
  }
  return { params: readTypes(reader, "parameters"), results: readTypes(reader, "results") }
}

const readTypes = (reader: Reader, what: string): Uint8Array => {
  const types = new Uint8Array(reader.count(what, Limits.parametersMax))
  for (let at = 0; at < types.length; at++) types[at] = Instruction.readValueType(reader)
  return types
}

const readKind = (reader: Reader): Kind => {
  const byte = reader.u8()
  if (byte === 4) Feature.refuse("exception handling")
  return kinds[byte] ?? reader.fail(`0x${byte.toString(16)} is no kind of import or export`, reader.position - 1)
}

const readTable = (reader: Reader): Table => {
  if (reader.peek() === 0x40) Feature.refuse("typed function references")
  const type = Instruction.readReferenceType(reader)
  return { type, ...readBounds(reader, "table") }
}

const readMemory = (reader: Reader): Bounds => {
  const bounds = readBounds(reader, "memory")
  if (bounds.min > pagesOfAddressSpace || (bounds.max ?? 0) > pagesOfAddressSpace) {
    reader.fail(`a memory has at most ${pagesOfAddressSpace} pages`)
  }
  return bounds
}

const pagesOfAddressSpace = 65_536

const readBounds = (reader: Reader, what: string): Bounds => {
  const flags = reader.u8()
  const feature = Feature.ofLimits(flags)
  if (feature !== undefined) Feature.refuse(feature)
  if (flags > 1) reader.fail(`these are no limits of a ${what}`, reader.position - 1)
  const min = reader.u32()
  const max = flags === 1 ? reader.u32() : undefined
  if (max !== undefined && max < min) reader.fail(`a ${what} has a maximum below its minimum`)
  return { min, max }
}

const readGlobal = (reader: Reader): Global => {
  const type = Instruction.readValueType(reader)
  const flags = reader.u8()
  if ((flags & 2) !== 0) Feature.refuse("threads")
  if (flags > 1) reader.fail("a global is mutable (1) or not (0)", reader.position - 1)
  return { type, mutable: flags === 1 }
}
