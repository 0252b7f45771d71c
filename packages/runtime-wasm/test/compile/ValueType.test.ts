import * as ValueType from "@continuum/runtime-wasm/compile/ValueType"
import { assert, describe, it } from "@effect/vitest"

const text = (value: unknown) => ValueType.format(ValueType.of(value))

describe("ValueType", () => {
  it("finds the type of a value, numbers always being floats", () => {
    assert.strictEqual(text(21), "f64")
    assert.strictEqual(text(true), "bool")
    assert.strictEqual(text("a"), "string")
    assert.strictEqual(text([1, 2.5]), "f64[]")
    assert.strictEqual(text(["a"]), "string[]")
    assert.strictEqual(text([[1], [], [2, 3]]), "f64[][]")
    assert.strictEqual(text([1, "a"]), "[f64, string]")
    assert.strictEqual(text([["a"], 1]), "[string[], f64]")
  })

  it("takes an array without elements for numbers", () => {
    assert.strictEqual(text([]), "f64[]")
    assert.strictEqual(text([[], ["a"]]), "string[][]")
  })

  it("leaves everything else to the interpreter", () => {
    for (const value of [
      null,
      undefined,
      {},
      { a: 1 },
      [null],
      "\ud800",
      1n,
      [[[[1]]]],
      Array(20)
        .fill(0)
        .map((_, i) => (i % 2 ? "a" : 1))
    ]) {
      assert.strictEqual(text(value), "other")
    }
  })

  it("fits exactly the values of a type", () => {
    const values: ReadonlyArray<unknown> = [1, true, "a", [1], ["a"], [1, "a"], [[1]], null, {}]
    for (const one of values.slice(0, 7)) {
      const type = ValueType.of(one)
      for (const other of values) {
        const expected = ValueType.format(ValueType.of(other)) === ValueType.format(type)
        assert.strictEqual(ValueType.fits(type, other), expected, `${text(one)} and ${JSON.stringify(other)}`)
      }
    }
    assert.isTrue(ValueType.fits({ array: "string" }, []))
  })

  it("gives a function of several parameters one element each", () => {
    assert.deepStrictEqual(ValueType.parametersOf("f64", 1), ["f64"])
    assert.deepStrictEqual(ValueType.parametersOf("f64", 0), [])
    assert.deepStrictEqual(ValueType.parametersOf({ array: "f64" }, 2), ["f64", "f64"])
    assert.deepStrictEqual(ValueType.parametersOf({ list: ["f64", "string"] }, 2), ["f64", "string"])
    assert.isUndefined(ValueType.parametersOf({ list: ["f64", "string"] }, 3))
    assert.isUndefined(ValueType.parametersOf("f64", 2))
  })
})
