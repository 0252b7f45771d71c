import * as ContentId from "@continuum/core/ContentId"
import { contentBytesMax } from "@continuum/core/Limits"
import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { groupBytes } from "../../src/content/Blake3.ts"
import {
  assemble,
  type Assembly,
  ContentForged,
  groupLengthOf,
  groupOf,
  groupsOf,
  isOutlineOf,
  type Outline,
  outlineOf
} from "../../src/content/VerifiedStream.ts"
import { contentOf } from "./Network.ts"
import { parentOf } from "./Tree.ts"

const lengths = [0, 1, 1024, groupBytes - 1, groupBytes, groupBytes + 1, 2 * groupBytes, 7 * groupBytes + 12_345]
const idOf = (content: Uint8Array) => ContentId.of(content)
const begin = (content: Uint8Array): Assembly =>
  assemble(idOf(content), outlineOf(content), groupOf(content, groupsOf(content.length) - 1))
const forgedPart = (body: () => unknown): string => {
  try {
    body()
  } catch (error) {
    if (error instanceof ContentForged) return error.part
    throw error
  }
  return "nothing"
}
const flipped = (bytes: Uint8Array, at: number): Uint8Array => bytes.with(at, bytes[at]! ^ 1)

describe("content put together from its groups", () => {
  for (const length of lengths) {
    it(`is what it was, with ${length} bytes, in whatever order the groups come`, () => {
      const content = contentOf(1, length)
      for (const order of ["up", "down"]) {
        const assembly = begin(content)
        const indexes = Array.from({ length: assembly.groups }, (_, i) => i)
        for (const index of order === "up" ? indexes : indexes.toReversed()) {
          assembly.add(index, groupOf(content, index))
          expect(assembly.has(index)).toBe(true)
        }
        expect(assembly.missing()).toBe(0)
        expect(idOf(assembly.content())).toBe(idOf(content))
      }
    })
  }

  it("is not given out while a group is missing, and a group that is there changes nothing", () => {
    const content = contentOf(1, 3 * groupBytes)
    const assembly = begin(content)
    assembly.add(0, groupOf(content, 0))
    assembly.add(0, new Uint8Array(5))
    expect([assembly.missing(), assembly.has(1)]).toEqual([1, false])
    expect(() => assembly.content()).toThrow("1 groups")
  })

  it("shares no memory with what was sent", () => {
    const content = contentOf(1, 100)
    const sent = content.slice()
    const assembly = assemble(idOf(content), outlineOf(content), sent)
    sent.fill(0)
    expect(idOf(assembly.content())).toBe(idOf(content))
  })
})

describe("what does not verify", () => {
  it("is any changed byte of any group, and the right group is still taken afterwards", () => {
    const content = contentOf(2, 4 * groupBytes + 100)
    fc.assert(
      fc.property(fc.nat(3), fc.nat(groupBytes - 1), (index, at) => {
        const assembly = begin(content)
        const group = groupOf(content, index)
        expect(forgedPart(() => assembly.add(index, flipped(group, at)))).toBe(`group ${index}`)
        expect(assembly.has(index)).toBe(false)
        assembly.add(index, group)
        expect(assembly.has(index)).toBe(true)
      }),
      { numRuns: 30 }
    )
  })

  it("is a group that is cut off, too long, at another place or at none", () => {
    const content = contentOf(3, 4 * groupBytes)
    const assembly = begin(content)
    const group = groupOf(content, 1)
    for (const [index, bytes] of [
      [1, group.subarray(1)],
      [1, new Uint8Array(0)],
      [1, content.subarray(groupBytes, 2 * groupBytes + 1)],
      [0, group],
      [-1, group],
      [4, group]
    ] as const) {
      expect(forgedPart(() => assembly.add(index, bytes))).toBe(`group ${index}`)
    }
  })

  it("is an outline with any bit changed, too many or too few values, or a length that does not fit", () => {
    for (const length of lengths) {
      const content = contentOf(4, length)
      const id = idOf(content)
      const outline = outlineOf(content)
      expect(isOutlineOf(id, outline)).toBe(true)
      const bad: ReadonlyArray<Outline> = [
        ...[0, outline.hashes.length - 1].map((at) => ({ ...outline, hashes: flipped(outline.hashes, at) })),
        { ...outline, hashes: outline.hashes.subarray(32) },
        { ...outline, hashes: new Uint8Array(outline.hashes.length + 32) },
        ...[length + groupBytes + 1, -1, 0.5, Number.NaN, contentBytesMax + 1].map((other) => ({
          ...outline,
          length: other
        }))
      ]
      for (const one of bad) expect(isOutlineOf(id, one)).toBe(false)
      expect(forgedPart(() => assemble(id, bad[0]!, content))).toBe("its outline")
    }
  })

  it("is a length that is wrong within the last group", () => {
    const content = contentOf(5, groupBytes + 1_000)
    const outline = outlineOf(content)
    for (const length of [content.length - 1, content.length + 1, 2 * groupBytes]) {
      expect(isOutlineOf(idOf(content), { ...outline, length })).toBe(true)
      const last = new Uint8Array(groupLengthOf(length, 1))
      last.set(content.subarray(groupBytes).subarray(0, last.length))
      expect(forgedPart(() => assemble(idOf(content), { ...outline, length }, last))).toBe("group 1")
    }
  })

  it("is an outline of inner values of the tree, as soon as the last group comes", () => {
    const content = contentOf(6, 4 * groupBytes)
    const { hashes } = outlineOf(content)
    const inner = new Uint8Array(64)
    inner.set(parentOf(hashes.subarray(0, 64)), 0)
    inner.set(parentOf(hashes.subarray(64)), 32)
    const short = { length: 2 * groupBytes, hashes: inner }
    expect(isOutlineOf(idOf(content), short)).toBe(true)
    for (const index of [1, 3]) {
      expect(forgedPart(() => assemble(idOf(content), short, groupOf(content, index)))).toBe("group 1")
    }
  })

  it("says of which content, and what to do", () => {
    expect(new ContentForged({ contentId: "ab", part: "group 3" }).message).toBe(
      "Of content ab, group 3 does not verify: fetch it from another peer"
    )
  })
})
