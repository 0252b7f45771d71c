import { assert, describe, it } from "@effect/vitest"
import * as Bm25 from "@continuum/persona/retrieval/Bm25"
import type { Passage } from "@continuum/persona/retrieval/Page"
import * as Terms from "@continuum/persona/retrieval/Terms"

const passage = (heading: string, text: string, source = "a.md"): Passage => ({
  source,
  heading,
  path: [heading],
  text,
  kind: "prose"
})

/** Words that stand for themselves alone. */
const words = (...terms: ReadonlyArray<string>) => terms.map((term) => [{ term, weight: 1 }])

describe("BM25", () => {
  it("computes the published formula", () => {
    // Headings of stop words count nothing, so a document is its text.
    const index = Bm25.make([passage("the", "cat cat dog"), passage("the", "dog bird"), passage("the", "fish")])
    const [first, ...others] = index.search(words("cat"), 10)
    assert.deepStrictEqual(others, [])
    const idf = Math.log(1 + (3 - 1 + 0.5) / (1 + 0.5))
    const norm = 1.2 * (1 - 0.75 + (0.75 * 3) / 2)
    assert.closeTo(first!.score, (idf * 2 * 2.2) / (2 + norm), 1e-12)
    assert.strictEqual(first!.coverage, 1)
  })

  it("says how much of the question a passage has, rare words more", () => {
    const index = Bm25.make([passage("the", "cat dog"), passage("the", "dog"), passage("the", "dog")])
    const rare = Math.log(1 + 2.5 / 1.5)
    const common = Math.log(1 + 0.5 / 3.5)
    assert.closeTo(index.search(words("cat", "dog"), 9)[1]!.coverage, common / (rare + common), 1e-12)
    // A word that no passage has counts as the rarest.
    assert.isBelow(index.search(words("cat", "unicorn"), 1)[0]!.coverage, 0.5)
    assert.deepStrictEqual(index.search(words("unicorn"), 9), [])
    assert.deepStrictEqual(index.search(words(), 9), [])
  })

  it("prefers a word in the heading, then a page that is preferred, then the earlier page", () => {
    const index = Bm25.make([
      passage("the", "fuel and more", "a.md"),
      passage("Fuel", "more", "b.md"),
      passage("the", "fuel and more", "c.md")
    ])
    const order = (weight?: (source: string) => number) =>
      index.search(words("fuel"), 3, weight).map(({ passage }) => passage.source)
    assert.deepStrictEqual(order(), ["b.md", "a.md", "c.md"])
    assert.deepStrictEqual(
      order((source) => (source === "c.md" ? 9 : 1)),
      ["c.md", "b.md", "a.md"]
    )
  })

  it("prefers a heading of which a larger part was asked for, also above a longer text", () => {
    const index = Bm25.make([
      passage("Fuel tanks overseas", "fuel"),
      passage("Fuel", "fuel makes many old large machines run for some more long hours without stopping")
    ])
    assert.deepStrictEqual(
      index.search(words("fuel"), 2).map(({ passage }) => passage.heading),
      ["Fuel", "Fuel tanks overseas"]
    )
  })
})

describe("terms", () => {
  it("leave out what stands in every question, and meet in their stems", () => {
    assert.deepStrictEqual(Terms.of("What is an RTOS?"), ["rto"])
    assert.deepStrictEqual(Terms.of("Tell me about it, please"), [])
    for (const [one, other] of [
      ["sharing machines", "share a machine"],
      ["scheduling", "schedule"],
      ["swapped layers", "swap the layer"],
      ["queries", "query"],
      ["classes", "class"],
      ["stopped", "stop"],
      ["running", "run"]
    ] as const) {
      assert.deepStrictEqual(Terms.of(one), Terms.of(other))
    }
    assert.deepStrictEqual(Terms.of("bus status process"), ["bus", "status", "process"])
    assert.deepStrictEqual(Terms.of("ＲＴＯＳ"), Terms.of("RTOS"))
  })
})
