import { assert, describe, it } from "@effect/vitest"
import * as Exercise from "@continuum/persona/Exercise"
import * as fc from "fast-check"

const all = Exercise.exercises.map(({ layer }) => layer)
const written = (prompt: string, layers: ReadonlyArray<string> = all) => {
  const found = Exercise.recognise(prompt, layers)
  return found === undefined ? undefined : `${found.exercise.layer}: ${found.prompt}`
}

describe("the router from prompts to layers", () => {
  it("writes a question in words as the layer has learned it", () => {
    const expected: ReadonlyArray<readonly [string, string]> = [
      ["12+7=", "arithmetic: 12+7="],
      ["What is 12 + 7?", "arithmetic: 12+7="],
      ["How much is 44 minus 9?", "arithmetic: 44-9="],
      ["whats 5 plus 5?", "arithmetic: 5+5="],
      ["hello, what is 12+7?", "arithmetic: 12+7="],
      ["Can you help me sort tiger?", "sorting: sort tiger"],
      ["add 12 and 7 please", "arithmetic: 12+7="],
      ["please, what is 07 plus 1", "arithmetic: 7+1="],
      ["date 2024-05-17", "dates: date 2024-05-17"],
      ["Write out the date 1999-12-28.", "dates: date 1999-12-28"],
      ["2024-02-28 in words", "dates: date 2024-02-28"],
      ["reverse hello", "reversing: reverse hello"],
      ['Can you reverse the word "Hello"?', "reversing: reverse hello"],
      ["spell hello backwards", "reversing: reverse hello"],
      ["sort dcba", "sorting: sort dcba"],
      ["Sort the letters of dcba alphabetically.", "sorting: sort dcba"],
      ["close ([{", "brackets: close ([{"],
      ["complete the brackets: ( [ <", "brackets: close ([<"],
      ["([{", "brackets: close ([{"]
    ]
    for (const [prompt, exercise] of expected) assert.strictEqual(written(prompt), exercise, prompt)
  })

  it("takes nothing that is no exercise, or one beyond what the layers have learned", () => {
    for (const prompt of [
      "",
      "Explain RTOS",
      "how do I share my machine?",
      "what is fuel?",
      "sort out my problems with the node please",
      "reverse proxy configuration for nginx",
      "what is the date today",
      "date 2024-02-30",
      "date 2023-02-29",
      "date 2024-13-01",
      "100+7=",
      "1+2+3=",
      "3-5=",
      "date 1066-10-14",
      "reverse electricity",
      "reverse ab",
      "close the door",
      "((((((((("
    ]) {
      assert.isUndefined(written(prompt), prompt)
    }
  })

  it("takes an exercise only when its layer is worn", () => {
    assert.strictEqual(written("reverse hello", ["sorting", "reversing"]), "reversing: reverse hello")
    assert.isUndefined(written("reverse hello", ["sorting"]))
    assert.isUndefined(written("reverse hello", []))
  })

  it("ends at once on any text, however long", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 300 }), (text) => {
        Exercise.recognise(text, all)
      })
    )
    const started = process.cpuUsage().user
    for (const text of ["please ".repeat(600), "( ".repeat(2000), `what is ${" ".repeat(4000)}x`, "a".repeat(4096)]) {
      assert.isUndefined(written(text))
    }
    // CPU of this process, not the clock: a pattern that backtracks without end takes minutes.
    assert.isBelow(process.cpuUsage().user - started, 5_000_000)
  })
})
