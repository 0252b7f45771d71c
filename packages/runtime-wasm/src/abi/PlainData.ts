/**
 * The values that go in and out of a function: null, booleans, numbers, strings, bytes, arrays and objects of these.
 *
 * JSON has no NaN and no infinities, so at that edge they are their names in strings, both ways: `number` reads them
 * where a number is expected, `toJson` writes them. Within data whose shape nobody declares, a string stays a string.
 */
import { payloadDepthMax } from "@continuum/core/Limits"
import { RunFailed } from "../JitError.ts"

const names: Readonly<Record<string, number>> = { NaN: Number.NaN, Infinity: Infinity, "-Infinity": -Infinity }

/** The number that a value of JSON stands for: itself, or one of the three names; `undefined` for anything else. */
export const number = (value: unknown): number | undefined => {
  if (typeof value === "number") return value
  return typeof value === "string" && Object.hasOwn(names, value) ? names[value] : undefined
}

/** What in a value is no plain data, or that it is nested deeper than `payloadDepthMax`; `undefined` when it is plain. */
export const fault = (value: unknown): string | undefined => faultWithin(value, payloadDepthMax)

const faultWithin = (value: unknown, depth: number): string | undefined => {
  switch (typeof value) {
    case "number":
    case "bigint":
    case "boolean":
    case "string":
      return undefined
    case "object":
      break
    default:
      return `it holds a value of type ${typeof value}`
  }
  if (value === null || value instanceof Uint8Array) return undefined
  if (depth === 0) return `it is nested deeper than ${payloadDepthMax}`
  if (!Array.isArray(value) && !isRecord(value)) return "it holds an object of a class"
  for (const one of Array.isArray(value) ? value : Object.values(value)) {
    const found = faultWithin(one, depth - 1)
    if (found !== undefined) return found
  }
  return undefined
}

const isRecord = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/**
 * Plain data as JSON can hold it: numbers that JSON lacks as their names, integers beyond 2^53 - 1 as decimal strings,
 * bytes as arrays of numbers. Throws `RunFailed` for an output that is no plain data.
 */
export const toJson = (value: unknown): unknown => {
  const found = fault(value)
  if (found !== undefined) throw new RunFailed({ reason: `its output is no plain data: ${found}` })
  return convert(value)
}

const convert = (value: unknown): unknown => {
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value)
  if (typeof value === "bigint") return fromInteger(value)
  if (typeof value !== "object" || value === null) return value
  if (value instanceof Uint8Array) return Array.from(value)
  if (Array.isArray(value)) return Array.from(value, convert)
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, convert(one)]))
}

/** An integer as a number where that is exact, as a decimal string elsewhere. */
export const fromInteger = (value: bigint): number | string => {
  const asNumber = Number(value)
  return Number.isSafeInteger(asNumber) ? asNumber : value.toString()
}
