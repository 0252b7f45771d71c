import { assert, describe, it } from "@effect/vitest"
import * as Language from "@continuum/persona/retrieval/Language"
import * as Newcomers from "./Newcomers.ts"
import { questions, unanswerable } from "./Questions.ts"

describe("the language of a question", () => {
  it("is another one by its small words or its letters", () => {
    for (const question of [
      "Wie teile ich meinen Rechner?",
      "Was ist ein Aktor?",
      "comment arrêter le nœud",
      "¿qué es un actor?",
      "что это?",
      "这是什么"
    ]) {
      assert.isTrue(Language.isForeign(question), question)
    }
  })

  it("is English for every question in English that we have", () => {
    const { first, foreign, foreignFourth, foreignHeldOut, fourth, heldOut, second, third } = Newcomers
    const asked = [...first, ...second, ...third, ...fourth, ...heldOut, ...questions].map(({ ask }) => ask)
    for (const question of [
      ...asked,
      ...unanswerable,
      ...foreign,
      ...foreignFourth,
      ...foreignHeldOut,
      "",
      "naïve café"
    ]) {
      assert.isFalse(Language.isForeign(question), question)
    }
  })
})
