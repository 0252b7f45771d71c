import { assert, describe, it } from "@effect/vitest"
import * as Limits from "@continuum/persona/Limits"
import { passages } from "@continuum/persona/retrieval/Page"

const of = (text: string) => passages({ source: "docs/X.md", text })

describe("a page", () => {
  it("becomes passages below their headings, in words without Markdown", () => {
    const found = of(
      "Before.\n\n# Title\n\nFirst [link](https://x.example) and **bold**\nin two lines.\n\n## Part `one`\n\n- a\n- b\n  more\n"
    )
    assert.deepStrictEqual(
      found.map(({ heading, path, text }) => ({ heading, path, text })),
      [
        { heading: "docs/X.md", path: [], text: "Before." },
        { heading: "Title", path: ["Title"], text: "First link and bold in two lines." },
        { heading: "Part `one`", path: ["Title", "Part `one`"], text: "- a\n- b more" }
      ]
    )
  })

  it("keeps code as it is, behind the paragraph that introduces it, and headings in code are none", () => {
    const [only, ...others] = of("# T\n\nRun this:\n\n```sh\n# a comment\nnpm start\n```\n")
    assert.deepStrictEqual(others, [])
    assert.strictEqual(only!.text, "Run this:\n\n    # a comment\n    npm start")
  })

  it("makes a passage of each row of a table, with the heads where there are several columns", () => {
    const found = of("# T\n\n| a | b | c |\n| --- | --- | --- |\n| x | y \\| z | - |\n| p | q | r |\n")
    assert.deepStrictEqual(
      found.map(({ kind, text }) => [kind, text]),
      [
        ["row", "x: b: y | z"],
        ["row", "p: b: q; c: r"]
      ]
    )
    assert.strictEqual(of("| flag | meaning |\n| --- | --- |\n| `--port` | the port |")[0]!.text, "`--port`: the port")
  })

  it("puts paragraphs together up to the limit, and not beyond", () => {
    const half = "a".repeat(Limits.passageCharactersMax / 2)
    assert.strictEqual(of(`# T\n\n${half}\n\n${half}\n`).length, 1)
    assert.strictEqual(of(`# T\n\n${half}\n\n${half}b\n`).length, 2)
  })

  it("reads any text to its end, also a fence that is never closed", () => {
    assert.strictEqual(of("```\nnever closed").length, 1)
    assert.deepStrictEqual(of(""), [])
    assert.strictEqual(of("| a |\n| b |").length, 1)
  })
})
