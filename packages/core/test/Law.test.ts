import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { LawBroken, same } from "../src/testing/Law.ts"

describe("a law", () => {
  it("is kept when both sides print alike, bytes by their content", () => {
    Effect.runSync(same("x", { a: new Uint8Array([1, 2]), b: 3n }, { a: new Uint8Array([1, 2]), b: 3n }))
    Effect.runSync(same("x", undefined, undefined))
  })

  it.each([
    [1, 2],
    [new Uint8Array([1]), new Uint8Array([2])],
    [new Uint8Array(40), new Uint8Array(41)],
    [[], undefined],
    ["1", 1]
  ])("is broken by %j where %j is expected", (actual, expected) => {
    const error = Effect.runSync(Effect.flip(same("x", actual, expected)))
    expect(error).toBeInstanceOf(LawBroken)
    expect(error.message).toMatch(/^Expected x to be .*, and found /)
  })
})
