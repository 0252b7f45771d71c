import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "fast-check"
import * as Nearest from "../src/Nearest.ts"

const commands = ["status", "actors/list", "actors/inspect", "jit/run", "jit/compile", "modules/list"]

describe("Nearest", () => {
  it("finds what was meant by a slip of the fingers", () => {
    for (const [typed, meant] of [
      ["staus", "status"],
      ["sttaus", "status"],
      ["jit/rn", "jit/run"],
      ["jit/rnu", "jit/run"],
      ["module/list", "modules/list"],
      ["actors/ls", "actors/list"],
      ["actors/inspectt", "actors/inspect"],
      ["stat", "status"]
    ] as const) {
      assert.strictEqual(Nearest.of(typed, commands)[0], meant, typed)
    }
  })

  it("finds what was typed in other case, however long, before anything else", () => {
    assert.strictEqual(Nearest.of("STATUS", commands)[0], "status")
    assert.strictEqual(Nearest.of("TELL", ["tall", "tell"])[0], "tell")
  })

  it("names nothing when nothing is near", () => {
    assert.deepStrictEqual(Nearest.of("frobnicate", commands), [])
    assert.deepStrictEqual(Nearest.of("x", commands), [])
  })

  it("names the nearest first, and at most three", () => {
    const names = ["counter/cart-44", "counter/cart-42", "counter/card-42", "counter/cart-4", "persona/teacher"]
    assert.deepStrictEqual(Nearest.of("counter/cart-42x", names), [
      "counter/cart-42",
      "counter/cart-44",
      "counter/card-42"
    ])
  })

  it("measures a distance: zero only to itself, the same both ways, at most the longer length", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.string({ maxLength: 12 }), FastCheck.string({ maxLength: 12 }), (a, b) => {
        const distance = Nearest.distanceOf(a, b)
        assert.strictEqual(distance === 0, a === b)
        assert.strictEqual(distance, Nearest.distanceOf(b, a))
        assert.isAtMost(distance, Math.max(a.length, b.length))
        assert.isAtLeast(distance, Math.abs(a.length - b.length))
      })
    )
  })

  it("counts a swap of neighbours as one", () => {
    assert.strictEqual(Nearest.distanceOf("ab", "ba"), 1)
    assert.strictEqual(Nearest.distanceOf("status", "sttaus"), 1)
    assert.strictEqual(Nearest.distanceOf("abc", "ca"), 3)
  })
})
