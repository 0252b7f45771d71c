/**
 * Plain data as a text that loses nothing: JSON, with `{"$": ...}` for what JSON lacks (NaN, the infinities, -0, bytes,
 * BigInt) and around objects that have a key `$` themselves. MessagePack as we use it takes -0 for 0, and a function may
 * tell them apart. `QuickJsPrelude.ts` has the same inside the interpreter.
 */
import { payloadDepthMax } from "@continuum/core/Limits"

/** The text of a value of plain data. `undefined` is null. Throws for cycles, and for nesting beyond the stack. */
export const encode = (value: unknown): string => JSON.stringify(write(value))

/** The value of a text that `encode` or the prelude wrote. */
export const decode = (text: string): unknown => read(JSON.parse(text))

/** Why a value cannot cross, or `undefined`: no plain data, too deep, or a text of more than `charactersMax`. */
export const problemOf = (value: unknown, charactersMax: number): string | undefined => {
  let characters = 0
  const visit = (value: unknown, depth: number): string | undefined => {
    characters += typeof value === "string" ? value.length + 2 : 2
    if (characters > charactersMax) return `it has more than ${charactersMax} characters as JSON`
    switch (typeof value) {
      case "number":
        characters += 6
        return undefined
      case "string":
      case "boolean":
      case "undefined":
      case "bigint":
        return undefined
      case "object":
        break
      default:
        return `it holds a ${typeof value}, which is no plain data`
    }
    if (value === null) return undefined
    if (depth === payloadDepthMax) return `it is nested deeper than ${payloadDepthMax}`
    if (value instanceof Uint8Array) {
      characters += 4 * value.length
      return characters > charactersMax ? visit("", depth) : undefined
    }
    if (!Array.isArray(value) && !isPlain(value)) return "it holds an object that is no plain data"
    for (const [key, property] of Object.entries(value)) {
      if (!Array.isArray(value)) characters += key.length + 3
      const problem = visit(property, depth + 1)
      if (problem !== undefined) return problem
    }
    return undefined
  }
  return visit(value, 0)
}

const isPlain = (value: object) => {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

const write = (value: unknown): unknown => {
  switch (typeof value) {
    case "number":
      return Object.is(value, -0) ? { $: "-0" } : Number.isFinite(value) ? value : { $: String(value) }
    case "bigint":
      return { $: `${value}n` }
    case "object":
      return value === null ? null : writeObject(value)
    default:
      return value ?? null
  }
}

const writeObject = (value: object): unknown => {
  if (value instanceof Uint8Array) return { $: Array.from(value) }
  if (Array.isArray(value)) return value.map(write)
  const copy = Object.fromEntries(Object.entries(value).map(([key, property]) => [key, write(property)]))
  return Object.hasOwn(copy, "$") ? { $: copy } : copy
}

const read = (value: unknown): unknown => {
  if (typeof value !== "object" || value === null) return value
  if (Array.isArray(value)) return value.map(read)
  if (!Object.hasOwn(value, "$")) return readProperties(value)
  const special = (value as { readonly $: string | Array<number> | object }).$
  if (Array.isArray(special)) return Uint8Array.from(special)
  if (typeof special === "object") return readProperties(special)
  return special.endsWith("n") ? BigInt(special.slice(0, -1)) : Number(special)
}

// `fromEntries` defines properties, so that a key `__proto__` is a key like any other.
const readProperties = (value: object) =>
  Object.fromEntries(Object.entries(value).map(([key, property]) => [key, read(property)]))
