import * as ContentId from "@continuum/core/ContentId"
import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import * as Blake3 from "../../src/content/Blake3.ts"
import { inputOf, vectors } from "../../../core/test/vectors/Blake3Vectors.ts"
import { contentOf } from "./Network.ts"
import { subtreeOf } from "./Tree.ts"

const { groupBytes } = Blake3
const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")

/** The hash of whole content through its groups. */
const whole = ({ group, rootOf }: Pick<typeof Blake3, "group" | "rootOf">, content: Uint8Array): string => {
  if (content.length <= groupBytes) return hex(group(content, 0, true))
  const groups: Array<number> = []
  for (let at = 0, index = 0; at < content.length; at += groupBytes, index++) {
    groups.push(...group(content.subarray(at, at + groupBytes), index, false))
  }
  return hex(rootOf(new Uint8Array(groups)))
}

const edges = [
  0,
  1,
  63,
  64,
  65,
  127,
  128,
  129,
  1023,
  1024,
  1025,
  2047,
  2048,
  2049,
  3072,
  3073,
  4095,
  4096,
  4097,
  5120,
  8191,
  8192,
  8193,
  16_384,
  65_535,
  65_537,
  groupBytes - 1024,
  groupBytes - 1,
  groupBytes,
  groupBytes + 1,
  groupBytes + 1025,
  2 * groupBytes,
  2 * groupBytes + 1,
  3 * groupBytes - 1,
  5 * groupBytes + 77,
  8 * groupBytes
]

for (const [name, blake3] of [
  ["on vectors", Blake3.make(true)],
  ["on words", Blake3.make(false)],
  ["as this engine runs it", Blake3]
] as const) {
  describe(`BLAKE3 ${name}`, () => {
    it("gives the published hashes", () => {
      for (const [length, hash] of vectors) expect(whole(blake3, inputOf(length))).toBe(hash)
    })

    it("gives what hash-wasm gives at every edge of blocks, chunks and groups", () => {
      for (const length of edges) {
        const content = contentOf(length + 1, length)
        expect([length, whole(blake3, content)]).toEqual([length, ContentId.of(content)])
      }
    })

    it("gives what hash-wasm gives for content of any length", () => {
      fc.assert(
        fc.property(fc.nat(600_000), fc.nat(), (length, seed) => {
          const content = contentOf(seed, length)
          return whole(blake3, content) === ContentId.of(content)
        }),
        { numRuns: 60 }
      )
    })

    it("gives the chaining values that the definition gives, wherever the group stands", () => {
      for (const [length, index] of [
        [1, 1],
        [1024, 3],
        [1025, 7],
        [5 * 1024 + 1, 255],
        [groupBytes - 1, 2],
        [groupBytes, 1]
      ] as const) {
        const content = contentOf(length, length)
        expect(hex(blake3.group(content, index, false))).toBe(hex(subtreeOf(content, index * 256)))
      }
    })
  })
}

describe("BLAKE3 of a group", () => {
  it("is another at another place, and another as a root", () => {
    const content = contentOf(1, 5_000)
    const values = [Blake3.group(content, 0, false), Blake3.group(content, 1, false), Blake3.group(content, 0, true)]
    expect(new Set(values.map(hex)).size).toBe(3)
  })

  it("is the same after longer content was hashed: nothing of it is left", () => {
    const short = contentOf(1, 1030)
    const first = hex(Blake3.group(short, 0, true))
    Blake3.group(new Uint8Array(groupBytes).fill(255), 0, true)
    expect(hex(Blake3.group(short, 0, true))).toBe(first)
  })

  it("is refused for more than a group", () => {
    expect(() => Blake3.group(new Uint8Array(groupBytes + 1), 0, true)).toThrow(RangeError)
    expect(() => Blake3.rootOf(new Uint8Array(32))).toThrow(RangeError)
  })
})
