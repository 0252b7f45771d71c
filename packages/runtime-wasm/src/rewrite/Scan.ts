/**
 * First pass over the code: finds out what is to be put where, for `Code.ts` to write.
 *
 * It also refuses every index of a local, global, function or type that the module does not have: ours stand behind
 * them, and an index that was out of range before must not reach them now.
 */
import { ModuleRefused } from "../JitError.ts"
import * as Limits from "../Limits.ts"
import * as Canonical from "./Canonical.ts"
import { Edit, Edits } from "./Edits.ts"
import * as Feature from "./Feature.ts"
import * as Fuel from "./Fuel.ts"
import { Instruction, noTypeIndex, read, readValueType } from "./Instruction.ts"
import { type Module, Section } from "./Module.ts"
import { F32, F64, Op } from "./Opcode.ts"
import type { Reader } from "./Reader.ts"
import { Segments } from "./Segments.ts"

/** What the code is rewritten with. */
export interface Plan {
  readonly module: Module
  /** For each function of the module, the one that stands in for it. */
  readonly targets: ReadonlyArray<number>
  readonly canonicalNan: boolean
  /** Index of the global that holds the fuel. */
  readonly fuelGlobal: number
  readonly lengthCharges: Fuel.LengthCharges
  /** Upper bounds of memory 0 and of each table, as they will be declared. */
  readonly memoryPagesMax: number
  readonly tableEntriesMax: ReadonlyArray<number>
  /** 1 for each function that is reached by other ways than `call`: an export, a table, a declared reference. */
  readonly reachedIndirectly: Uint8Array
}

/** Everything that writing needs. */
export interface Scan {
  readonly plan: Plan
  readonly segments: Segments
  readonly edits: Edits
  readonly bodies: ReadonlyArray<Body>
  /** Whether float SIMD occurs. */
  readonly floatVectors: boolean
  /** Whether `ref.func` occurs. */
  readonly references: boolean
}

/** Where a body is, and what was found in it. The last four are ranges of `segments` and `edits`. */
export interface Body {
  /** Offset of the locals. */
  readonly start: number
  /** Offset of the first instruction. */
  readonly code: number
  readonly end: number
  /** Groups of locals, as declared. */
  readonly groups: number
  /** Parameters and locals: the index of the first local that we add. */
  readonly locals: number
  readonly segment: number
  readonly segmentEnd: number
  readonly edit: number
  readonly editEnd: number
  /** Whether callers may pay for it, unless it is reached in other ways. */
  readonly prepayable: boolean
}

/** Goes over all function bodies. Throws `ModuleMalformed` or `ModuleRefused`. */
export const scan = (plan: Plan): Scan => {
  const { module } = plan
  const reader = module.section(Section.code)
  const scanner = new Scanner(plan)
  const defined = module.functions.length - module.imported.function
  const count = reader.atEnd() ? 0 : reader.count("function bodies", Limits.functionsMax)
  if (count !== defined) reader.fail(`it declares ${defined} functions and has ${count} bodies`)
  const bodies: Array<Body> = []
  for (let at = 0; at < count; at++) {
    bodies.push(scanner.body(reader.within(reader.u32()), module.imported.function + at))
  }
  reader.done("the code section")
  const { segments, edits, floatVectors, references } = scanner
  const found = { plan, segments, edits, bodies, floatVectors, references }
  segments.settle((callee) => {
    const body = bodies[callee - module.imported.function]
    return body !== undefined && isPrepaid(plan, body, callee) ? segments.costs[body.segment]! : 0
  })
  return found
}

/** Whether the callers of a function pay for it. */
export const isPrepaid = (plan: Plan, body: Body, index: number): boolean =>
  body.prepayable && plan.reachedIndirectly[index] === 0

/** 1 for instructions that nothing is done about but to charge them: most of a body. */
const plain = new Uint8Array(0x10000)
const isPlain = (first: number, last = first) => plain.fill(1, first, last + 1)
isPlain(Op.nop)
isPlain(Op.drop, Op.select)
isPlain(Op.i32Load, Op.i64Store)
isPlain(Op.i32Store8, Op.memorySize)
isPlain(Op.i32Const, Op.f32Copysign - 1)
isPlain(Op.f32Copysign + 1, Op.f64Copysign - 1)
isPlain(Op.f64Copysign + 1, Op.i32ReinterpretF32 - 1)

class Scanner {
  readonly segments = new Segments()
  readonly edits = new Edits()
  floatVectors = false
  references = false
  readonly #plan: Plan
  readonly #instruction = new Instruction()
  /** Parameters and locals of the body at hand. */
  #locals = 0
  /** Whether the body at hand calls functions of the module. */
  #calls = false

  constructor(plan: Plan) {
    this.#plan = plan
  }

  body(reader: Reader, index: number): Body {
    const { module } = this.#plan
    const { segments, edits } = this
    const start = reader.position
    const groups = reader.count("groups of locals", Limits.localsMax)
    let declared = 0
    for (let at = 0; at < groups; at++) {
      declared += reader.u32()
      if (declared > Limits.localsMax) {
        throw new ModuleRefused({ reason: `a function has more than ${Limits.localsMax} locals` })
      }
      readValueType(reader)
    }
    this.#locals = module.types[module.functions[index]!]!.params.length + declared
    this.#calls = false
    const instruction = this.#instruction
    const [code, segment, edit] = [reader.position, segments.count, edits.count]
    segments.begin(code, Fuel.entryCost(declared))
    while (!segments.ended()) {
      read(reader, instruction)
      if (plain[instruction.opcode] === 1) segments.charge()
      else {
        this.#visit(reader)
        segments.add(instruction, reader)
      }
    }
    reader.done("a function body")
    return {
      start,
      code,
      end: reader.end,
      groups,
      locals: this.#locals,
      segment,
      segmentEnd: segments.count,
      edit,
      editEnd: edits.count,
      prepayable: !this.#calls && !segments.bodyLoops && segments.bodyCost <= Fuel.prepaidCostMax
    }
  }

  #visit(reader: Reader): void {
    const { module, lengthCharges, canonicalNan } = this.#plan
    const instruction = this.#instruction
    const { opcode, index } = instruction
    switch (opcode) {
      case Op.localGet:
      case Op.localSet:
      case Op.localTee:
        return this.#check(reader, index, this.#locals, "local")
      case Op.globalGet:
        return this.#check(reader, index, module.globals.length, "global")
      case Op.globalSet:
        this.#check(reader, index, module.globals.length, "global")
        break
      case Op.block:
      case Op.loop:
      case Op.if:
        if (index !== noTypeIndex) this.#check(reader, index, module.types.length, "type")
        return
      case Op.call:
        this.#check(reader, index, module.functions.length, "function")
        if (index >= module.imported.function) this.#calls = true
        return this.#point(reader, Edit.call)
      case Op.callIndirect:
        this.#check(reader, index, module.types.length, "type")
        this.#calls = true
        return
      case Op.refFunc:
        this.#check(reader, index, module.functions.length, "function")
        this.references = true
        return this.#point(reader, Edit.reference)
      case Op.memoryFill:
      case Op.memoryCopy:
      case Op.memoryInit:
        return this.#chargeLength(lengthCharges.bytes())
      case Op.tableFill:
      case Op.tableCopy:
      case Op.tableInit:
        return this.#chargeLength(lengthCharges.entries())
      case Op.memoryGrow:
        return this.#chargeLength(lengthCharges.memoryGrow(this.#plan.memoryPagesMax))
      case Op.tableGrow:
        this.#check(reader, index, module.tables.length, "table")
        return this.#chargeLength(lengthCharges.tableGrow(index, this.#plan.tableEntriesMax[index]!))
    }
    if (opcode >> 8 === 0xfd && Feature.isFloatVector(opcode & 0xff)) this.floatVectors = true
    const escaping = canonicalNan ? Canonical.escaping(instruction, module) : 0
    if (escaping === F32) this.edits.add(instruction.start, instruction.start, Edit.canonicalF32)
    if (escaping === F64) this.edits.add(instruction.start, instruction.start, Edit.canonicalF64)
  }

  #check(reader: Reader, index: number, count: number, what: string): void {
    if (index >= count) reader.fail(`there is no ${what} ${index}`, this.#instruction.start)
  }

  #chargeLength(helper: number): void {
    this.edits.add(this.#instruction.start, this.#instruction.start, Edit.call, helper)
  }

  #point(reader: Reader, kind: number): void {
    const target = this.#plan.targets[this.#instruction.index]!
    if (target !== this.#instruction.index) this.edits.add(this.#instruction.start, reader.position, kind, target)
  }
}
