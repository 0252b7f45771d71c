/**
 * Port: content by its id from whoever has it. What arrives is verified against the id before anyone sees it, so it does
 * not matter who sent it.
 */
import { Context, Effect, Layer } from "effect"
import type { ContentId } from "./ContentId.ts"
import { type ContentNotStored, ContentUnknown } from "./ContentStore.ts"
import type { PublicKey } from "./Identity.ts"

export class ContentRouting extends Context.Service<
  ContentRouting,
  {
    /**
     * Brings content into this node's store, unless it is there: asks `hint` first when one is given, then the other peers
     * that grant this node reading. Fails with `ContentUnknown` when nobody has it, or nobody's copy verifies.
     */
    readonly fetch: (
      id: ContentId,
      options?: { readonly hint?: PublicKey | undefined }
    ) => Effect.Effect<{ readonly fetched: boolean }, ContentUnknown | ContentNotStored>
    /** Node keys of connected peers that say they have it, nearest first. */
    readonly providers: (id: ContentId) => Effect.Effect<ReadonlyArray<PublicKey>>
  }
>()("@continuum/core/ContentRouting") {}

/** A node without a mesh: nobody else has anything. */
export const layerNone: Layer.Layer<ContentRouting> = Layer.succeed(ContentRouting, {
  fetch: (contentId) => Effect.fail(new ContentUnknown({ contentId })),
  providers: () => Effect.succeed([])
})
