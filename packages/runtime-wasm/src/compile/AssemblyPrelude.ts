/**
 * AssemblyScript that every translated function is compiled with: JavaScript's meaning of what AssemblyScript does
 * differently. What is not used is left out by the compiler.
 *
 * One rule holds for all of it: the JavaScript answer or a trap. A trap means "not covered" and sends the call to the
 * interpreter; a different answer is never given.
 */
import { format, type ValueType } from "./ValueType.ts"

/** The AssemblyScript type of a value. */
export const typeName = (type: ValueType): string => {
  if (typeof type === "object" && "array" in type) return `Array<${typeName(type.array)}>`
  return format(type)
}

/** Helpers that translated code calls. */
export const helpers = `
// @ts-ignore: decorator
@inline
function truthy(x: f64): bool { return x == x && x != 0.0 }

// ECMA-262, ToInt32.
function toInt32(x: f64): i32 {
  if (Math.abs(x) <= 2147483647.0) return <i32>x
  if (!isFinite(x)) return 0
  return <i32>(<i64>(Math.trunc(x) % 4294967296.0))
}

// ECMA-262, ToIntegerOrInfinity, cut off where no string or array reaches.
function toIndex(x: f64): i32 {
  if (x != x) return 0
  if (x >= 2147483647.0) return 2147483647
  if (x <= -2147483648.0) return -2147483648
  return <i32>x
}

function round(x: f64): f64 {
  if (Math.abs(x) >= 4503599627370496.0 || x != x) return x
  const up = Math.ceil(x)
  return up - 0.5 > x ? up - 1.0 : up
}

function isInteger(x: f64): bool { return isFinite(x) && Math.trunc(x) == x }

// WebAssembly has no remainder of floats; that of integers is a hundred times cheaper than computing one.
function remainder(x: f64, y: f64): f64 {
  const i = <i32>x
  const j = <i32>y
  return i > 0 && j > 0 && <f64>i == x && <f64>j == y ? <f64>(i % j) : x % y
}

// @ts-ignore: decorator
@inline
function square(x: f64): f64 { return x * x }

function sign(x: f64): f64 { return x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : x }

// An element that is not there would be undefined.
function at<T>(xs: Array<T>, index: f64): T {
  const i = toIndex(index)
  if (<f64>i != index || <u32>i >= <u32>xs.length) unreachable()
  return unchecked(xs[i])
}

function setAt<T>(xs: Array<T>, index: f64, value: T): T {
  const i = toIndex(index)
  if (<f64>i != index || <u32>i > <u32>xs.length) unreachable()
  if (i == xs.length) xs.push(value)
  else unchecked(xs[i] = value)
  return value
}

function pop<T>(xs: Array<T>): T {
  if (xs.length == 0) unreachable()
  return xs.pop()
}

function shift<T>(xs: Array<T>): T {
  if (xs.length == 0) unreachable()
  return xs.shift()
}

function sliceOf<T>(xs: Array<T>, start: f64, end: f64): Array<T> { return xs.slice(toIndex(start), toIndex(end)) }

function unitAt(s: string, index: f64): string {
  const i = toIndex(index)
  if (<f64>i != index || <u32>i >= <u32>s.length) unreachable()
  return s.charAt(i)
}

function charAt(s: string, index: f64): string {
  const i = toIndex(index)
  return <u32>i < <u32>s.length ? s.charAt(i) : ""
}

function charCodeAt(s: string, index: f64): f64 {
  const i = toIndex(index)
  return <u32>i < <u32>s.length ? <f64>s.charCodeAt(i) : NaN
}

function repeat(s: string, count: f64): string {
  const n = toIndex(count)
  if (n < 0 || n == 2147483647) unreachable()
  return s.repeat(n)
}

function minOf(xs: Array<f64>): f64 {
  let least = Infinity
  for (let i = 0; i < xs.length; i++) least = Math.min(least, unchecked(xs[i]))
  return least
}

function maxOf(xs: Array<f64>): f64 {
  let most = -Infinity
  for (let i = 0; i < xs.length; i++) most = Math.max(most, unchecked(xs[i]))
  return most
}

function fromCharCode(unit: f64): string { return String.fromCharCode(toInt32(unit) & 0xffff) }
`
