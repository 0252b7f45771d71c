import * as Limits from "@continuum/persona/Limits"
import * as Query from "@continuum/persona/retrieval/Query"
import * as Thesaurus from "@continuum/persona/retrieval/Thesaurus"
import { assert, describe, it } from "@effect/vitest"

const known = new Set(["embedd", "throughput", "stop", "machin", "node", "place"])
const of = (word: string) => Query.of([word], known)[0]!

describe("the words of a question", () => {
  it("stand for themselves first, and for what the pages call the same thing", () => {
    assert.deepStrictEqual(of("throughput"), [{ term: "throughput", weight: 1 }])
    const [own, ...others] = of("laptop")
    assert.deepStrictEqual(own, { term: "laptop", weight: 1 })
    assert.isTrue(others.some(({ term, weight }) => term === "machin" && weight < 1))
  })

  it("are mended when no page has them and one that is a slip away is known, two in a long word", () => {
    assert.strictEqual(of("embdd")[0]!.term, "embedd")
    assert.strictEqual(of("troughptu")[0]!.term, "throughput")
    assert.strictEqual(of("noed")[0]!.term, "node")
    assert.isBelow(of("noed")[0]!.weight, 1)
    // A slip in a word that newcomers say is mended, too.
    assert.isTrue(of("latpop").some(({ term }) => term === "machin"))
    // Three slips, a short word and a number stay.
    for (const word of ["trouhgptuu", "stp", "no3de", "spaghetti"])
      assert.deepStrictEqual(of(word), [{ term: word, weight: 1 }])
  })

  it("are left out when they are a swap of a word that says nothing", () => {
    assert.deepStrictEqual(Query.of(["hwo", "stop", "waht"], known), Query.of(["stop"], known))
    assert.deepStrictEqual(Query.of(["hwx"], known), [[{ term: "hwx", weight: 1 }]])
  })

  it("are one where a verb has two", () => {
    for (const [question, one] of [
      ["how do I turn it off?", "how do I stop it?"],
      ["Shutting the node down", "stop the node"],
      ["get rid of it", "uninstall it"],
      ["turn the page and walk slowly off", "turn the page and walk slowly off"],
      ["a turnoff", "a turnoff"]
    ] as const) {
      assert.strictEqual(Thesaurus.withoutPhrases(question), one)
    }
  })

  it("are mended up to the limit and not beyond, and a question of many words is cut", () => {
    const slips = Array.from({ length: Limits.queryTermsMax + 1 }, () => "plcae")
    const found = Query.of(slips, known).map(([first]) => first!.term)
    assert.strictEqual(found.length, Limits.queryTermsMax)
    assert.deepStrictEqual(
      found.map((term) => term === "place"),
      found.map((_, i) => i < Limits.mendedTermsMax)
    )
  })

  it("never stand for themselves by the thesaurus, and each of its words for something", () => {
    for (const term of Thesaurus.terms) {
      assert.isFalse(Thesaurus.of(term).has(term))
      assert.isAbove(Thesaurus.of(term).size, 0, term)
    }
  })
})
