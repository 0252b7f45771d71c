/**
 * AssemblyScript for the exports of a module around a translated function: plain ones for `scalar1`, and for `raw1` what
 * reads and writes MessagePack (https://msgpack.org) for the types of its signature. An input of another type is a trap.
 */
import { typeName } from "./AssemblyPrelude.ts"
import { format, type ValueType } from "./ValueType.ts"

/** The export of a `scalar1` module around `main`. */
export const scalar1Export = (parameters: ReadonlyArray<ValueType>, result: ValueType): string => {
  const list = parameters.map((type, index) => `a${index}: ${typeName(type)}`)
  const names = parameters.map((_, index) => `a${index}`)
  return `
export function run(${list.join(", ")}): ${typeName(result)} { return main(${names.join(", ")}) }
`
}

/** Lengths are always written in their 32-bit form. */
const messagePack = `
let cursor: usize = 0
let limit: usize = 0

function advance(bytes: usize): usize {
  const from = cursor
  if (bytes > limit - from) unreachable()
  cursor = from + bytes
  return from
}

// @ts-ignore: decorator
@inline
function readBigEndian<T>(): T { return bswap<T>(load<T>(advance(sizeof<T>()))) }

function readF64(): f64 {
  const tag = load<u8>(advance(1))
  if (tag < 0x80) return <f64>tag
  if (tag >= 0xe0) return <f64>(<i8>tag)
  switch (tag) {
    case 0xca: return <f64>reinterpret<f32>(readBigEndian<u32>())
    case 0xcb: return reinterpret<f64>(readBigEndian<u64>())
    case 0xcc: return <f64>load<u8>(advance(1))
    case 0xcd: return <f64>readBigEndian<u16>()
    case 0xce: return <f64>readBigEndian<u32>()
    case 0xcf: return <f64>readBigEndian<u64>()
    case 0xd0: return <f64>load<i8>(advance(1))
    case 0xd1: return <f64>readBigEndian<i16>()
    case 0xd2: return <f64>readBigEndian<i32>()
    case 0xd3: return <f64>readBigEndian<i64>()
  }
  unreachable()
  return 0.0
}

function readBool(): bool {
  const tag = load<u8>(advance(1))
  if (tag != 0xc2 && tag != 0xc3) unreachable()
  return tag == 0xc3
}

function readString(): string {
  const tag = load<u8>(advance(1))
  let length: usize = 0
  if (tag >= 0xa0 && tag < 0xc0) length = tag & 0x1f
  else if (tag == 0xd9) length = load<u8>(advance(1))
  else if (tag == 0xda) length = readBigEndian<u16>()
  else if (tag == 0xdb) length = readBigEndian<u32>()
  else unreachable()
  return String.UTF8.decodeUnsafe(advance(length), length)
}

function readLength(): i32 {
  const tag = load<u8>(advance(1))
  let length: u32 = 0
  if (tag >= 0x90 && tag < 0xa0) length = tag & 0x0f
  else if (tag == 0xdc) length = readBigEndian<u16>()
  else if (tag == 0xdd) length = readBigEndian<u32>()
  else unreachable()
  // Each element has at least one byte.
  if (<usize>length > limit - cursor) unreachable()
  return <i32>length
}

function writeTag(tag: u8): void {
  store<u8>(cursor, tag)
  cursor += 1
}

function writeLength(tag: u8, length: i32): void {
  writeTag(tag)
  store<u32>(cursor, bswap<u32>(length))
  cursor += 4
}

function sizeF64(_: f64): usize { return 9 }
function writeF64(value: f64): void {
  writeTag(0xcb)
  store<u64>(cursor, bswap<u64>(reinterpret<u64>(value)))
  cursor += 8
}

function sizeBool(_: bool): usize { return 1 }
function writeBool(value: bool): void { writeTag(value ? 0xc3 : 0xc2) }

// UTF-8 cannot hold half of a surrogate pair.
function sizeString(value: string): usize {
  for (let i = 0; i < value.length; i++) {
    const unit = value.charCodeAt(i)
    if (unit < 0xd800 || unit > 0xdfff) continue
    const next = i + 1 < value.length ? value.charCodeAt(i + 1) : 0
    if (unit > 0xdbff || next < 0xdc00 || next > 0xdfff) unreachable()
    i++
  }
  return 5 + String.UTF8.byteLength(value)
}
function writeString(value: string): void {
  const bytes = String.UTF8.byteLength(value)
  writeLength(0xdb, <i32>bytes)
  String.UTF8.encodeUnsafe(changetype<usize>(value), value.length, cursor)
  cursor += bytes
}
`

const suffix = (type: ValueType): string => {
  if (typeof type === "object" && "array" in type) return `Array${suffix(type.array)}`
  return { f64: "F64", bool: "Bool", string: "String" }[format(type)]!
}

/** Reader, writer and size of arrays of a type, elements first. */
const arrayCode = (type: ValueType, known: Set<string>): string => {
  if (typeof type !== "object" || !("array" in type) || known.has(format(type))) return ""
  known.add(format(type))
  const name = suffix(type)
  const element = suffix(type.array)
  return `${arrayCode(type.array, known)}
function read${name}(): ${typeName(type)} {
  const length = readLength()
  const xs = new ${typeName(type)}()
  for (let i = 0; i < length; i++) xs.push(read${element}())
  return xs
}
function size${name}(xs: ${typeName(type)}): usize {
  let bytes: usize = 5
  for (let i = 0; i < xs.length; i++) bytes += size${element}(unchecked(xs[i]))
  return bytes
}
function write${name}(xs: ${typeName(type)}): void {
  writeLength(0xdd, xs.length)
  for (let i = 0; i < xs.length; i++) write${element}(unchecked(xs[i]))
}
`
}

/**
 * The exports of a `raw1` module around `main`. With one parameter the input is the argument, otherwise it is the list
 * of the arguments.
 */
export const raw1Exports = (parameters: ReadonlyArray<ValueType>, result: ValueType): string => {
  const known = new Set<string>()
  const reads = parameters.map((type, index) => `  const a${index} = read${suffix(type)}()`)
  if (parameters.length !== 1) reads.unshift(`  if (readLength() != ${parameters.length}) unreachable()`)
  return `${messagePack}${[...parameters, result].map((type) => arrayCode(type, known)).join("")}
export function alloc(bytes: i32): i32 { return <i32>heap.alloc(<usize>bytes) }

export function run(address: i32, bytes: i32): i64 {
  cursor = <usize>address
  limit = cursor + <usize>bytes
${reads.join("\n")}
  if (cursor != limit) unreachable()
  const result = main(${parameters.map((_, index) => `a${index}`).join(", ")})
  const size = size${suffix(result)}(result)
  const output = heap.alloc(size)
  cursor = output
  write${suffix(result)}(result)
  return (<i64>output << 32) | <i64>size
}
`
}
