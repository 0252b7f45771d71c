/**
 * What translated code may call: operations of JavaScript's library whose AssemblyScript form gives the same answer for
 * every argument, or traps. An operation that is not in these tables is left to the interpreter.
 *
 * Left out on purpose: what formats or parses numbers (AssemblyScript writes 1 as "1.0"), what depends on the Unicode
 * version (toUpperCase, normalize, localeCompare), sort (JavaScript compares as text), regular expressions.
 */
import type { ValueType } from "./ValueType.ts"

/** An operation: the types of its arguments after the object, how many of them may be left out, its result, its code. */
export interface Operation {
  readonly arguments: ReadonlyArray<ValueType>
  readonly optional?: number
  readonly result: ValueType
  readonly code: (object: string, args: ReadonlyArray<string>) => string
}

const call =
  (name: string) =>
  (_: string, args: ReadonlyArray<string>): string =>
    `${name}(${args.join(", ")})`

const numbers = (code: string, count = 1): Operation => ({
  arguments: Array<ValueType>(count).fill("f64"),
  result: "f64",
  code: call(code)
})

/**
 * `Math.*`: those of WebAssembly's own instructions, and those whose port of musl gave the same bits as QuickJS's on
 * 60,000 arguments. The others (sin, cos, tan, sinh, tanh, log, log2, expm1, pow) differ in the last digit now and then.
 */
export const math: ReadonlyMap<string, Operation> = new Map(
  Object.entries({
    abs: numbers("Math.abs"),
    floor: numbers("Math.floor"),
    ceil: numbers("Math.ceil"),
    trunc: numbers("Math.trunc"),
    sqrt: numbers("Math.sqrt"),
    min: numbers("Math.min", 2),
    max: numbers("Math.max", 2),
    round: numbers("round"),
    sign: numbers("sign"),
    asin: numbers("Math.asin"),
    acos: numbers("Math.acos"),
    atan: numbers("Math.atan"),
    atan2: numbers("Math.atan2", 2),
    exp: numbers("Math.exp"),
    log10: numbers("Math.log10"),
    log1p: numbers("Math.log1p"),
    cbrt: numbers("Math.cbrt"),
    cosh: numbers("Math.cosh"),
    hypot: numbers("Math.hypot", 2)
  })
)

/** Constants of `Math` and `Number`, written with all their digits. */
export const constants: ReadonlyMap<string, number> = new Map([
  ...(["PI", "E", "LN2", "LN10", "LOG2E", "LOG10E", "SQRT2", "SQRT1_2"] as const).map(
    (name) => [`Math.${name}`, Math[name]] as const
  ),
  ...(["MAX_SAFE_INTEGER", "MIN_SAFE_INTEGER", "MAX_VALUE", "MIN_VALUE", "EPSILON"] as const).map(
    (name) => [`Number.${name}`, Number[name]] as const
  )
])

/** Functions by their full name. */
export const functions: ReadonlyMap<string, Operation> = new Map<string, Operation>(
  Object.entries({
    isNaN: { arguments: ["f64"], result: "bool", code: call("isNaN") },
    isFinite: { arguments: ["f64"], result: "bool", code: call("isFinite") },
    "Number.isNaN": { arguments: ["f64"], result: "bool", code: call("isNaN") },
    "Number.isFinite": { arguments: ["f64"], result: "bool", code: call("isFinite") },
    "Number.isInteger": { arguments: ["f64"], result: "bool", code: call("isInteger") },
    "String.fromCharCode": { arguments: ["f64"], result: "string", code: call("fromCharCode") }
  } satisfies Record<string, Operation>)
)

const index = (code: string): string => `toIndex(${code})`

/** Methods of strings. */
export const stringMethods: ReadonlyMap<string, Operation> = new Map<string, Operation>(
  Object.entries({
    charAt: { arguments: ["f64"], result: "string", code: (s, [i]) => `charAt(${s}, ${i})` },
    charCodeAt: { arguments: ["f64"], result: "f64", code: (s, [i]) => `charCodeAt(${s}, ${i})` },
    concat: { arguments: ["string"], result: "string", code: (s, [t]) => `(${s} + ${t})` },
    endsWith: { arguments: ["string"], result: "bool", code: (s, [t]) => `${s}.endsWith(${t})` },
    includes: { arguments: ["string"], result: "bool", code: (s, [t]) => `${s}.includes(${t})` },
    indexOf: {
      arguments: ["string", "f64"],
      optional: 1,
      result: "f64",
      code: (s, [t, from]) => `(<f64>${s}.indexOf(${t}${from === undefined ? "" : `, ${index(from)}`}))`
    },
    lastIndexOf: { arguments: ["string"], result: "f64", code: (s, [t]) => `(<f64>${s}.lastIndexOf(${t}))` },
    repeat: { arguments: ["f64"], result: "string", code: (s, [n]) => `repeat(${s}, ${n})` },
    slice: {
      arguments: ["f64", "f64"],
      optional: 1,
      result: "string",
      code: (s, [from, to]) => `${s}.slice(${index(from!)}${to === undefined ? "" : `, ${index(to)}`})`
    },
    split: { arguments: ["string"], result: { array: "string" }, code: (s, [by]) => `${s}.split(${by})` },
    startsWith: { arguments: ["string"], result: "bool", code: (s, [t]) => `${s}.startsWith(${t})` },
    substring: {
      arguments: ["f64", "f64"],
      optional: 1,
      result: "string",
      code: (s, [from, to]) => `${s}.substring(${index(from!)}${to === undefined ? "" : `, ${index(to)}`})`
    }
  } satisfies Record<string, Operation>)
)

/** Methods of arrays of `element` that take no function. */
export const arrayMethods = (element: ValueType): ReadonlyMap<string, Operation> => {
  const array: ValueType = { array: element }
  const methods: Record<string, Operation> = {
    concat: { arguments: [array], result: array, code: (xs, [ys]) => `${xs}.concat(${ys})` },
    pop: { arguments: [], result: element, code: (xs) => `pop(${xs})` },
    push: { arguments: [element], result: "f64", code: (xs, [x]) => `(<f64>${xs}.push(${x}))` },
    reverse: { arguments: [], result: array, code: (xs) => `${xs}.reverse()` },
    shift: { arguments: [], result: element, code: (xs) => `shift(${xs})` },
    slice: {
      arguments: ["f64", "f64"],
      optional: 2,
      result: array,
      code: (xs, [from, to]) => `sliceOf(${xs}, ${from ?? "0.0"}, ${to ?? "2147483647.0"})`
    }
  }
  if (typeof element === "string") {
    methods["indexOf"] = { arguments: [element], result: "f64", code: (xs, [x]) => `(<f64>${xs}.indexOf(${x}))` }
  }
  if (element === "string") {
    methods["join"] = {
      arguments: ["string"],
      optional: 1,
      result: "string",
      code: (xs, [by]) => `${xs}.join(${by ?? '","'})`
    }
    methods["includes"] = { arguments: ["string"], result: "bool", code: (xs, [x]) => `${xs}.includes(${x})` }
  }
  return new Map(Object.entries(methods))
}
