import { assert, describe, it } from "@effect/vitest"
import * as Comparison from "@continuum/persona/retrieval/Comparison"
import * as fc from "fast-check"

describe("questions that compare", () => {
  it("name two things", () => {
    for (const prompt of [
      "What is the difference between an actor and a layer?",
      "what's the difference between actor and layer",
      "actor vs. layer",
      "Actor versus layer?",
      "please compare an actor with a layer",
      "how does an actor differ from a layer?"
    ]) {
      assert.deepStrictEqual(
        Comparison.of(prompt)?.map((side) => side.toLowerCase()),
        ["actor", "layer"],
        prompt
      )
    }
  })

  it("are no others", () => {
    for (const prompt of ["", "Explain RTOS", "an actor and a layer", "what is a difference?", "vs"]) {
      assert.isUndefined(Comparison.of(prompt), prompt)
    }
  })

  it("are looked for in any text without an error, and not in long ones", () => {
    fc.assert(
      fc.property(fc.string(), (text) => void Comparison.of(text)),
      { numRuns: 200 }
    )
    assert.isUndefined(Comparison.of(`difference between ${"a and ".repeat(40)}b`))
  })
})
