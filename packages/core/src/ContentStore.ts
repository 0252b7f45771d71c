/**
 * Port: bytes kept by their content id. What `get` returns always has the id that was asked for: an implementation
 * that reads from a disk or a peer verifies before it answers.
 */
import { Context, Effect, Layer, Schema } from "effect"
import * as ContentId from "./ContentId.ts"
import { contentBytesMax } from "./Limits.ts"

/** Nobody here, and no peer that was asked, has content of this id. */
export class ContentUnknown extends Schema.TaggedError<ContentUnknown>()("ContentUnknown", {
  contentId: ContentId.ContentId,
  /** Connected peers that could be asked for it; absent when none was to be asked. */
  peers: Schema.optionalKey(Schema.Int)
}) {
  override get message() {
    const here = `There is no content ${this.contentId} here`
    if (this.peers === undefined) return here
    return this.peers === 0
      ? `${here}, and no peer is connected that could have it`
      : `${here}, and none of the ${this.peers} connected peers gives it to this node: they lack it, or do not grant content.read`
  }
}

/** The stored bytes no longer have the id they were stored under. The copy was set aside and is not served. */
export class ContentCorrupt extends Schema.TaggedError<ContentCorrupt>()("ContentCorrupt", {
  contentId: ContentId.ContentId
}) {
  override get message() {
    return `The stored copy of ${this.contentId} is damaged; it was set aside. Compile or fetch it again`
  }
}

/** The store could not keep the bytes: too large, disk full, no permission. Nothing was stored. */
export class ContentNotStored extends Schema.TaggedError<ContentNotStored>()("ContentNotStored", {
  reason: Schema.String
}) {
  override get message() {
    return `The content was not stored: ${this.reason}`
  }
}

export class ContentStore extends Context.Service<
  ContentStore,
  {
    /** Keeps the bytes and returns their id. Storing again is harmless. At most `contentBytesMax` bytes. */
    readonly put: (bytes: Uint8Array) => Effect.Effect<ContentId.ContentId, ContentNotStored>
    /** The bytes of an id, verified. */
    readonly get: (id: ContentId.ContentId) => Effect.Effect<Uint8Array, ContentUnknown | ContentCorrupt>
    readonly has: (id: ContentId.ContentId) => Effect.Effect<boolean>
    /** Forgets the bytes. Whether there were any. */
    readonly remove: (id: ContentId.ContentId) => Effect.Effect<boolean>
    /** Ids in no particular order. */
    readonly list: Effect.Effect<ReadonlyArray<ContentId.ContentId>>
  }
>()("@continuum/core/ContentStore") {}

/** Fails for bytes above the limit, the same in every implementation. */
export const checkSize = (bytes: Uint8Array): Effect.Effect<void, ContentNotStored> =>
  bytes.length > contentBytesMax
    ? Effect.fail(
        new ContentNotStored({ reason: `${bytes.length} bytes are more than the limit of ${contentBytesMax}` })
      )
    : Effect.void

/** Keeps content in memory: for tests and for a node without a disk. */
export const layerMemory: Layer.Layer<ContentStore> = Layer.sync(ContentStore, () => {
  const blobs = new Map<ContentId.ContentId, Uint8Array>()
  return {
    put: (bytes) =>
      Effect.map(checkSize(bytes), () => {
        const id = ContentId.of(bytes)
        blobs.set(id, bytes.slice())
        return id
      }),
    get: (contentId) =>
      Effect.suspend(() => {
        const bytes = blobs.get(contentId)
        return bytes === undefined ? Effect.fail(new ContentUnknown({ contentId })) : Effect.succeed(bytes.slice())
      }),
    has: (id) => Effect.sync(() => blobs.has(id)),
    remove: (id) => Effect.sync(() => blobs.delete(id)),
    list: Effect.sync(() => [...blobs.keys()])
  }
})
