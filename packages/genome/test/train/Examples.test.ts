import * as Examples from "@continuum/genome/train/Examples"
import * as Splits from "@continuum/genome/train/Splits"
import * as Domains from "@continuum/genome/train/tiny/Domains"
import * as Training from "@continuum/genome/train/Training"
import * as RandomStream from "@continuum/genome/model/RandomStream"
import { marks } from "@continuum/genome/model/Tokenizer"
import { assert, describe, it } from "@effect/vitest"

const example = (content: string, answer: string): Examples.Example => ({ turns: [{ role: "user", content }], answer })

describe("Examples", () => {
  it("only answers count, their end mark included", () => {
    const { tokens, targets, counts } = Examples.single([example("ab", "c")], 8)
    assert.deepStrictEqual([...tokens], [marks.start, marks.user, 97, 98, marks.assistant, 99, marks.pad, marks.pad])
    assert.deepStrictEqual([...counts], [0, 0, 0, 0, 1, 1, 0, 0])
    assert.deepStrictEqual([targets[4], targets[5]], [99, marks.end])
  })

  it("rows are filled, no example is cut, and one that is too long is refused", () => {
    let drawn = 0
    const { tokens, counts } = Examples.packed(() => example("ab", String(drawn++)), RandomStream.make(1), 3, 14)
    assert.strictEqual(drawn, 7)
    assert.strictEqual([...tokens].filter((token) => token === marks.start).length, 6)
    assert.strictEqual(
      counts.reduce((sum, one) => sum + one, 0),
      12
    )
    assert.throws(() => Examples.packed(() => example("abcdefgh", "ijkl"), RandomStream.make(1), 1, 14), RangeError)
  })

  it("one wrong token makes an answer wrong", () => {
    const batch = Examples.single([example("a", "bc"), example("d", "ef")], 8)
    const predicted = batch.targets.slice()
    assert.deepStrictEqual(Examples.exact(batch, predicted, 2), [true, true])
    predicted[12] = 0
    assert.deepStrictEqual(Examples.exact(batch, predicted, 2), [true, false])
    // What comes before the answer is nobody's business.
    predicted[1] = 0
    assert.deepStrictEqual(Examples.exact(batch, predicted, 2), [true, false])
  })

  it("no prompt is in two splits, and each split has some of every domain", () => {
    const seen = new Map<string, Splits.Split>()
    for (const domain of Domains.domains) {
      for (const split of ["train", "select", "report"] as const) {
        const random = RandomStream.make(7)
        for (let i = 0; i < 50; i++) {
          const prompt = Domains.source(domain, split)(random).turns.at(-1)!.content
          assert.strictEqual(seen.get(prompt) ?? split, split)
          seen.set(prompt, split)
        }
      }
    }
    const words = Array.from({ length: 3000 }, (_, i) => Splits.of(`prompt ${i}`))
    assert.closeTo(words.filter((split) => split === "train").length / 3000, 0.8, 0.03)
    assert.closeTo(words.filter((split) => split === "report").length / 3000, 0.1, 0.02)
  })

  it("a layer learns the shortest prompts by heart, and no report or selection has one", () => {
    const isShortest = (prompt: string) => /^\d[+-]\d=$|^close .{1,3}$/.test(prompt)
    for (const domain of Domains.withShortest) {
      const random = RandomStream.make(11)
      const prompts = (source: Examples.Source) =>
        Array.from({ length: 400 }, () => source(random).turns.at(-1)!.content)
      assert.isTrue(prompts(Domains.shortest(domain)).every(isShortest))
      assert.isAbove(prompts(Domains.source(domain, "train")).filter(isShortest).length, 10)
      for (const split of ["select", "report"] as const) {
        assert.isFalse(prompts(Domains.source(domain, split)).some(isShortest))
      }
    }
  })

  it("answers of every domain are right", () => {
    const random = RandomStream.make(3)
    for (let i = 0; i < 100; i++) {
      const sum = Domains.source("arithmetic", "train")(random)
      const [, a, operator, b] = /^(\d+)([+-])(\d+)=$/.exec(sum.turns[0]!.content)!
      assert.strictEqual(sum.answer, String(operator === "+" ? Number(a) + Number(b) : Number(a) - Number(b)))
      const date = Domains.source("dates", "train")(random)
      const [, iso] = /^date (.*)$/.exec(date.turns[0]!.content)!
      assert.strictEqual(new Date(`${date.answer} UTC`).toISOString().slice(0, 10), iso)
      const reversed = Domains.source("reversing", "train")(random)
      assert.strictEqual(`reverse ${[...reversed.answer].toReversed().join("")}`, reversed.turns[0]!.content)
      const sorted = Domains.source("sorting", "train")(random)
      assert.strictEqual(sorted.answer, sorted.turns[0]!.content.slice(5).split("").toSorted().join(""))
    }
  })

  it("the rate rises, and then falls to a twentieth", () => {
    const rates = Array.from({ length: 100 }, (_, step) => Training.rateAt(step, 100))
    assert.strictEqual(Math.max(...rates), 1)
    assert.strictEqual(rates[0], 0.2)
    assert.closeTo(rates[99]!, 0.06, 0.01)
    assert.isTrue(rates.slice(5).every((rate, i, all) => i === 0 || rate < all[i - 1]!))
  })
})
