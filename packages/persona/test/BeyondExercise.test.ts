import { assert, describe, it } from "@effect/vitest"
import * as BeyondExercise from "@continuum/persona/BeyondExercise"
import * as Exercise from "@continuum/persona/Exercise"
import * as fc from "fast-check"

const beyond = (prompt: string, layers: ReadonlyArray<string> = Exercise.allLayers) =>
  BeyondExercise.of(prompt, layers)?.layer

describe("exercises that are more than a layer has learned", () => {
  it("are known by their shape, and no question is taken for one", () => {
    for (const [prompt, layer] of [
      ["100+100", "arithmetic"],
      ["what is 12 * 7?", "arithmetic"],
      ["1+2+3=", "arithmetic"],
      ["3 - 5 =", "arithmetic"],
      ["how much is 10 divided by 4", "arithmetic"],
      ["2.5 plus 1", "arithmetic"],
      ["reverse elephant", "reversing"],
      ["spell elephant backwards, please", "reversing"],
      ["reverse ab", "reversing"],
      ["sort the letters of mississippi", "sorting"],
      ["close (((((((((", "brackets"],
      ["date 2024-02-30", "dates"],
      ["date 1066-10-14", "dates"]
    ] as const) {
      assert.isUndefined(Exercise.recognise(prompt, Exercise.allLayers), prompt)
      assert.strictEqual(beyond(prompt), layer, prompt)
    }
    for (const prompt of [
      "",
      "12",
      "what is 20?",
      "Explain RTOS",
      "reverse proxy configuration for nginx",
      "sort out my problems with the node",
      "close the door",
      "how do I go backwards",
      "port 3000 is taken",
      "()"
    ]) {
      assert.isUndefined(beyond(prompt), prompt)
    }
  })

  it("are none of a persona that does not wear the layer", () => {
    assert.isUndefined(beyond("100+100", ["sorting"]))
    assert.strictEqual(beyond("sort mississippi", ["sorting"]), "sorting")
  })

  it("show an example that is an exercise, for each layer", () => {
    for (const { example, layer } of Exercise.exercises) {
      assert.strictEqual(Exercise.recognise(example, Exercise.allLayers)?.exercise.layer, layer)
      assert.isUndefined(beyond("hello"))
    }
  })

  it("are looked for in any text, however odd, without an error", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(..."([{<+-. 0123*x") })), (text) => {
        beyond(text)
        beyond(text.repeat(60))
      }),
      { numRuns: 300 }
    )
  })
})
