/**
 * Decodes one instruction with its immediates, of the allowed features only
 * (https://webassembly.github.io/spec/core/binary/instructions.html).
 *
 * It knows the shape of an instruction, not its meaning for the stack: whether a body is well typed is for the engine
 * to say. What it does guarantee is that it reads the same instructions as the engine will.
 */
import { labelsMax } from "../Limits.ts"
import * as Feature from "./Feature.ts"
import { Op, valueTypes } from "./Opcode.ts"
import type { Reader } from "./Reader.ts"

/** Reads a value type. Returns its byte. */
export const readValueType = (reader: Reader): number => {
  const byte = reader.u8()
  if (!(byte in valueTypes)) {
    const feature = Feature.ofType(byte)
    if (feature !== undefined) Feature.refuse(feature)
    reader.fail(`0x${byte.toString(16)} is no type of a value`, reader.position - 1)
  }
  return byte
}

/** Reads a reference type. Returns its byte. */
export const readReferenceType = (reader: Reader): number => {
  const byte = readValueType(reader)
  if (byte !== 0x70 && byte !== 0x6f) reader.fail("a reference type is needed here", reader.position - 1)
  return byte
}

/** One instruction, filled again by each `read`: a body has a million of them. */
export class Instruction {
  /** With its prefix: `Op`. */
  opcode = 0
  /** Offset of its first byte. */
  start = 0
  /** Its first index (of a label, function, type, local, global, table, segment or memory), where it has one. */
  index = 0
  /** The second one: the table of `call_indirect` and `table.init`, the source of `table.copy`. */
  indexSecond = 0
  /** Labels of `br_table`: the first `targetCount`, the default last. */
  targets = new Uint32Array(16)
  targetCount = 0
}

// What follows a first opcode byte.
const shapes = {
  unknown: 0,
  none: 1,
  block: 2,
  index: 3,
  brTable: 4,
  twoIndices: 5,
  memoryArgument: 6,
  memory: 7,
  s32: 8,
  s64: 9,
  bytes4: 10,
  bytes8: 11,
  heapType: 12,
  selectTypes: 13,
  numericPrefix: 14,
  vectorPrefix: 15
} as const

const shapeOf = new Uint8Array(256)
const shape = (kind: number, first: number, last = first) => shapeOf.fill(kind, first, last + 1)
shape(shapes.none, 0x00, 0x01)
shape(shapes.block, 0x02, 0x04)
shape(shapes.none, 0x05)
shape(shapes.none, 0x0b)
shape(shapes.index, 0x0c, 0x0d)
shape(shapes.brTable, 0x0e)
shape(shapes.none, 0x0f)
shape(shapes.index, 0x10)
shape(shapes.twoIndices, 0x11)
shape(shapes.none, 0x1a, 0x1b)
shape(shapes.selectTypes, 0x1c)
shape(shapes.index, 0x20, 0x26)
shape(shapes.memoryArgument, 0x28, 0x3e)
shape(shapes.memory, 0x3f, 0x40)
shape(shapes.s32, 0x41)
shape(shapes.s64, 0x42)
shape(shapes.bytes4, 0x43)
shape(shapes.bytes8, 0x44)
shape(shapes.none, 0x45, 0xc4)
shape(shapes.heapType, 0xd0)
shape(shapes.none, 0xd1)
shape(shapes.index, 0xd2)
shape(shapes.numericPrefix, 0xfc)
shape(shapes.vectorPrefix, 0xfd)

/** Reads the next instruction. Throws `ModuleRefused` for one of a refused feature, `ModuleMalformed` for no instruction. */
export const read = (reader: Reader, into: Instruction): void => {
  into.start = reader.position
  const opcode = reader.u8()
  into.opcode = opcode
  switch (shapeOf[opcode]) {
    case shapes.none:
      return
    case shapes.index:
      into.index = reader.u32()
      return
    case shapes.memoryArgument:
      readMemoryArgument(reader)
      return
    case shapes.s32:
      reader.s32()
      return
    case shapes.s64:
      reader.skipS64()
      return
    case shapes.block:
      readBlockType(reader, into)
      return
    case shapes.bytes4:
      reader.skip(4)
      return
    case shapes.bytes8:
      reader.skip(8)
      return
    case shapes.twoIndices:
      into.index = reader.u32()
      into.indexSecond = reader.u32()
      return
    case shapes.brTable:
      readTargets(reader, into)
      return
    case shapes.memory:
      readMemoryIndex(reader)
      return
    case shapes.heapType:
      readHeapType(reader)
      return
    case shapes.selectTypes:
      for (let count = reader.count("types of a select", 1); count > 0; count--) readValueType(reader)
      return
    case shapes.numericPrefix:
      readNumeric(reader, into)
      return
    case shapes.vectorPrefix:
      readVector(reader, into)
      return
    default:
      return unknown(reader, into, Feature.ofOpcode(opcode))
  }
}

const unknown = (reader: Reader, into: Instruction, feature: string | undefined): never =>
  feature === undefined
    ? reader.fail(`0x${into.opcode.toString(16)} is no instruction`, into.start)
    : Feature.refuse(feature)

/** `index` of a block without a type index. */
export const noTypeIndex = 0xffff_ffff

const readBlockType = (reader: Reader, into: Instruction): void => {
  const byte = reader.u8()
  into.index = noTypeIndex
  if (byte === 0x40 || byte in valueTypes) return
  const feature = Feature.ofType(byte)
  if (feature !== undefined) Feature.refuse(feature)
  reader.position--
  into.index = reader.typeIndex()
}

const readHeapType = (reader: Reader): void => {
  // A number that is not negative is the index of a type.
  if ((reader.peek() & 0x40) === 0 || reader.peek() >= 0x80) Feature.refuse("typed function references")
  readReferenceType(reader)
}

const readTargets = (reader: Reader, into: Instruction): void => {
  const count = reader.count("targets of a br_table", labelsMax) + 1
  if (count > into.targets.length) into.targets = new Uint32Array(count * 2)
  for (let at = 0; at < count; at++) into.targets[at] = reader.u32()
  into.targetCount = count
}

const readMemoryArgument = (reader: Reader): void => {
  const alignment = reader.u32()
  if ((alignment & 0x40) !== 0) Feature.refuse("more than one memory")
  reader.u32()
}

const readMemoryIndex = (reader: Reader): void => {
  if (reader.u32() !== 0) Feature.refuse("more than one memory")
}

const readNumeric = (reader: Reader, into: Instruction): void => {
  const opcode = reader.u32()
  into.opcode = 0xfc00 | opcode
  if (opcode <= 0x07) return
  if (opcode > 0xff) unknown(reader, into, undefined)
  switch (into.opcode) {
    case Op.memoryInit:
      into.index = reader.u32()
      return readMemoryIndex(reader)
    case Op.memoryCopy:
      readMemoryIndex(reader)
      return readMemoryIndex(reader)
    case Op.memoryFill:
      return readMemoryIndex(reader)
    case Op.tableInit:
    case Op.tableCopy:
      into.index = reader.u32()
      into.indexSecond = reader.u32()
      return
    case 0xfc09: // data.drop
    case 0xfc0d: // elem.drop
    case Op.tableGrow:
    case Op.tableSize:
    case Op.tableFill:
      into.index = reader.u32()
      return
    default:
      return unknown(reader, into, Feature.ofNumericOpcode(opcode))
  }
}

// Numbers below 0x100 that the SIMD proposal left without an instruction.
const vectorGaps = new Set([
  0x9a, 0xa2, 0xa5, 0xa6, 0xaf, 0xb0, 0xb2, 0xb3, 0xb4, 0xbb, 0xc2, 0xc5, 0xc6, 0xcf, 0xd0, 0xd2, 0xd3, 0xd4, 0xe2, 0xee
])

const readVector = (reader: Reader, into: Instruction): void => {
  const opcode = reader.u32()
  into.opcode = 0xfd00 | opcode
  if (opcode > 0xff || vectorGaps.has(opcode)) unknown(reader, into, Feature.ofVectorOpcode(opcode))
  if (opcode <= 0x0b || opcode === 0x5c || opcode === 0x5d) readMemoryArgument(reader)
  else if (opcode <= 0x0d) reader.skip(16)
  else if (opcode >= 0x15 && opcode <= 0x22) reader.skip(1)
  else if (opcode >= 0x54 && opcode <= 0x5b) {
    readMemoryArgument(reader)
    reader.skip(1)
  }
}
