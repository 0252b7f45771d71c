import { assert, describe, it } from "@effect/vitest"
import * as Exercise from "@continuum/persona/Exercise"
import * as Introduction from "@continuum/persona/Introduction"
import { find } from "@continuum/persona/Templates"
import * as fc from "fast-check"

const teacher = find("Teacher AI")!
const of = (prompt: string, layers: ReadonlyArray<string> = Exercise.allLayers) =>
  Introduction.of(teacher, prompt, layers)

describe("what a persona says of itself", () => {
  it("answers a greeting with one, by its name, with what to ask it and what it can do", () => {
    for (const prompt of ["hello", "Hi!", "hey there", "Good morning, Teacher AI.", "Hallo", "hi teacher 👋"]) {
      assert.strictEqual(of(prompt)?.reason, "greeting", prompt)
    }
    const text = of("hello")!.text
    assert.match(text, /^Hello! I am Teacher AI, a persona that explains the words and ideas behind this project\./)
    for (const { example } of Exercise.exercises) assert.include(text, example)
  })

  it("says who it is and what it can do, and is polite", () => {
    for (const prompt of [
      "Who are you?",
      "What is your name?",
      "what's your name",
      "What can you do?",
      "help",
      "so what can I ask you?",
      "hi, what can you do?",
      "Hello, who are you?",
      "hi, how are you?",
      "Tell me about yourself."
    ]) {
      assert.match(of(prompt)?.text ?? "", /^I am Teacher AI, /, prompt)
    }
    assert.strictEqual(of("Thank you very much!")?.text, "You are welcome.")
    assert.strictEqual(of("hello, thanks")?.text, "You are welcome.")
    assert.strictEqual(of("bye")?.text, "Goodbye.")
  })

  it("names only what its layers have learned", () => {
    assert.notInclude(of("what can you do?", [])!.text, "exercises")
    assert.include(of("what can you do?", ["sorting"])!.text, "sort dcba")
    assert.notInclude(of("what can you do?", ["sorting"])!.text, "12+7=")
  })

  it("says how far it can go where an exercise is beyond it", () => {
    assert.strictEqual(
      of("what is 100+100")?.text,
      "That is more than I have learned, which is sums and differences of two numbers from 0 to 99, not below 0: 12+7="
    )
  })

  it("says which layer is missing where it would be an exercise", () => {
    assert.include(of("31+44=", ["sorting"])?.text, 'That is for the layer "arithmetic", which I do not wear now')
    assert.include(of("sort dcba", [])?.reason, "sorting")
  })

  it("leaves everything else to those who may know it", () => {
    for (const prompt of [
      "",
      "Explain RTOS",
      "hello world in webassembly",
      "help me share my machine",
      "what can a layer do?",
      "who are the neighbors of a node?",
      "thanks to whom does it work?",
      "what is my node's name"
    ]) {
      assert.isUndefined(of(prompt), prompt)
    }
  })

  it("is looked for in any text, however odd or long, without an error", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.constantFrom("hello ", "thanks ", "x ".repeat(9000), "🤖")), (text) => {
        of(text)
        of(text.repeat(50))
      }),
      { numRuns: 200 }
    )
  })
})
