/**
 * Deterministic metering: the instructions that a rewritten module executes to pay for itself.
 *
 * The rule (docs/PROTOCOL.md): one unit of fuel for each instruction executed, except `block`, `else` and `end`, which
 * engines drop (an empty `loop`, entered for nothing, kept Bun's interpreter busy for 10 ns);
 * `1 + floor(locals / 16)` more for each call of a function of the module; for an instruction that works on a length,
 * that length besides. A run that ends by itself has paid exactly this, wherever the charges stand in the code. What
 * is left is in an exported global that the module's own code cannot name; a run that brings it below zero is stopped
 * by `unreachable`, and a run that leaves it below zero has used more than it was given.
 */
import type { Additions } from "./Additions.ts"
import { I32, I64, Op } from "./Opcode.ts"
import { Writer } from "./Writer.ts"

/** Name of the exported global: a mutable i64. The host sets it before a run and reads after it what is left. */
export const fuelExport = "continuum.fuel"

/** Name under which the start function is exported, since instantiation itself must not run code that is not paid. */
export const startExport = "continuum.start"

/** Fuel of entering a function: the engine must make room for its locals, and fill them with zeros. */
export const entryCost = (locals: number): number => 1 + Math.floor(locals / localsPerUnit)

/** Locals are zeroed 128 bytes a unit. Chosen, not measured; below 16 locals they live in registers mostly. */
const localsPerUnit = 16

/**
 * A function of at most this cost that has no loop and calls no function of the module is paid by its callers, if it is
 * called directly only: array accessors of AssemblyScript are such. Bounds what one unbroken stretch of code can spend
 * between two checks. Chosen, not measured.
 */
export const prepaidCostMax = 64

/** A unit pays for 8 bytes that are filled, copied or made: what one `i64.store` moves. */
const bytesPerUnitLog2 = 3
const pageBytesLog2 = 16

/** Writes the charge of a segment; with `check`, the run stops when nothing is left. */
export const writeCharge = (code: Writer, fuelGlobal: number, cost: number, check: boolean): void => {
  if (cost > 0) {
    code.u8(Op.globalGet)
    code.u32(fuelGlobal)
    code.u8(Op.i64Const)
    code.unsignedAsS64(cost)
    code.u8(Op.i64Sub)
    code.u8(Op.globalSet)
    code.u32(fuelGlobal)
  }
  if (check) writeCheck(code, fuelGlobal)
}

const writeCheck = (code: Writer, fuelGlobal: number): void => {
  code.u8(Op.globalGet)
  code.u32(fuelGlobal)
  code.u8(Op.i64Const)
  code.u8(0)
  code.u8(Op.i64LtS)
  code.u8(Op.if)
  code.u8(emptyBlock)
  code.u8(Op.unreachable)
  code.u8(Op.end)
}

const emptyBlock = 0x40

/**
 * Functions that are called right before an instruction that works on a length, with that length: they charge for it,
 * stop the run when too little is left, and give the length back.
 */
export class LengthCharges {
  readonly #made = new Map<string, number>()
  readonly #additions: Additions
  readonly #fuelGlobal: number
  #type: number | undefined

  constructor(additions: Additions, fuelGlobal: number) {
    this.#additions = additions
    this.#fuelGlobal = fuelGlobal
  }

  /** For `memory.fill`, `memory.copy` and `memory.init`: a unit for each 8 bytes, rounded down. */
  bytes(): number {
    return this.#make("bytes", (code) => {
      this.#writeLength(code)
      writeShift(code, Op.i64ShrU, bytesPerUnitLog2)
      this.#writePay(code)
    })
  }

  /** For `table.fill`, `table.copy` and `table.init`: a unit for each entry. */
  entries(): number {
    return this.#make("entries", (code) => {
      this.#writeLength(code)
      this.#writePay(code)
    })
  }

  /** For `memory.grow`: a unit for each 8 bytes of the grown memory, which an engine may have to copy. */
  memoryGrow(pagesMax: number): number {
    return this.#make("memory.grow", (code) =>
      this.#writeGrow(code, Uint8Array.of(Op.memorySize, 0), pagesMax, pageBytesLog2 - bytesPerUnitLog2)
    )
  }

  /** For `table.grow`: a unit for each entry of the grown table. */
  tableGrow(table: number, entriesMax: number): number {
    return this.#make(`table.grow ${table}`, (code) => {
      const size = new Writer(8)
      size.u8(Op.tableSize >> 8)
      size.u8(Op.tableSize & 0xff)
      size.u32(table)
      this.#writeGrow(code, size.view(), entriesMax, 0)
    })
  }

  #make(key: string, write: (code: Writer) => void): number {
    const known = this.#made.get(key)
    if (known !== undefined) return known
    this.#type ??= this.#additions.addType([I32], [I32])
    const index = this.#additions.addFunction(this.#type, (code) => {
      // One local of type i64, behind the parameter.
      code.slice(Uint8Array.of(1, 1, I64))
      write(code)
      code.slice(Uint8Array.of(Op.localGet, 0, Op.end))
    })
    this.#made.set(key, index)
    return index
  }

  // Growing beyond the maximum fails at once, so it costs nothing more.
  #writeGrow(code: Writer, size: Uint8Array, max: number, shift: number): void {
    code.slice(size)
    code.u8(Op.i64ExtendI32U)
    this.#writeLength(code)
    code.slice(Uint8Array.of(Op.i64Add, Op.localTee, 1, Op.i64Const))
    code.unsignedAsS64(max)
    code.slice(Uint8Array.of(Op.i64GtU, Op.if, emptyBlock, Op.localGet, 0, Op.return, Op.end, Op.localGet, 1))
    writeShift(code, Op.i64Shl, shift)
    this.#writePay(code)
  }

  #writeLength(code: Writer): void {
    code.slice(Uint8Array.of(Op.localGet, 0, Op.i64ExtendI32U))
  }

  // Takes the cost from the stack.
  #writePay(code: Writer): void {
    code.slice(Uint8Array.of(Op.localSet, 1, Op.globalGet))
    code.u32(this.#fuelGlobal)
    code.slice(Uint8Array.of(Op.localGet, 1, Op.i64Sub, Op.globalSet))
    code.u32(this.#fuelGlobal)
    writeCheck(code, this.#fuelGlobal)
  }
}

const writeShift = (code: Writer, opcode: number, bits: number): void => {
  if (bits > 0) code.slice(Uint8Array.of(Op.i64Const, bits, opcode))
}
