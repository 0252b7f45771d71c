/**
 * NaN canonicalisation: engines may choose the sign and payload of a NaN that arithmetic makes
 * (https://webassembly.github.io/spec/core/exec/numerics.html#nan-propagation), so a module that shows these bits
 * answers differently on each. Here every NaN becomes the positive canonical one before its bits can be seen: where a
 * float is stored in memory or in a global, reinterpreted as an integer, gives its sign in `copysign`, or crosses to the
 * host. Inside the module NaNs travel as they are, which costs nothing.
 *
 * A module that moves other data as floats (NaN boxing by `f64.store`) is changed by this; compilers move such data as
 * integers. Lanes of float SIMD are not covered: such a module is reported as not deterministic.
 */
import type { Additions } from "./Additions.ts"
import type { Instruction } from "./Instruction.ts"
import { F32, F64, Op } from "./Opcode.ts"
import type { Module, Type } from "./Module.ts"
import type { Writer } from "./Writer.ts"

/** The float type of the operand on top of the stack that this instruction lets out, or 0. */
export const escaping = (instruction: Instruction, module: Module): number => {
  switch (instruction.opcode) {
    case Op.f32Store:
    case Op.i32ReinterpretF32:
    case Op.f32Copysign:
      return F32
    case Op.f64Store:
    case Op.i64ReinterpretF64:
    case Op.f64Copysign:
      return F64
    case Op.globalSet: {
      const type = module.globals[instruction.index]!.type
      return isFloat(type) ? type : 0
    }
    default:
      return 0
  }
}

const isFloat = (type: number): boolean => type === F32 || type === F64

/** Writes code that makes the float on top of the stack canonical; `scratch` is a local of its type. */
export const writeCanonical = (code: Writer, type: number, scratch: number): void => {
  code.u8(Op.localTee)
  code.u32(scratch)
  code.slice(type === F32 ? nan32 : nan64)
  // select takes the first operand where the condition holds: the value equals itself unless it is a NaN.
  code.u8(Op.localGet)
  code.u32(scratch)
  code.u8(Op.localGet)
  code.u32(scratch)
  code.u8(type === F32 ? Op.f32Eq : Op.f64Eq)
  code.u8(Op.select)
}

const nan32 = Uint8Array.of(Op.f32Const, 0x00, 0x00, 0xc0, 0x7f)
const nan64 = Uint8Array.of(Op.f64Const, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xf8, 0x7f)

/**
 * Which function stands in for each one of the module: for an import that takes floats, a function that makes them
 * canonical first. Exports, calls, tables and references are pointed at it.
 */
export const wrapImports = (module: Module, additions: Additions): ReadonlyArray<number> =>
  module.functions.map((type, index) =>
    index < module.imported.function && module.types[type]!.params.some(isFloat)
      ? addWrapper(additions, module.types[type]!, type, index, "params")
      : index
  )

/**
 * The function to export in the place of `target`: when it returns floats, one that makes them canonical. `target` is
 * already one that `wrapImports` gave; `index` is the module's own.
 */
export const wrapExport = (module: Module, additions: Additions, index: number, target: number): number => {
  const type = module.functions[index]!
  return module.types[type]!.results.some(isFloat)
    ? addWrapper(additions, module.types[type]!, type, target, "results")
    : target
}

/** Adds a function that calls `target` and makes the floats of one side canonical. */
const addWrapper = (
  additions: Additions,
  type: Type,
  typeIndex: number,
  target: number,
  side: "params" | "results"
): number =>
  additions.addFunction(typeIndex, (code) => {
    const params = type.params.length
    const results = side === "results" ? type.results : new Uint8Array()
    // Locals behind the parameters: scratch of both float types, then the results, which must leave the stack.
    const locals = Uint8Array.of(F32, F64, ...results)
    code.u32(locals.length)
    for (const local of locals) {
      code.u8(1)
      code.u8(local)
    }
    const get = (local: number, valueType: number, canonical: boolean): void => {
      code.u8(Op.localGet)
      code.u32(local)
      if (canonical && isFloat(valueType)) writeCanonical(code, valueType, valueType === F32 ? params : params + 1)
    }
    type.params.forEach((valueType, at) => get(at, valueType, side === "params"))
    code.u8(Op.call)
    code.u32(target)
    for (let at = results.length - 1; at >= 0; at--) {
      code.u8(Op.localSet)
      code.u32(params + 2 + at)
    }
    results.forEach((valueType, at) => get(params + 2 + at, valueType, true))
    code.u8(Op.end)
  })
