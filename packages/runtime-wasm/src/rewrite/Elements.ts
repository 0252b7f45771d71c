/**
 * Element segments and initial values of globals, which name functions: they are copied with each function replaced by
 * the one that stands in for it, and these functions are noted as reached by other ways than `call`.
 */
import * as Limits from "../Limits.ts"
import { Instruction, readReferenceType } from "./Instruction.ts"
import { type Module, passConstant, readIndex, Section } from "./Module.ts"
import { Op } from "./Opcode.ts"
import type { Reader } from "./Reader.ts"
import type { Writer } from "./Writer.ts"

/** What copying needs to know and where it notes what it saw. */
export interface Functions {
  /** For each function of the module, the one that stands in for it. */
  readonly targets: ReadonlyArray<number>
  /** 1 for each function that was seen. */
  readonly reachedIndirectly: Uint8Array
}

/** Writes the element segments without their number, and returns it. */
export const writeElements = (into: Writer, module: Module, functions: Functions): number => {
  const reader = module.section(Section.element)
  const count = reader.atEnd() ? 0 : reader.count("element segments", Limits.segmentsMax)
  for (let at = 0; at < count; at++) writeElement(into, reader, functions)
  reader.done("the section of element segments")
  return count
}

/** Writes a segment that puts nothing into a table, but makes references to these functions valid. */
export const writeDeclaration = (into: Writer, functions: ReadonlyArray<number>): void => {
  into.u8(declarative)
  into.u8(functionKind)
  into.u32(functions.length)
  for (const index of functions) into.u32(index)
}

/** Writes the initial values of the module's own globals with their types, without their number. */
export const writeGlobals = (into: Writer, module: Module, functions: Functions): void => {
  const reader = module.section(Section.global)
  if (reader.atEnd()) return
  for (let count = reader.u32(); count > 0; count--) {
    into.slice(reader.take(2))
    copyConstant(into, reader, functions)
  }
}

// Flags of a segment (https://webassembly.github.io/spec/core/binary/modules.html#element-section).
const notActive = 1
const explicitTable = 2
const expressions = 4
const declarative = 3
const functionKind = 0

const writeElement = (into: Writer, reader: Reader, functions: Functions): void => {
  const flags = reader.u32()
  if (flags > 7) reader.fail(`${flags} is no kind of an element segment`)
  into.u32(flags)
  if ((flags & notActive) === 0) {
    if ((flags & explicitTable) !== 0) into.u32(reader.u32())
    copyConstant(into, reader, functions)
  }
  if ((flags & (notActive | explicitTable)) !== 0) {
    if ((flags & expressions) !== 0) into.u8(readReferenceType(reader))
    else if (reader.u8() === functionKind) into.u8(functionKind)
    else reader.fail("an element segment has something else than functions", reader.position - 1)
  }
  const count = reader.count("entries of an element segment", Limits.tableEntriesMax)
  into.u32(count)
  for (let at = 0; at < count; at++) {
    if ((flags & expressions) !== 0) copyConstant(into, reader, functions)
    else into.u32(target(reader, functions))
  }
}

const target = (reader: Reader, { targets, reachedIndirectly }: Functions): number => {
  const index = readIndex(reader, targets.length, "function")
  reachedIndirectly[index] = 1
  return targets[index]!
}

const instruction = new Instruction()

const copyConstant = (into: Writer, reader: Reader, functions: Functions): void => {
  let copied = reader.position
  passConstant(reader, instruction, ({ opcode, start }) => {
    if (opcode !== Op.refFunc) return
    into.slice(reader.bytes, copied, start + 1)
    reader.position = start + 1
    into.u32(target(reader, functions))
    copied = reader.position
  })
  into.slice(reader.bytes, copied, reader.position)
}
