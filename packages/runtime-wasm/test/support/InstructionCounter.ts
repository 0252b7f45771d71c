/**
 * The slow and obvious meter: a counter that goes up before every single instruction. The judge of the fast one for
 * modules that no test wrote, such as QuickJS.
 */
import { Instruction, read } from "@continuum/runtime-wasm/rewrite/Instruction"
import * as Module from "@continuum/runtime-wasm/rewrite/Module"
import { Op } from "@continuum/runtime-wasm/rewrite/Opcode"
import { Writer } from "@continuum/runtime-wasm/rewrite/Writer"

export const counterExport = "counter"

const free: ReadonlyArray<number> = [Op.block, Op.else, Op.end]
const byLength: ReadonlyArray<number> = [Op.memoryFill, Op.memoryCopy, Op.memoryInit]

/** The module with an exported global that counts what it executes, by the metering rule. For modules without tables that grow. */
export const counting = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => {
  const module = Module.decodeUnsafe(bytes)
  const counter = module.globals.length
  const out = new Writer(bytes.length * 4)
  out.slice(Module.magic)
  const section = (id: number, write: (into: Writer) => void): void => {
    const content = new Writer()
    write(content)
    out.u8(id)
    out.u32(content.length)
    out.writer(content)
  }
  const extended = (id: number, write: (into: Writer) => void) => {
    const reader = module.section(id)
    const count = reader.atEnd() ? 0 : reader.u32()
    section(id, (into) => {
      into.u32(count + 1)
      into.slice(reader.rest())
      write(into)
    })
  }
  for (const id of [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11]) {
    if (id === Module.Section.global) extended(id, (into) => into.slice(Uint8Array.of(0x7e, 1, Op.i64Const, 0, Op.end)))
    else if (id === Module.Section.export) {
      extended(id, (into) => {
        into.name(counterExport)
        into.u8(3)
        into.u32(counter)
      })
    } else if (id === Module.Section.code) section(id, (into) => writeCode(into, module, counter))
    else {
      const content = module.section(id).rest()
      if (content.length > 0) section(id, (into) => into.slice(content))
    }
  }
  return out.toBytes()
}

const writeCode = (into: Writer, module: Module.Module, counter: number): void => {
  const reader = module.section(Module.Section.code)
  const instruction = new Instruction()
  const count = reader.u32()
  into.u32(count)
  for (let at = 0; at < count; at++) {
    const body = reader.within(reader.u32())
    const code = new Writer()
    const groups = body.u32()
    let declared = 0
    code.u32(groups + 1)
    for (let group = 0; group < groups; group++) {
      const locals = body.u32()
      declared += locals
      code.u32(locals)
      code.u8(body.u8())
    }
    const type = module.types[module.functions[module.imported.function + at]!]!
    const scratch = type.params.length + declared
    code.slice(Uint8Array.of(1, 0x7f))
    const add = (write: () => void): void => {
      code.u8(Op.globalGet)
      code.u32(counter)
      write()
      code.u8(Op.i64Add)
      code.u8(Op.globalSet)
      code.u32(counter)
    }
    const constant = (value: number) => (): void => {
      code.u8(Op.i64Const)
      code.unsignedAsS64(value)
    }
    add(constant(1 + Math.floor(declared / 16)))
    while (!body.atEnd()) {
      read(body, instruction)
      if (!free.includes(instruction.opcode)) add(constant(1))
      if (byLength.includes(instruction.opcode)) {
        code.u8(Op.localTee)
        code.u32(scratch)
        add(() => {
          code.u8(Op.localGet)
          code.u32(scratch)
          code.slice(Uint8Array.of(Op.i64ExtendI32U, Op.i64Const, 3, Op.i64ShrU))
        })
      }
      code.slice(body.bytes, instruction.start, body.position)
    }
    into.u32(code.length)
    into.writer(code)
  }
}
