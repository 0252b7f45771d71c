import * as Differential from "@continuum/runtime-wasm/compile/Differential"
import * as Inputs from "@continuum/runtime-wasm/compile/Inputs"
import type { Answer } from "@continuum/runtime-wasm/compile/Reference"
import { assert, describe, it } from "@effect/vitest"

const inputs = Inputs.generate(["f64"], "0123456789abcdef", 40)
const value = (value: unknown) => ({ kind: "value", value }) as const
const double = ([x]: ReadonlyArray<unknown>) => (x as number) * 2
const answers: ReadonlyArray<Answer> = inputs.map((input) => value(double(input)))

describe("Differential", () => {
  it("accepts a function that answers every input alike", () => {
    assert.deepStrictEqual(
      Differential.compare(inputs, answers, (input) => value(double(input))),
      { equal: true, tested: 40 }
    )
  })

  it("finds one wrong answer among many, and shows it", () => {
    const verdict = Differential.compare(inputs, answers, ([x]) => value(x === 7 ? 15 : (x as number) * 2))
    assert.isFalse(verdict.equal)
    assert.match(verdict.equal ? "" : verdict.reason, /for 7 it gives 15, and JavaScript 14/)
  })

  it("tells -0 from 0, and NaN from nothing", () => {
    const verdict = Differential.compare(inputs, answers, ([x]) => value((x as number) * 2 + 0))
    assert.match(verdict.equal ? "" : verdict.reason, /for -0 it gives 0, and JavaScript -0/)
    assert.isTrue(Differential.same([NaN, ["a"]], [NaN, ["a"]]))
    assert.isFalse(Differential.same([1], [1, 2]))
    assert.isFalse(Differential.same("1", 1))
  })

  it("does not accept an answer where JavaScript throws, nor none in the end", () => {
    const throwing = answers.map((answer, index) =>
      index === 3 ? { kind: "throws" as const, reason: "boom" } : answer
    )
    const verdict = Differential.compare(inputs, throwing, (input) => value(double(input)))
    assert.match(verdict.equal ? "" : verdict.reason, /an error \(boom\)/)
    const endless = Differential.compare(inputs, answers, () => ({ kind: "fuel" }))
    assert.match(endless.equal ? "" : endless.reason, /no end within the fuel/)
  })

  it("lets a function decline, as long as it answers more than half", () => {
    const declining = (share: number) =>
      Differential.compare(inputs, answers, (input) =>
        inputs.indexOf(input) < inputs.length * share ? { kind: "trap" } : value(double(input))
      )
    assert.deepStrictEqual(declining(0.5), { equal: true, tested: 20 })
    assert.match((declining(0.55) as { readonly reason: string }).reason, /covers only 18 of 40/)
  })

  it("asks for some answers of the reference", () => {
    const unknown = answers.map((answer, index): Answer => (index < 37 ? { kind: "unknown" } : answer))
    const verdict = Differential.compare(inputs, unknown, (input) => value(double(input)))
    assert.match(verdict.equal ? "" : verdict.reason, /only 3 of 40/)
  })
})

describe("Inputs", () => {
  it("are the same for the same seed, and others for another", () => {
    const types = ["f64", "string", { array: "bool" }] as const
    assert.deepStrictEqual(Inputs.generate(types, "00000001", 48), Inputs.generate(types, "00000001", 48))
    assert.notDeepEqual(Inputs.generate(types, "00000001", 48), Inputs.generate(types, "00000002", 48))
  })

  it("hold the values where number code goes wrong", () => {
    const numbers = inputs.map(([x]) => x)
    for (const special of [0, -0, NaN, Infinity, -Infinity, 2 ** 31, 2 ** 53]) {
      assert.isTrue(
        numbers.some((x) => Object.is(x, special)),
        String(special)
      )
    }
  })
})
