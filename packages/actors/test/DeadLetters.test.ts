import { describe, expect, it } from "@effect/vitest"
import { DeadLetters } from "../src/DeadLetters.ts"
import { deadLettersMax } from "../src/Limits.ts"

describe("dead letters", () => {
  it("are kept newest first, with time, address, message and reason", () => {
    const letters = new DeadLetters()
    letters.add(0, "continuum://local/a/b", "add", "it was full")
    letters.add(1_000, "continuum://local/a/c", "get", "it was stopped")
    expect(letters.list()).toEqual([
      {
        time: "1970-01-01T00:00:01.000Z",
        address: "continuum://local/a/c",
        messageName: "get",
        reason: "it was stopped"
      },
      { time: "1970-01-01T00:00:00.000Z", address: "continuum://local/a/b", messageName: "add", reason: "it was full" }
    ])
  })

  it("make room for newer ones beyond their limit, and are all counted", () => {
    const letters = new DeadLetters()
    for (let i = 0; i < deadLettersMax; i++) letters.add(0, "a", `m${i}`, "")
    expect(letters.list().at(-1)!.messageName).toBe("m0")
    letters.add(0, "a", "one more", "")
    letters.add(0, "a", "two more", "")
    const names = letters.list().map(({ messageName }) => messageName)
    expect(names).toHaveLength(deadLettersMax)
    expect(names.slice(0, 3)).toEqual(["two more", "one more", `m${deadLettersMax - 1}`])
    expect(names.at(-1)).toBe("m2")
    expect(letters.total).toBe(deadLettersMax + 2)
  })
})
