/**
 * What every ContentStore does. Run each law with an empty store.
 */
import { Effect, Fiber } from "effect"
import * as ContentId from "../ContentId.ts"
import { ContentStore } from "../ContentStore.ts"
import { contentBytesMax } from "../Limits.ts"
import { type Law, same } from "./Law.ts"

const bytesOf = (text: string) => new TextEncoder().encode(text)

const law = (
  name: string,
  check: (store: ContentStore["Service"]) => Effect.Effect<void, unknown>
): Law<ContentStore> => ({
  name,
  check: Effect.flatMap(ContentStore, check)
})

export const laws: ReadonlyArray<Law<ContentStore>> = [
  law("an empty store holds nothing", (store) =>
    Effect.gen(function* () {
      const id = ContentId.of("nobody stored this")
      yield* same("the list", yield* store.list, [])
      yield* same("has", yield* store.has(id), false)
      yield* same("remove", yield* store.remove(id), false)
      const error = yield* Effect.flip(store.get(id))
      yield* same("the error", [error._tag, error.contentId], ["ContentUnknown", id])
    })
  ),
  law("what was put is got back under its BLAKE3 hash", (store) =>
    Effect.gen(function* () {
      for (const bytes of [new Uint8Array(0), bytesOf("a"), bytesOf("x".repeat(100_000))]) {
        const id = yield* store.put(bytes)
        yield* same("the id", id, ContentId.of(bytes))
        yield* same("has", yield* store.has(id), true)
        yield* same("the bytes", yield* store.get(id), bytes)
      }
    })
  ),
  law("putting the same again changes nothing, also at the same time", (store) =>
    Effect.gen(function* () {
      const bytes = bytesOf("twice")
      const ids = yield* Effect.all(
        Array.from({ length: 8 }, () => store.put(bytes)),
        { concurrency: "unbounded" }
      )
      yield* same("the number of ids", new Set(ids).size, 1)
      yield* same("the list", yield* store.list, [ids[0]])
      yield* same("the bytes", yield* store.get(ids[0]!), bytes)
    })
  ),
  law("the list names everything once, and nothing that was removed", (store) =>
    Effect.gen(function* () {
      const texts = Array.from({ length: 50 }, (_, i) => `content ${i}`)
      const ids = yield* Effect.all(
        texts.map((text) => store.put(bytesOf(text))),
        { concurrency: 4 }
      )
      yield* same("the list", (yield* store.list).toSorted(), ids.toSorted())
      yield* same("the first remove", yield* store.remove(ids[7]!), true)
      yield* same("the second remove", yield* store.remove(ids[7]!), false)
      yield* same("has", yield* store.has(ids[7]!), false)
      yield* same("get", (yield* Effect.flip(store.get(ids[7]!)))._tag, "ContentUnknown")
      yield* same("the list", (yield* store.list).toSorted(), ids.filter((id) => id !== ids[7]).toSorted())
    })
  ),
  law("what is removed can be put again", (store) =>
    Effect.gen(function* () {
      const bytes = bytesOf("phoenix")
      const id = yield* store.put(bytes)
      yield* store.remove(id)
      yield* same("the id", yield* store.put(bytes), id)
      yield* same("the bytes", yield* store.get(id), bytes)
    })
  ),
  law("the store shares no memory with its callers", (store) =>
    Effect.gen(function* () {
      const bytes = bytesOf("mine")
      const id = yield* store.put(bytes)
      bytes.fill(0)
      const first = yield* store.get(id)
      yield* same("the bytes", first, bytesOf("mine"))
      first.fill(0)
      yield* same("the bytes", yield* store.get(id), bytesOf("mine"))
    })
  ),
  law("bytes that change while they are put are stored as they were when put began", (store) =>
    Effect.gen(function* () {
      const bytes = new Uint8Array(1_000_000).fill(1)
      const putting = yield* Effect.forkChild(store.put(bytes), { startImmediately: true })
      bytes.fill(2)
      const id = yield* Fiber.join(putting)
      yield* same("the id", id, ContentId.of(new Uint8Array(1_000_000).fill(1)))
      yield* same("the bytes", yield* store.get(id), new Uint8Array(1_000_000).fill(1))
    })
  ),
  law("a part of a larger buffer is stored alone", (store) =>
    Effect.gen(function* () {
      const buffer = bytesOf("before|inside|after")
      const id = yield* store.put(buffer.subarray(7, 13))
      yield* same("the bytes", yield* store.get(id), bytesOf("inside"))
    })
  ),
  law("content of the largest size is stored, and one byte more is not", (store) =>
    Effect.gen(function* () {
      const largest = new Uint8Array(contentBytesMax)
      const id = yield* store.put(largest)
      yield* same("the length", (yield* store.get(id)).length, contentBytesMax)
      const error = yield* Effect.flip(store.put(new Uint8Array(contentBytesMax + 1)))
      yield* same("the error", error._tag, "ContentNotStored")
      yield* same("the list", yield* store.list, [id])
    })
  )
]
