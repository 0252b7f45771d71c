/**
 * Arguments to try a function with: the values where number and text code goes wrong, and random ones. The same seed
 * gives the same arguments, so a verdict can be repeated anywhere.
 */
import { typeListMax } from "../Limits.ts"
import type { ValueType } from "./ValueType.ts"

const boundaryNumbers = [
  0,
  1,
  -1,
  2,
  3,
  10,
  0.5,
  -0.5,
  1.5,
  -0,
  7,
  100,
  NaN,
  Infinity,
  -Infinity,
  2 ** 31,
  -(2 ** 31),
  2 ** 32 + 1,
  2 ** 53,
  0.1,
  1e21,
  -1e-7,
  Number.MIN_VALUE,
  Number.MAX_VALUE
]
const boundaryStrings = [
  "",
  "a",
  "ab",
  "abc",
  "banana",
  "Hello, World",
  "123",
  "1.5",
  " x ",
  "é",
  "日本語",
  "😀!",
  "aA1 \n\t"
]

/** Argument lists of these types: `count` of them, boundary values first. */
export const generate = (
  types: ReadonlyArray<ValueType>,
  seed: string,
  count: number
): ReadonlyArray<ReadonlyArray<unknown>> => {
  const random = xorshift(Number.parseInt(seed.slice(0, 8), 16))
  return Array.from({ length: count }, (_, round) =>
    types.map((type, position) => value(type, round, position, random))
  )
}

type Random = () => number

/** Marsaglia, "Xorshift RNGs" (2003): 32 bits, shifts 13, 17, 5. Numbers in [0, 1). */
const xorshift = (seed: number): Random => {
  let state = seed | 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

const pick = <A>(values: ReadonlyArray<A>, random: Random): A => values[Math.floor(random() * values.length)]!

/** The first rounds walk through the boundary values, each parameter from another place, so that all meet. */
const value = (type: ValueType, round: number, position: number, random: Random): unknown => {
  const boundary = <A>(values: ReadonlyArray<A>): A | undefined =>
    round < values.length ? values[(round + position * 5) % values.length] : undefined
  if (type === "f64") return boundary(boundaryNumbers) ?? number(random)
  if (type === "bool") return ((round >> Math.min(position, typeListMax)) & 1) === 1
  if (type === "string") return boundary(boundaryStrings) ?? string(random)
  if (type === "other") return null
  if ("list" in type) return type.list.map((element, index) => value(element, round, position + index, random))
  const length = boundary([0, 1, 2, 3, 5, 17]) ?? Math.floor(random() * 8)
  return Array.from({ length }, (_, index) => value(type.array, length + round + index, position, random))
}

const number = (random: Random): number => {
  switch (Math.floor(random() * 4)) {
    case 0:
      return Math.floor(random() * 20)
    case 1:
      return Math.floor((random() - 0.5) * 2000)
    case 2:
      return (random() - 0.5) * 200
    default:
      return (random() - 0.5) * 2 ** Math.floor(random() * 80 - 20)
  }
}

const letters = [..."abcdefghijklmnopqrstuvwxyz ABCXYZ0123456789.,-_äß€漢"]

const string = (random: Random): string =>
  Array.from({ length: Math.floor(random() * 12) }, () => pick(letters, random)).join("")
