/**
 * BLAKE3 with its tree: the chaining value of each group of 256 chunks (256 KiB), and the root above them. What hashes
 * whole inputs only cannot tell which part of them is wrong; this can.
 *
 * Synchronous: a group takes less than a millisecond. Four chunks are hashed at a time where WebAssembly has vectors,
 * one where not. Source: https://github.com/BLAKE3-team/BLAKE3-specs/blob/master/blake3.pdf
 */
import { type Blake3Exports, emit } from "./Blake3Code.ts"

/** A hash or chaining value. */
export const hashBytes = 32
/** The part of content that is verified, asked for and sent as one. A power of two, as the tree wants it. */
export const groupBytes = 256 * 1024

const chunkBytes = 1024
const blockBytes = 64
const chunkStart = 1
const chunkEnd = 2
const parent = 4
const root = 8

/** Where the chaining values lie in memory; below it lies the input. */
const hashesAt = groupBytes

/** Runs on vectors, or on plain words. Both give the same. */
export const make = (vectors: boolean) => {
  const module = new WebAssembly.Module(emit(vectors))
  const { memory, one, four } = new WebAssembly.Instance(module).exports as unknown as Blake3Exports
  const bytes = new Uint8Array(memory.buffer)

  /** The chaining values of `count` inputs, by fours as far as they go. */
  const hashRow = (
    at: number,
    stride: number,
    count: number,
    counter: number,
    flags: readonly [all: number, start: number, end: number],
    out: number
  ): void => {
    const step = flags[0] === 0 ? 1 : 0
    const blocks = stride / blockBytes
    let i = 0
    if (four !== undefined) {
      for (; i + 4 <= count; i += 4) {
        four(at + i * stride, stride, blocks, blockBytes, counter + i * step, step, ...flags, out + i * hashBytes)
      }
    }
    for (; i < count; i++) {
      one(at + i * stride, stride, blocks, blockBytes, counter + i * step, 0, ...flags, out + i * hashBytes)
    }
  }

  /**
   * Makes one value of `count` chaining values in memory, level by level, in their place: each pair becomes its parent,
   * an odd one goes up as it is. That is BLAKE3's tree, whose left part is the largest power of two.
   */
  const reduce = (at: number, count: number, isRoot: boolean): Uint8Array => {
    let left = count
    while (left > 1) {
      const pairs = left >> 1
      const flags = left === 2 && isRoot ? parent | root : parent
      hashRow(at, 2 * hashBytes, pairs, 0, [flags, 0, 0], at)
      if (left % 2 === 1) bytes.copyWithin(at + pairs * hashBytes, at + (left - 1) * hashBytes, at + left * hashBytes)
      left = pairs + (left % 2)
    }
    return bytes.slice(at, at + hashBytes)
  }

  /**
   * The chaining value of the group at this index of some content, at most `groupBytes`; less only for the last group.
   * With `isRoot` the hash of content that is no longer than this one group.
   */
  const group = (content: Uint8Array, index: number, isRoot: boolean): Uint8Array => {
    if (content.length > groupBytes) throw new RangeError(`A group has at most ${groupBytes} bytes`)
    bytes.set(content)
    const firstChunk = index * (groupBytes / chunkBytes)
    const chunks = Math.max(1, Math.ceil(content.length / chunkBytes))
    hashRow(0, chunkBytes, chunks - 1, firstChunk, [0, chunkStart, chunkEnd], hashesAt)

    const last = (chunks - 1) * chunkBytes
    const length = content.length - last
    const blocks = Math.max(1, Math.ceil(length / blockBytes))
    bytes.fill(0, content.length, last + blocks * blockBytes)
    const end = isRoot && chunks === 1 ? chunkEnd | root : chunkEnd
    const lastLength = length - (blocks - 1) * blockBytes
    const out = hashesAt + (chunks - 1) * hashBytes
    one(last, chunkBytes, blocks, lastLength, firstChunk + chunks - 1, 0, 0, chunkStart, end, out)
    return reduce(hashesAt, chunks, isRoot)
  }

  /** The hash of content of two groups or more, from the chaining values of its groups one after the other. */
  const rootOf = (groups: Uint8Array): Uint8Array => {
    if (groups.length < 2 * hashBytes || groups.length > groupBytes) {
      throw new RangeError(`A root stands above 2 to ${groupBytes / hashBytes} groups`)
    }
    bytes.set(groups)
    return reduce(0, groups.length / hashBytes, true)
  }

  return { group, rootOf }
}

/** Whether this engine has vectors: all of today's on x86 (with AVX in JavaScriptCore) and ARM. */
const hasVectors = WebAssembly.validate(emit(true))

/** One instance for all callers: no call is interrupted by another. */
export const { group, rootOf } = make(hasVectors)
