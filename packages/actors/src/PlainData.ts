/**
 * Plain data: what MessagePack carries unchanged and every other machine reads the same. Null, undefined, booleans,
 * numbers, bigints of 64 bits, well-formed strings, `Uint8Array`, and arrays and objects of these without cycles. Two things do
 * change on the way: minus zero comes back as zero, and a hole in an array as undefined.
 */
import { payloadDepthMax } from "@continuum/core/Limits"

/** Whether the value is plain data: that `problemOf` has nothing to say, in a third of its time. */
export const isPlain = (value: unknown, depth = 0): boolean => {
  switch (typeof value) {
    case "string":
      return value.isWellFormed()
    case "number":
    case "boolean":
    case "undefined":
      return true
    case "object":
      break
    default:
      return problemOf(value) === undefined
  }
  if (value === null || value instanceof Uint8Array) return true
  if (depth >= payloadDepthMax) return false
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (!isPlain(value[i], depth + 1)) return false
    return true
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return false
  for (const key in value) {
    if (refusedKeys.has(key) || !key.isWellFormed()) return false
    if (!isPlain((value as Record<string, unknown>)[key], depth + 1)) return false
  }
  return true
}

/** Why the value is not plain data, naming the place, such as `value.items[2] is a Map`; undefined when it is. */
export const problemOf = (value: unknown, place = "value", depth = 0): string | undefined => {
  switch (typeof value) {
    case "string":
      return value.isWellFormed() ? undefined : `${place} is not well-formed Unicode`
    case "number":
    case "boolean":
    case "undefined":
      return undefined
    case "bigint":
      return BigInt.asIntN(64, value) === value ? undefined : `${place} is a bigint of more than 64 bits`
    case "object":
      break
    default:
      return `${place} is a ${typeof value}`
  }
  if (value === null || value instanceof Uint8Array) return undefined
  if (depth >= payloadDepthMax) return `${place} is nested more than ${payloadDepthMax} deep, or in a cycle`
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const problem = problemOf(value[i], `${place}[${i}]`, depth + 1)
      if (problem !== undefined) return problem
    }
    return undefined
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return `${place} is ${describe(value)}, not a plain object`
  for (const key of Object.keys(value)) {
    if (refusedKeys.has(key) || !key.isWellFormed()) return `${place} has a property named ${JSON.stringify(key)}`
    const problem = problemOf((value as Record<string, unknown>)[key], `${place}.${key}`, depth + 1)
    if (problem !== undefined) return problem
  }
  return undefined
}

// Names that mean something else to those who copy or encode an object.
const refusedKeys = new Set(["__proto__", "toJSON"])

/** A copy for a person to read: what is not plain data becomes its description, and what is too much is cut off. */
export const excerpt = (value: unknown, bytesMax: number): unknown => copy(value, { bytesLeft: bytesMax }, 0)

const copy = (value: unknown, budget: { bytesLeft: number }, depth: number): unknown => {
  budget.bytesLeft -= 8
  if (typeof value === "string") {
    const room = Math.max(0, budget.bytesLeft)
    budget.bytesLeft -= value.length
    return value.length <= room ? value : `${value.slice(0, room)}... (${value.length} characters)`
  }
  if (typeof value === "function" || typeof value === "symbol") return `(${typeof value})`
  if (typeof value === "bigint") return `${value}n`
  if (typeof value !== "object" || value === null) return value
  if (value instanceof Uint8Array) return `(${value.length} bytes)`
  if (depth >= payloadDepthMax) return "(cut off)"
  if (Array.isArray(value)) {
    const items: Array<unknown> = []
    for (const item of value) {
      if (budget.bytesLeft <= 0) {
        items.push(`... (${value.length - items.length} more)`)
        break
      }
      items.push(copy(item, budget, depth + 1))
    }
    return items
  }
  if (value instanceof Date || value instanceof Map || value instanceof Set) return `(${describe(value)})`
  const entries: Record<string, unknown> = {}
  const keys = Object.keys(value)
  for (const [index, key] of keys.entries()) {
    if (budget.bytesLeft <= 0) {
      entries["..."] = `${keys.length - index} more`
      break
    }
    budget.bytesLeft -= key.length
    entries[key] = copy((value as Record<string, unknown>)[key], budget, depth + 1)
  }
  return entries
}

const describe = (value: object): string => {
  const name = (value.constructor as { readonly name?: string } | undefined)?.name
  return name === undefined || name === "" ? "an object with a prototype" : `a ${name}`
}
