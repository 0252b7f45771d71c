import { describe, expect, it } from "@effect/vitest"
import * as Instruction from "../../src/rewrite/Instruction.ts"
import * as Module from "../../src/rewrite/Module.ts"
import { Op } from "../../src/rewrite/Opcode.ts"
import { Reader } from "../../src/rewrite/Reader.ts"
import * as Rewrite from "../../src/rewrite/Rewrite.ts"
import { Writer } from "../../src/rewrite/Writer.ts"
import { assemble } from "../support/Assemble.ts"
import { instructions, moduleWith } from "../support/Instructions.ts"

/** The body of the last function, from its first instruction on. */
const lastBody = (bytes: Uint8Array, ours: number): Uint8Array => {
  const reader = Module.decodeUnsafe(bytes).section(Module.Section.code)
  let body = new Reader(bytes, 0, 0)
  for (let count = reader.u32() - ours; count > 0; count--) body = reader.within(reader.u32())
  for (let groups = body.u32(); groups > 0; groups--) {
    body.u32()
    body.u8()
  }
  return body.rest()
}

const leb128 = (value: number): Uint8Array => {
  const writer = new Writer()
  writer.u32(value)
  return writer.toBytes()
}

const contains = (bytes: Uint8Array, part: Uint8Array): boolean => Buffer.from(bytes).indexOf(Buffer.from(part)) >= 0

describe("Instruction", () => {
  it("reads each instruction to its last byte and not further, and knows no others", () => {
    const instruction = new Instruction.Instruction()
    const seen = new Set<number>()
    for (const text of instructions) {
      const body = lastBody(assemble(moduleWith(text)), 0)
      const reader = new Reader(body)
      const opcodes: Array<number> = []
      while (!reader.atEnd()) {
        Instruction.read(reader, instruction)
        opcodes.push(instruction.opcode)
        seen.add(instruction.opcode)
      }
      expect([text, opcodes[0], opcodes.at(-2), opcodes.at(-1)]).toEqual([text, 0, 0, Op.end])
    }
    const known = (...opcode: ReadonlyArray<number>): boolean => {
      try {
        // Zeros are valid immediates of every instruction.
        Instruction.read(new Reader(Uint8Array.of(...opcode, ...new Uint8Array(20))), instruction)
        return true
      } catch {
        return false
      }
    }
    for (let byte = 0; byte < 256; byte++) {
      // But for ref.null, which wants a type.
      const immediate = byte === 0xd0 ? [0x70] : []
      if (byte < 0xfc) expect([byte, known(byte, ...immediate)]).toEqual([byte, seen.has(byte)])
      expect([byte, known(0xfc, ...leb128(byte))]).toEqual([byte, seen.has(0xfc00 | byte)])
      expect([byte, known(0xfd, ...leb128(byte))]).toEqual([byte, seen.has(0xfd00 | byte)])
    }
    for (const prefix of [0xfc, 0xfd]) {
      for (const opcode of [0x100, 0x10a, 0x1000, 0xffff_ffff]) expect(known(prefix, ...leb128(opcode))).toBe(false)
    }
  })

  it("comes out of the rewriter as it went in", () => {
    for (const text of instructions) {
      const plain = assemble(moduleWith(text))
      expect([text, WebAssembly.validate(plain)]).toEqual([text, true])
      for (const canonicalNan of [true, false]) {
        const { bytes } = Rewrite.rewriteUnsafe(plain, { canonicalNan })
        expect([text, WebAssembly.validate(bytes)]).toEqual([text, true])
        const before = lastBody(plain, 0).subarray(1, -2)
        const ours = Module.decodeUnsafe(bytes).functions.length - Module.decodeUnsafe(plain).functions.length
        // `if` and `br_if` are followed by a charge where something is to be paid; in dead code nothing is.
        expect([text, contains(lastBody(bytes, ours), before)]).toEqual([text, true])
      }
    }
  })
})
