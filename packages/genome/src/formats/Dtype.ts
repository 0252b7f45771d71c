/**
 * Element types of safetensors, in the order of the reference, which sorts the data of a file by it: alignment first.
 */
import { Schema } from "effect"

/** The element types that safetensors names. `F32`, `F16` and `BF16` convert to numbers here; the others stay bytes. */
export const Dtype = Schema.Literals([
  "BOOL",
  "F4",
  "F6_E2M3",
  "F6_E3M2",
  "U8",
  "I8",
  "F8_E5M2",
  "F8_E4M3",
  "F8_E8M0",
  "F8_E4M3FNUZ",
  "F8_E5M2FNUZ",
  "I16",
  "U16",
  "F16",
  "BF16",
  "I32",
  "U32",
  "F32",
  "C64",
  "F64",
  "I64",
  "U64"
])
export type Dtype = typeof Dtype.Type

/** Types that convert to and from binary32. */
export const FloatDtype = Schema.Literals(["F16", "BF16", "F32"])
export type FloatDtype = typeof FloatDtype.Type
export const isFloat = Schema.is(FloatDtype)

/** Position in the order of alignment. */
export const orderOf = (dtype: Dtype): number => Dtype.literals.indexOf(dtype)

/** Bits of one element. */
export const bitsOf = (dtype: Dtype): number => {
  if (dtype === "F4") return 4
  if (dtype === "F6_E2M3" || dtype === "F6_E3M2") return 6
  const order = orderOf(dtype)
  if (order < orderOf("I16")) return 8
  if (order < orderOf("I32")) return 16
  return order < orderOf("C64") ? 32 : 64
}

/**
 * Bytes of a tensor of this shape, or `undefined` when that is no whole number of bytes or beyond what a number holds
 * exactly.
 */
export const bytesOf = (dtype: Dtype, shape: ReadonlyArray<number>): number | undefined => {
  let elements = 1
  for (const size of shape) elements *= size
  const bits = elements * bitsOf(dtype)
  return Number.isSafeInteger(bits) && bits % 8 === 0 ? bits / 8 : undefined
}
