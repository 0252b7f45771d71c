/**
 * The name of some bytes is their BLAKE3 hash: 32 bytes, written as 64 hexadecimal digits, equal to what `b3sum` prints.
 *
 * Content is hashed as it is, uncompressed, so that every node and every tool gives it the same name.
 * Source of the algorithm: https://github.com/BLAKE3-team/BLAKE3-specs (implementation: hash-wasm).
 */
import { Effect, Schema } from "effect"
import { createBLAKE3 } from "hash-wasm"

/** The text is no content id. */
export class ContentIdMalformed extends Schema.TaggedError<ContentIdMalformed>()("ContentIdMalformed", {
  input: Schema.String
}) {
  override get message() {
    return `"${this.input.slice(0, 80)}" is not a content id: it must be 64 hexadecimal digits, as printed by b3sum`
  }
}

/** 64 lower-case hexadecimal digits. */
export const ContentId = Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/)).pipe(Schema.brand("ContentId"))
export type ContentId = typeof ContentId.Type

const hasher = await createBLAKE3()

/** The content id of bytes, or of a text as UTF-8. About 300-500 MB/s. */
export const of = (content: Uint8Array | string): ContentId => {
  hasher.init()
  hasher.update(content)
  return hasher.digest("hex") as ContentId
}

/** Whether these bytes have this id. */
export const verify = (id: ContentId, content: Uint8Array): boolean => of(content) === id

/** Reads an id as a person types it: capital letters and the prefix `blake3:` are accepted. Fails with `ContentIdMalformed`. */
export const parse = (input: string): Effect.Effect<ContentId, ContentIdMalformed> => {
  const digits = input.toLowerCase().replace(/^blake3:/, "")
  return Schema.is(ContentId)(digits) ? Effect.succeed(digits) : Effect.fail(new ContentIdMalformed({ input }))
}
