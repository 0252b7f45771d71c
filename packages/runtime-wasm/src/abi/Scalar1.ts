/**
 * ABI `scalar1`: an exported function of numbers and one result; the host converts on both sides.
 *
 * A function of one parameter takes the input as it is, any other an array of as many values as it has parameters.
 */
import type { Effect } from "effect"
import { FuelExhausted, InputMalformed, MemoryExceeded, ModuleMalformed, RunFailed } from "../JitError.ts"
import { attempt } from "../rewrite/Attempt.ts"
import * as MeteredInstance from "./MeteredInstance.ts"
import * as PlainData from "./PlainData.ts"

/** A parameter or result. `bool` is an i32 of 0 or 1 in the module. */
export type Scalar = "f64" | "f32" | "i32" | "i64" | "bool"

/** How the function is called. */
export interface Signature {
  /** Name of the exported function. */
  readonly entry: string
  readonly params: ReadonlyArray<Scalar>
  readonly result: Scalar
}

/** What a run can fail with here. */
export type Failure = ModuleMalformed | InputMalformed | FuelExhausted | MemoryExceeded | RunFailed

/** Runs the function on an input and returns its output, with at most `fuelMax` units. */
export const run = (
  instance: MeteredInstance.MeteredInstance,
  signature: Signature,
  input: unknown,
  fuelMax: number
): Effect.Effect<unknown, Failure> =>
  attempt([ModuleMalformed, InputMalformed, FuelExhausted, MemoryExceeded, RunFailed], () =>
    runUnsafe(instance, signature, input, fuelMax)
  )

/** The same, at once. Throws what `run` fails with. */
export const runUnsafe = (
  instance: MeteredInstance.MeteredInstance,
  { entry, params, result }: Signature,
  input: unknown,
  fuelMax: number
): unknown => {
  const values = argumentsUnsafe(params, input)
  const exported = instance.exports[entry]
  if (typeof exported !== "function") throw new ModuleMalformed({ reason: `it exports no function "${entry}"` })
  MeteredInstance.begin(instance, fuelMax)
  return fromWasm(
    result,
    MeteredInstance.call(instance, () => exported(...values) as unknown)
  )
}

/** The arguments for an input. Throws `InputMalformed`. */
export const argumentsUnsafe = (params: ReadonlyArray<Scalar>, input: unknown): Array<number | bigint> => {
  if (params.length === 1) return [toWasm(params[0]!, input, "it")]
  if (!Array.isArray(input) || input.length !== params.length) {
    throw new InputMalformed({
      reason: `it takes ${params.length} values (${params.join(", ")}), so the input must be an array of ${params.length}`
    })
  }
  return params.map((type, at) => toWasm(type, input[at], `value ${at + 1}`))
}

const toWasm = (type: Scalar, value: unknown, what: string): number | bigint => {
  const converted = converters[type](value)
  if (converted !== undefined) return converted
  throw new InputMalformed({ reason: `${what} must be ${descriptions[type]}, not ${show(value)}` })
}

const descriptions: Readonly<Record<Scalar, string>> = {
  f64: 'a number (or "NaN", "Infinity", "-Infinity")',
  f32: 'a number (or "NaN", "Infinity", "-Infinity")',
  i32: "an integer of -2147483648 to 2147483647",
  i64: "an integer of 64 bits, as a decimal string beyond 9007199254740991",
  bool: "true or false"
}

const converters: Readonly<Record<Scalar, (value: unknown) => number | bigint | undefined>> = {
  f64: PlainData.number,
  f32: PlainData.number,
  i32: (value) => (typeof value === "number" && (value | 0) === value ? value | 0 : undefined),
  i64: (value) => {
    const integer = toInteger(value)
    return integer !== undefined && BigInt.asIntN(64, integer) === integer ? integer : undefined
  },
  bool: (value) => (typeof value === "boolean" ? Number(value) : undefined)
}

const toInteger = (value: unknown): bigint | undefined => {
  if (typeof value === "bigint") return value
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : undefined
  // 20 characters hold every integer of 64 bits; BigInt would take a million digits.
  return typeof value === "string" && /^-?\d{1,19}$/.test(value) ? BigInt(value) : undefined
}

const fromWasm = (type: Scalar, value: unknown): unknown => {
  if (type === "bool") return value !== 0
  return typeof value === "bigint" ? PlainData.fromInteger(value) : value
}

const show = (value: unknown): string => {
  const text = typeof value === "bigint" ? value.toString() : (JSON.stringify(value) ?? typeof value)
  return text.length > shownCharactersMax ? `${text.slice(0, shownCharactersMax)}...` : text
}

/** Of a bad input in a message. Chosen, not measured. */
const shownCharactersMax = 80
