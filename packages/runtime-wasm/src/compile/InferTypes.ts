/**
 * The static types of an untyped function: its parameters from the type of its input, its result from what the reference
 * answers. A guess that `Differential.ts` then tests; where none can be made, the reason why.
 */
import type { Answer } from "./Reference.ts"
import type { Parsed } from "./Source.ts"
import * as ValueType from "./ValueType.ts"

/** Why a function cannot be compiled for an input. */
export class NoTypes {
  readonly reason: string
  constructor(reason: string) {
    this.reason = reason
  }
}

/** Types of the parameters for an input of this type; without one, for numbers. Throws `NoTypes`. */
export const parameters = (
  parsed: Parsed,
  input: ValueType.ValueType | undefined
): ReadonlyArray<ValueType.ValueType> => {
  if (!parsed.alone) throw new NoTypes("the source has more than the function")
  const { min, max } = parsed.parameters
  if (min !== max) throw new NoTypes("it takes a varying number of arguments")
  if (input === undefined) return Array<ValueType.ValueType>(max).fill("f64")
  const types = ValueType.parametersOf(input, max)
  if (types === undefined || types.includes("other")) {
    throw new NoTypes("its input is not made of numbers, booleans, strings and arrays of one of these")
  }
  if (types.some((type) => typeof type === "object" && "list" in type))
    throw new NoTypes("its input is an array of mixed types")
  return types
}

/** The one type of all answers. Throws `NoTypes` when they differ, or there is none. */
export const result = (answers: ReadonlyArray<Answer>): ValueType.ValueType => {
  // An array without elements says nothing about their type while another answer does.
  const values = answers.flatMap((answer) => (answer.kind === "value" ? [wellFormed(answer.value)] : []))
  const telling = values.filter((value) => !isEmptyArray(value))
  const types = new Map(
    (telling.length > 0 ? telling : values).map((value) => [ValueType.format(ValueType.of(value)), value])
  )
  const [first] = types.values()
  if (types.size === 0) throw new NoTypes("the reference gave no answer to any generated input")
  const type = ValueType.of(first)
  if (types.size > 1)
    throw new NoTypes(`its results are of different types: ${[...types.keys()].slice(0, 3).join(", ")}`)
  if (type === "other") throw new NoTypes("its result is not a number, a boolean, a string or an array of one of these")
  if (typeof type === "object" && "list" in type) throw new NoTypes("its result is an array of mixed types")
  if (values.length > telling.length && typeof type === "string")
    throw new NoTypes("its results are of different types")
  return type
}

/** Half of a surrogate pair makes a string no less a string: the compiled form leaves such a call to the interpreter. */
const wellFormed = (value: unknown): unknown =>
  typeof value === "string" ? value.toWellFormed() : Array.isArray(value) ? value.map(wellFormed) : value

const isEmptyArray = (value: unknown) => Array.isArray(value) && value.length === 0
