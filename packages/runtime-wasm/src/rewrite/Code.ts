/**
 * Second pass over the code: writes each function body with its charges and what else `Scan.ts` found to put in.
 * Everything between two places is copied as it stands.
 */
import { ModuleRefused } from "../JitError.ts"
import * as Limits from "../Limits.ts"
import * as Canonical from "./Canonical.ts"
import { Edit, type Edits } from "./Edits.ts"
import * as Fuel from "./Fuel.ts"
import { F32, F64, Op } from "./Opcode.ts"
import { type Body, isPrepaid, type Plan, type Scan } from "./Scan.ts"
import type { Segments } from "./Segments.ts"
import { Writer } from "./Writer.ts"

/** Writes the body of each function of the module, with its length. Throws `ModuleRefused` for what grew too large. */
export const write = (section: Writer, { plan, segments, edits, bodies }: Scan): void => {
  const code = new Writer(64 * 1024)
  bodies.forEach((body, at) => {
    code.clear()
    const scratch = writeLocals(code, plan.module.bytes, body, edits)
    const prepaid = isPrepaid(plan, body, plan.module.imported.function + at)
    writeInstructions(code, plan, body, segments, edits, scratch, prepaid)
    if (code.length > Limits.functionBytesMax || section.length > Limits.rewrittenBytesMax) {
      throw new ModuleRefused({ reason: "it becomes too large when it is metered" })
    }
    section.u32(code.length)
    section.writer(code)
  })
}

/** Indices of the locals of both float types that canonicalisation needs. */
interface Scratch {
  readonly f32: number
  readonly f64: number
}

const writeLocals = (code: Writer, module: Uint8Array, body: Body, edits: Edits): Scratch => {
  const kinds = edits.kinds.subarray(body.edit, body.editEnd)
  const f32 = kinds.includes(Edit.canonicalF32)
  const f64 = kinds.includes(Edit.canonicalF64)
  code.u32(body.groups + Number(f32) + Number(f64))
  code.slice(module, body.start + leb128Length(module, body.start), body.code)
  if (f32) code.slice(Uint8Array.of(1, F32))
  if (f64) code.slice(Uint8Array.of(1, F64))
  return { f32: body.locals, f64: body.locals + Number(f32) }
}

// The number of groups may be padded.
const leb128Length = (bytes: Uint8Array, start: number): number => {
  let end = start
  while (bytes[end]! >= 0x80) end++
  return end - start + 1
}

const writeInstructions = (
  code: Writer,
  { module, fuelGlobal }: Plan,
  body: Body,
  segments: Segments,
  edits: Edits,
  scratch: Scratch,
  prepaid: boolean
): void => {
  const { bytes } = module
  let copied = body.code
  let segment = body.segment
  let edit = body.edit
  while (segment < body.segmentEnd || edit < body.editEnd) {
    const charged = segment < body.segmentEnd ? segments.offsets[segment]! : body.end
    const edited = edit < body.editEnd ? edits.offsets[edit]! : body.end
    // At the same place the segment comes first: what is put in belongs to its first instruction.
    if (charged <= edited) {
      code.slice(bytes, copied, charged)
      copied = charged
      if (!(prepaid && segment === body.segment)) {
        Fuel.writeCharge(code, fuelGlobal, segments.costs[segment]!, segments.checks[segment] === 1)
      }
      segment++
    } else {
      code.slice(bytes, copied, edited)
      copied = edits.ends[edit]!
      writeEdit(code, edits.kinds[edit]!, edits.functions[edit]!, scratch)
      edit++
    }
  }
  code.slice(bytes, copied, body.end)
}

const writeEdit = (code: Writer, kind: number, target: number, scratch: Scratch): void => {
  switch (kind) {
    case Edit.canonicalF32:
      return Canonical.writeCanonical(code, F32, scratch.f32)
    case Edit.canonicalF64:
      return Canonical.writeCanonical(code, F64, scratch.f64)
    default:
      code.u8(kind === Edit.call ? Op.call : Op.refFunc)
      code.u32(target)
  }
}
