/**
 * Which WebAssembly features a module may use, and the names of those that it may not.
 *
 * Allowed: the first version, mutable globals, sign extension, saturating conversions, multiple values, bulk memory,
 * basic reference types and fixed-width SIMD. All three runtimes have these, and their results are the same everywhere
 * but for NaN bits: scalar ones are made canonical (`Canonical.ts`), those of float SIMD are only reported. What adds
 * other ways of control flow (exceptions, tail calls), other kinds of memory, or results that the specification leaves
 * open (threads, relaxed SIMD) is refused by name.
 */
import { ModuleRefused } from "../JitError.ts"

/** Throws `ModuleRefused` naming the feature. */
export const refuse = (feature: string): never => {
  throw new ModuleRefused({ reason: `it uses ${feature}, which is not allowed here` })
}

const exceptions = "exception handling"
const tailCalls = "tail calls"
const typedReferences = "typed function references"
const garbageCollection = "garbage collection"

const byOpcode = new Map<number, string>([
  [0x06, exceptions],
  [0x07, exceptions],
  [0x08, exceptions],
  [0x09, exceptions],
  [0x0a, exceptions],
  [0x12, tailCalls],
  [0x13, tailCalls],
  [0x14, typedReferences],
  [0x15, typedReferences],
  [0x18, exceptions],
  [0x19, exceptions],
  [0x1f, exceptions],
  [0xd3, garbageCollection],
  [0xd4, typedReferences],
  [0xd5, typedReferences],
  [0xd6, typedReferences],
  [0xfb, garbageCollection],
  [0xfe, "threads"]
])

/** The refused feature that a first opcode byte belongs to, if it is known at all. */
export const ofOpcode = (opcode: number): string | undefined => byOpcode.get(opcode)

/** The refused feature behind the prefix 0xFC. */
export const ofNumericOpcode = (opcode: number): string | undefined =>
  opcode >= 0x13 && opcode <= 0x16 ? "wide arithmetic" : undefined

/** The refused feature behind the prefix 0xFD. */
export const ofVectorOpcode = (opcode: number): string | undefined =>
  opcode >= 0x100 && opcode <= 0x13f ? "relaxed SIMD" : undefined

/** The refused feature that a byte in the place of a value type belongs to. */
export const ofType = (byte: number): string | undefined => {
  if (byte === 0x63 || byte === 0x64) return typedReferences
  if (byte === 0x69 || byte === 0x74) return exceptions
  if (byte >= 0x65 && byte <= 0x78) return garbageCollection
  return undefined
}

/** The refused feature that the flags of a memory's or table's limits belong to, bit by bit. */
export const ofLimits = (flags: number): string | undefined => {
  if ((flags & 2) !== 0) return "shared memory"
  if ((flags & 4) !== 0) return "64-bit memory"
  if ((flags & 8) !== 0) return "custom page sizes"
  return undefined
}

// Instructions behind 0xFD that make, take apart or compute with lanes of floats: there, bits of a NaN reach a vector.
const floatVector = new Uint8Array(256)
for (const [first, last] of [
  [0x13, 0x14],
  [0x1f, 0x22],
  [0x41, 0x4c],
  [0x5e, 0x5f],
  [0x67, 0x6a],
  [0x74, 0x75],
  [0x7a, 0x7a],
  [0x94, 0x94],
  [0xe0, 0xff]
] as const) {
  floatVector.fill(1, first, last + 1)
}

/** Whether an instruction behind the prefix 0xFD is float SIMD. `opcode` is 0 to 255. */
export const isFloatVector = (opcode: number): boolean => floatVector[opcode] === 1
