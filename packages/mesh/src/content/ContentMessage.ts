/**
 * The messages of the channel `continuum/content/1`: MessagePack, decoded by Schema. docs/PROTOCOL.md describes them.
 *
 * Each side asks with numbers of its own; an answer carries the number of its request. A group comes in parts, in order,
 * until it is whole. Nothing is sent that was not asked for, so asking is also what limits the flow.
 */
import * as Codec from "@continuum/core/Codec"
import { ContentId } from "@continuum/core/ContentId"
import { contentBytesMax } from "@continuum/core/Limits"
import { Effect, Schema } from "effect"
import { contentMessageBytesMax, contentPartBytesMax } from "../Limits.ts"
import { hashBytes } from "./Blake3.ts"
import { groupsOf } from "./VerifiedStream.ts"

/** Not a message of this protocol. */
export class ContentMessageMalformed extends Schema.TaggedError<ContentMessageMalformed>()("ContentMessageMalformed", {
  reason: Schema.String
}) {
  override get message() {
    return `The peer sent what is no content message: ${this.reason}`
  }
}

/** Numbers of requests count up; 2^53 of them never come. */
const RequestNumber = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }))
const request = { request: RequestNumber }
const bytesUpTo = (max: number) =>
  Schema.Uint8Array.check(
    Schema.makeFilter((bytes: Uint8Array) => (bytes.length <= max ? undefined : `at most ${max} bytes`))
  )
const groupsMax = groupsOf(contentBytesMax)
const about = { ...request, contentId: ContentId }

/** What a peer may want of this node. */
export const ContentRequest = Schema.Union([
  /** Do you have it? Answered with Held, Missing or Refused. */
  Schema.TaggedStruct("Have", about),
  /** Its length and chaining values. Answered with Outlined, Missing, Busy or Refused. */
  Schema.TaggedStruct("Outline", about),
  /** The bytes of one group. Answered with Parts, Missing, Busy or Refused. */
  Schema.TaggedStruct("Group", {
    ...about,
    index: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: groupsMax - 1 }))
  })
])
export type ContentRequest = typeof ContentRequest.Type

export const ContentAnswer = Schema.Union([
  Schema.TaggedStruct("Held", request),
  Schema.TaggedStruct("Outlined", {
    ...request,
    length: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: contentBytesMax })),
    hashes: bytesUpTo(groupsMax * hashBytes)
  }),
  /** The next bytes of the group. `last`: there are no more. */
  Schema.TaggedStruct("Part", { ...request, bytes: bytesUpTo(contentPartBytesMax), last: Schema.Boolean }),
  Schema.TaggedStruct("Missing", request),
  /** Not now: ask again later, or somebody else. */
  Schema.TaggedStruct("Busy", request),
  /** The owner of the node does not grant `content.read`. */
  Schema.TaggedStruct("Refused", request)
])
export type ContentAnswer = typeof ContentAnswer.Type

const ContentMessage = Schema.Union([
  ...ContentRequest.members,
  ...ContentAnswer.members,
  /** The asker no longer wants the answer. */
  Schema.TaggedStruct("Cancel", request)
])
export type ContentMessage = typeof ContentMessage.Type

const decodeStructure = Schema.decodeUnknownSync(ContentMessage)

export const encode = (message: ContentMessage): Uint8Array => Codec.encode(message)

/** The message in the bytes, sharing no memory with them. Throws `ContentMessageMalformed`. */
export const decodeUnsafe = (bytes: Uint8Array): ContentMessage => {
  if (bytes.length > contentMessageBytesMax) {
    throw new ContentMessageMalformed({ reason: `${bytes.length} bytes are more than ${contentMessageBytesMax}` })
  }
  try {
    return decodeStructure(Effect.runSync(Codec.decode(bytes)))
  } catch (error) {
    throw new ContentMessageMalformed({ reason: error instanceof Error ? error.message.slice(0, 300) : String(error) })
  }
}
