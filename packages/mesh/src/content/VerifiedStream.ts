/**
 * Content in groups of 256 KiB, each verified alone, in any order and from any sender, against the content id.
 *
 * The sender's `Outline` (length, and the chaining value of each group) must give the content id as BLAKE3's tree does; a
 * group must have its chaining value. An outline alone can still lie about the length, because inner values of the tree
 * can be passed off as groups; the last group cannot, because BLAKE3 counts chunks in it. So an `Assembly` begins with the
 * outline and the last group of one sender: whoever sent a wrong one is known, and nothing is allocated on its word.
 * Source of the idea: https://github.com/oconnor663/bao/blob/master/docs/spec.md; docs/PROTOCOL.md says what differs.
 */
import type { ContentId } from "@continuum/core/ContentId"
import { contentBytesMax } from "@continuum/core/Limits"
import { Schema } from "effect"
import { group as groupHash, groupBytes, hashBytes, rootOf } from "./Blake3.ts"

/** Bytes that were sent as a part of some content are not that part: the sender lies, or its copy is damaged. */
export class ContentForged extends Schema.TaggedError<ContentForged>()("ContentForged", {
  contentId: Schema.String,
  /** What was wrong: `its outline`, `group 7`. */
  part: Schema.String
}) {
  override get message() {
    return `Of content ${this.contentId}, ${this.part} does not verify: fetch it from another peer`
  }
}

/** What proves the groups of some content. */
export interface Outline {
  /** Bytes of the content. */
  readonly length: number
  /** The chaining values of all groups, 32 bytes each; for content of one group its hash. */
  readonly hashes: Uint8Array
}

/** Groups of content of this length; empty content has one, of no bytes. */
export const groupsOf = (length: number): number => Math.max(1, Math.ceil(length / groupBytes))

/** Bytes of one group: `groupBytes` but for the last. */
export const groupLengthOf = (length: number, index: number): number =>
  Math.min(groupBytes, length - index * groupBytes)

/** A view of one group of the content. */
export const groupOf = (content: Uint8Array, index: number): Uint8Array =>
  content.subarray(index * groupBytes, index * groupBytes + groupLengthOf(content.length, index))

/** The outline of some content, a group at each step, so that the caller can let others run in between. */
export function* outlining(content: Uint8Array): Generator<void, Outline> {
  const groups = groupsOf(content.length)
  const hashes = new Uint8Array(groups * hashBytes)
  for (let index = 0; index < groups; index++) {
    hashes.set(groupHash(groupOf(content, index), index, groups === 1), index * hashBytes)
    yield
  }
  return { length: content.length, hashes }
}

/** The outline of some content at once: about 1 ms for 1 MB. */
export const outlineOf = (content: Uint8Array): Outline => {
  const steps = outlining(content)
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

/** Whether the chaining values are as many as the length says and give the content id. Does not prove the length. */
export const isOutlineOf = (id: ContentId, { hashes, length }: Outline): boolean => {
  if (!Number.isSafeInteger(length) || length < 0 || length > contentBytesMax) return false
  const groups = groupsOf(length)
  if (hashes.length !== groups * hashBytes) return false
  return hexOf(groups === 1 ? hashes : rootOf(hashes)) === id
}

/** Content that is being put together. Every byte in it has been verified. */
export interface Assembly {
  readonly id: ContentId
  readonly outline: Outline
  readonly groups: number
  /** Verifies a group and takes it; once more does nothing. Throws `ContentForged`. */
  readonly add: (index: number, bytes: Uint8Array) => void
  readonly has: (index: number) => boolean
  /** Groups that are still to come. */
  readonly missing: () => number
  /** The content, once nothing is missing. It is not copied. */
  readonly content: () => Uint8Array
}

/** Begins with the outline and the last group, from the same sender. Throws `ContentForged` when they do not verify. */
export const assemble = (id: ContentId, outline: Outline, lastGroup: Uint8Array): Assembly => {
  if (!isOutlineOf(id, outline)) throw new ContentForged({ contentId: id, part: "its outline" })
  const groups = groupsOf(outline.length)
  verifyGroup(id, outline, groups - 1, lastGroup)
  // Made when a second group comes: a transfer that waits for its turn holds one group only.
  const last = lastGroup.slice()
  let content = groups === 1 ? last : undefined
  const taken = new Uint8Array(Math.ceil(groups / 8))
  taken[(groups - 1) >> 3] = 1 << ((groups - 1) & 7)
  let missing = groups - 1
  const has = (index: number) => ((taken[index >> 3] ?? 0) & (1 << (index & 7))) !== 0
  return {
    id,
    outline,
    groups,
    has,
    add: (index, bytes) => {
      if (has(index)) return
      verifyGroup(id, outline, index, bytes)
      if (content === undefined) {
        content = new Uint8Array(outline.length)
        content.set(last, (groups - 1) * groupBytes)
      }
      content.set(bytes, index * groupBytes)
      taken[index >> 3]! |= 1 << (index & 7)
      missing--
    },
    missing: () => missing,
    content: () => {
      if (content === undefined || missing > 0) throw new Error(`${missing} groups of ${id} are missing`)
      return content
    }
  }
}

const verifyGroup = (id: ContentId, { hashes, length }: Outline, index: number, bytes: Uint8Array): void => {
  const groups = groupsOf(length)
  if (index < 0 || index >= groups || bytes.length !== groupLengthOf(length, index)) throw forged(id, index)
  const hash = groupHash(bytes, index, groups === 1)
  const at = index * hashBytes
  for (let i = 0; i < hashBytes; i++) if (hash[i] !== hashes[at + i]) throw forged(id, index)
}

const forged = (contentId: ContentId, index: number) => new ContentForged({ contentId, part: `group ${index}` })

/** As `ContentId` writes it. */
export const hexOf = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
