import { assert, describe, it } from "@effect/vitest"
import * as Limits from "@continuum/persona/Limits"
import * as Bm25 from "@continuum/persona/retrieval/Bm25"
import { Library, layerPages } from "@continuum/persona/retrieval/Library"
import { passages } from "@continuum/persona/retrieval/Page"
import { Effect, Fiber } from "effect"

const sections = Limits.passagesAtOnceMax * 6
const text = Array.from({ length: sections }, (_, i) => `## Part ${i}\n\nWord${i} and more.`).join("\n\n")
const page = { source: "a.md", text: `# All\n\n${text}` }
const wanted = [[{ term: "word7", weight: 1 }]]

describe("a library", () => {
  it.effect(
    "is indexed in pieces, between which others have their turn, and finds what an index made at once does",
    () =>
      Effect.gen(function* () {
        const library = yield* Library
        let turns = 0
        const other = yield* Effect.forkChild(
          Effect.forever(
            Effect.andThen(
              Effect.sync(() => void turns++),
              Effect.yieldNow
            )
          )
        )
        const index = yield* library.index
        yield* Fiber.interrupt(other)
        assert.isAtLeast(turns, sections / Limits.passagesAtOnceMax / 2)
        assert.deepStrictEqual(index.search(wanted, 3), Bm25.make(passages(page)).search(wanted, 3))
        // Not again: nobody has a turn while it is looked up.
        assert.strictEqual(yield* library.index, index)
      }).pipe(Effect.provide(layerPages([page])))
  )

  it.effect("that was given up half-way is made anew by whoever asks next", () =>
    Effect.gen(function* () {
      const library = yield* Library
      const first = yield* Effect.forkChild(library.index, { startImmediately: true })
      yield* Effect.yieldNow
      yield* Fiber.interrupt(first)
      assert.strictEqual((yield* library.index).search(wanted, 3)[0]?.passage.heading, "Part 7")
    }).pipe(Effect.provide(layerPages([page])))
  )
})
