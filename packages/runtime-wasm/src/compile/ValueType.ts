/**
 * The static types that a JavaScript value can have in compiled code: numbers, booleans, strings, arrays of one type,
 * and lists of a few types. Everything else is `other` and belongs to the interpreter.
 *
 * JavaScript's numbers are 64-bit floats and stay so: nothing here ever claims a 32-bit integer.
 */
import { Schema } from "effect"
import { typeDepthMax, typeListMax } from "../Limits.ts"

export type ValueType =
  | "f64"
  | "bool"
  | "string"
  | "other"
  | { readonly array: ValueType }
  | { readonly list: ReadonlyArray<ValueType> }

const nested = Schema.suspend((): Schema.Codec<ValueType> => ValueType)

export const ValueType: Schema.Codec<ValueType> = Schema.Union([
  Schema.Literals(["f64", "bool", "string", "other"]),
  Schema.Struct({ array: nested }),
  Schema.Struct({ list: Schema.Array(nested) })
])

/** The text of a type: `f64`, `string[]`, `[f64, string]`. Equal texts are equal types. */
export const format = (type: ValueType): string =>
  typeof type === "string"
    ? type
    : "array" in type
      ? `${format(type.array)}[]`
      : `[${type.list.map(format).join(", ")}]`

export const equals = (a: ValueType, b: ValueType): boolean => format(a) === format(b)

/** An array without elements could be of any type; it is taken for numbers. */
const emptyArray: ValueType = { array: "f64" }

/** The type of a value of plain data. Linear in its size. */
export const of = (value: unknown, depth = 0): ValueType => {
  switch (typeof value) {
    case "number":
      return "f64"
    case "boolean":
      return "bool"
    case "string":
      // UTF-8, which values cross as, cannot hold half of a surrogate pair.
      return value.isWellFormed() ? "string" : "other"
  }
  if (!Array.isArray(value) || depth === typeDepthMax) return "other"
  if (value.length === 0) return emptyArray
  const elements = value.filter((element) => !isEmpty(element))
  const first = of(elements.length === 0 ? value[0] : elements[0], depth + 1)
  if (first === "other") return "other"
  if (elements.every((element) => equals(of(element, depth + 1), first))) {
    if (elements.length === value.length || typeof first === "object") return { array: first }
  }
  if (value.length > typeListMax) return "other"
  const list = value.map((element) => of(element, depth + 1))
  return list.includes("other") ? "other" : { list }
}

const isEmpty = (value: unknown) => Array.isArray(value) && value.length === 0

/** Whether a value can be passed where this type is expected. */
export const fits = (type: ValueType, value: unknown): boolean => {
  switch (type) {
    case "f64":
      return typeof value === "number"
    case "bool":
      return typeof value === "boolean"
    case "string":
      return typeof value === "string" && value.isWellFormed()
    case "other":
      return false
  }
  if (!Array.isArray(value)) return false
  if ("array" in type) return value.every((element) => fits(type.array, element))
  return value.length === type.list.length && type.list.every((element, index) => fits(element, value[index]))
}

/** The types of the arguments of a function of `count` parameters for an input of this type; `undefined`: it takes no such input. */
export const parametersOf = (input: ValueType, count: number): ReadonlyArray<ValueType> | undefined => {
  if (count === 1) return [input]
  if (count === 0) return []
  if (typeof input !== "object") return undefined
  if ("array" in input) return Array<ValueType>(count).fill(input.array)
  return input.list.length === count ? input.list : undefined
}
