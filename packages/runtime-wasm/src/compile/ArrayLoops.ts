/**
 * Methods of arrays that take a function, as loops around a call of it. Like JavaScript, they look at the length once,
 * before the first call.
 */
import type * as acorn from "acorn"
import { typeName } from "./AssemblyPrelude.ts"
import { NotCovered, type Value } from "./TranslateScope.ts"
import { equals, format, type ValueType } from "./ValueType.ts"

export interface Loop {
  readonly element: ValueType
  readonly list: ValueType
  /** The call of the function with the current element `x` at `i` of `xs`, and for `reduce` with `acc`. */
  readonly invoke: Value
  /** The second argument of `reduce`. */
  readonly start: Value | undefined
  readonly node: acorn.Node
}

export interface LoopCode {
  readonly result: ValueType
  /** Declares `i`. */
  readonly before: string
  readonly each: string
  readonly after: string
}

const test = ({ invoke, node }: Loop): string => {
  if (invoke.type === "bool") return invoke.code
  if (invoke.type === "f64") return `truthy(${invoke.code})`
  throw new NotCovered(`a condition of type ${format(invoke.type)}`, node)
}

/** By the name of the method. In `each`, `x` is the current element, `i` its index, `xs` the array. */
export const arrayLoops: ReadonlyMap<string, (loop: Loop) => LoopCode> = new Map<string, (loop: Loop) => LoopCode>([
  [
    "map",
    ({ invoke }) => {
      const result: ValueType = { array: invoke.type }
      const before = `let i = 0;\nconst out = new ${typeName(result)}();`
      return { result, before, each: `out.push(${invoke.code});`, after: "return out;" }
    }
  ],
  [
    "filter",
    (loop) => {
      const before = `let i = 0;\nconst out = new ${typeName(loop.list)}();`
      return { result: loop.list, before, each: `if (${test(loop)}) out.push(x);`, after: "return out;" }
    }
  ],
  [
    "some",
    (loop) => ({
      result: "bool",
      before: "let i = 0;",
      each: `if (${test(loop)}) return true;`,
      after: "return false;"
    })
  ],
  [
    "every",
    (loop) => ({
      result: "bool",
      before: "let i = 0;",
      each: `if (!${test(loop)}) return false;`,
      after: "return true;"
    })
  ],
  [
    "findIndex",
    (loop) => ({
      result: "f64",
      before: "let i = 0;",
      each: `if (${test(loop)}) return <f64>i;`,
      after: "return -1.0;"
    })
  ],
  [
    "find",
    // Nothing found would be undefined.
    (loop) => {
      const after = "unreachable();"
      return { result: loop.element, before: "let i = 0;", each: `if (${test(loop)}) return x;`, after }
    }
  ],
  [
    "reduce",
    ({ element, invoke, start, node }) => {
      const result = start?.type ?? element
      if (!equals(result, invoke.type)) throw new NotCovered("a reduce whose function gives another type", node)
      // Without a start value, an array without elements is an error.
      const first = "if (length == 0) unreachable();\nlet i = 1;\nlet acc = unchecked(xs[0]);"
      const before = start === undefined ? first : "let i = 0;\nlet acc = start;"
      return { result, before, each: `acc = ${invoke.code};`, after: "return acc;" }
    }
  ]
])
