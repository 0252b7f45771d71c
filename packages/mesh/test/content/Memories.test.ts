import { ContentBusy } from "../../src/content/ServedContents.ts"
import * as ContentId from "@continuum/core/ContentId"
import { ContentStore, layerMemory } from "@continuum/core/ContentStore"
import { contentBytesMax } from "@continuum/core/Limits"
import * as Identity from "@continuum/core/Identity"
import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { groupBytes } from "../../src/content/Blake3.ts"
import * as Liars from "../../src/content/Liars.ts"
import * as ServedContents from "../../src/content/ServedContents.ts"
import * as UnfinishedContents from "../../src/content/UnfinishedContents.ts"
import { assemble, groupOf, groupsOf, outlineOf } from "../../src/content/VerifiedStream.ts"
import {
  contentLiarMs,
  contentLiarsMax,
  contentLoadsWaitingMax,
  contentServedBytesMax,
  contentUnfinishedBytesMax,
  contentUnfinishedMs
} from "../../src/Limits.ts"
import { contentOf } from "./Network.ts"

const begun = (seed: number, length = 2 * groupBytes) => {
  const content = contentOf(seed, length)
  return assemble(ContentId.of(content), outlineOf(content), groupOf(content, groupsOf(length) - 1))
}

describe("unfinished contents", () => {
  it.effect("are kept until they are taken, or too old", () =>
    Effect.gen(function* () {
      const unfinished = UnfinishedContents.make()
      const [first, second] = [begun(1), begun(2)]
      yield* unfinished.keep(first)
      expect(yield* unfinished.take(first.id)).toBe(first)
      expect(yield* unfinished.take(first.id)).toBeUndefined()
      yield* unfinished.keep(second)
      yield* TestClock.adjust(contentUnfinishedMs - 1)
      yield* unfinished.expire
      expect(yield* unfinished.take(second.id)).toBe(second)
      yield* unfinished.keep(second)
      yield* TestClock.adjust(contentUnfinishedMs)
      expect(yield* unfinished.take(second.id)).toBeUndefined()
    })
  )

  it.effect("make room for newer ones, the oldest first", () =>
    Effect.gen(function* () {
      const unfinished = UnfinishedContents.make()
      const count = contentUnfinishedBytesMax / contentBytesMax
      const all = Array.from({ length: count + 1 }, (_, i) => {
        const one = begun(i + 1)
        return { ...one, outline: { ...one.outline, length: contentBytesMax } }
      })
      for (const one of all) yield* unfinished.keep(one)
      expect(yield* unfinished.take(all[0]!.id)).toBeUndefined()
      for (const one of all.slice(1)) expect(yield* unfinished.take(one.id)).toBe(one)
    })
  )
})

describe("liars", () => {
  it.effect("are remembered for a while, the last so many", () =>
    Effect.gen(function* () {
      const liars = Liars.make()
      const peer = (i: number) => `peer ${i}` as Identity.PublicKey
      for (let i = 0; i <= contentLiarsMax; i++) yield* liars.add(peer(i))
      expect([yield* liars.has(peer(0)), yield* liars.has(peer(1))]).toEqual([false, true])
      yield* TestClock.adjust(contentLiarMs - 1)
      expect(yield* liars.has(peer(1))).toBe(true)
      yield* TestClock.adjust(1)
      expect(yield* liars.has(peer(1))).toBe(false)
    })
  )
})

/** A store that counts what is read, and reads only when it is let. */
const makeServed = Effect.fnUntraced(function* (read: (id: ContentId.ContentId) => Effect.Effect<Uint8Array>) {
  const store = yield* Effect.provide(ContentStore, layerMemory)
  const reads: Array<ContentId.ContentId> = []
  const get = (id: ContentId.ContentId) =>
    Effect.andThen(
      Effect.sync(() => reads.push(id)),
      read(id)
    )
  const contents = yield* Effect.provideContext(
    ServedContents.make,
    Context.make(ContentStore, ContentStore.of({ ...store, get }))
  )
  return { contents, reads }
})

describe("served contents", () => {
  it.effect("are read once for all who ask, and forgotten when others need the room", () =>
    Effect.gen(function* () {
      const large = new Uint8Array(contentServedBytesMax / 2)
      const { contents, reads } = yield* makeServed(() => Effect.succeed(large))
      const [a, b, c] = ["a", "b", "c"].map((text) => ContentId.of(text)) as [never, never, never]
      const both = yield* Effect.all([contents.get(a), contents.get(a)], { concurrency: 2 })
      expect(both[0]).toBe(both[1])
      yield* contents.get(b)
      yield* contents.get(a)
      expect(reads).toEqual([a, b])
      yield* contents.get(c)
      yield* contents.get(a)
      yield* contents.get(b)
      expect(reads).toEqual([a, b, c, b])
    })
  )

  it.effect("are busy for one more than may wait", () =>
    Effect.gen(function* () {
      const { contents } = yield* makeServed(() => Effect.never)
      const ids = Array.from({ length: contentLoadsWaitingMax + 1 }, (_, i) => ContentId.of(`${i}`))
      const waiting = []
      for (const id of ids.slice(1)) {
        waiting.push(yield* Effect.forkChild(contents.get(id), { startImmediately: true }))
      }
      expect((yield* Effect.flip(contents.get(ids[0]!))) instanceof ContentBusy).toBe(true)
      yield* Fiber.interrupt(waiting[5]!)
      const next = yield* Effect.forkChild(contents.get(ids[0]!), { startImmediately: true })
      expect(next.pollUnsafe()).toBeUndefined()
    })
  )
})
