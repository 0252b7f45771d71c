import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import * as ContentStore from "../src/ContentStore.ts"
import { contentBytesMax } from "../src/Limits.ts"
import { laws } from "../src/testing/ContentStoreLaws.ts"

describe("the store in memory", () => {
  for (const { name, check } of laws) it.effect(name, () => Effect.provide(check, ContentStore.layerMemory))
})

describe("its errors", () => {
  it("say what is wrong and what to do", () => {
    const contentId = "0".repeat(64) as never
    expect(new ContentStore.ContentUnknown({ contentId }).message).toBe(`There is no content ${contentId} here`)
    const asked = (peers: number) => new ContentStore.ContentUnknown({ contentId, peers }).message
    expect(asked(0)).toContain("no peer is connected")
    expect(asked(2)).toContain("none of the 2 connected peers gives it")
    expect(new ContentStore.ContentCorrupt({ contentId }).message).toContain("Compile or fetch it again")
    const error = Effect.runSync(Effect.flip(ContentStore.checkSize(new Uint8Array(contentBytesMax + 1))))
    expect(error.message).toBe(
      `The content was not stored: ${contentBytesMax + 1} bytes are more than the limit of ${contentBytesMax}`
    )
  })
})
