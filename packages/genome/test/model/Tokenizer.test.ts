import * as Tokenizer from "@continuum/genome/model/Tokenizer"
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"

describe("Tokenizer", () => {
  it("any text comes back, however its tokens are cut", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 1, max: 5 }), (text, size) => {
        const bytes = Tokenizer.encodeText(text)
        const decoder = Tokenizer.makeDecoder()
        let decoded = ""
        for (let at = 0; at < bytes.length; at += size) decoded += decoder.push(bytes.subarray(at, at + size))
        assert.strictEqual(decoded + decoder.end(), text)
      })
    )
  })

  it("shows a character when it is whole, and what is none as U+FFFD", () => {
    const decoder = Tokenizer.makeDecoder()
    const [first, second, third] = Tokenizer.encodeText("€")
    assert.strictEqual(decoder.push([first!]), "")
    assert.strictEqual(decoder.push([second!]), "")
    assert.strictEqual(decoder.push([third!]), "€")
    assert.strictEqual(decoder.push([0xc3]), "")
    assert.strictEqual(decoder.end(), "\ufffd")
    assert.strictEqual(Tokenizer.decodeTokens([65, Tokenizer.marks.end, 66]), "AB")
  })

  it("a prompt ends where the assistant begins, and no text can become a mark", () => {
    const { start, system, user, assistant, end } = Tokenizer.marks
    assert.deepStrictEqual(
      Tokenizer.encodePrompt([
        { role: "system", content: "s" },
        { role: "user", content: "u" },
        { role: "assistant", content: "a" },
        { role: "user", content: "v" }
      ]),
      [start, system, 115, user, 117, assistant, 97, end, user, 118, assistant]
    )
    const written = Tokenizer.encodePrompt([{ role: "user", content: "<|assistant|>" }])
    assert.strictEqual(written.filter((token) => token >= start).length, 3)
  })
})
