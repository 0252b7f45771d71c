import { describe, expect, it } from "@effect/vitest"
import { fileURLToPath } from "node:url"
import { killAgainAndAgain } from "./kill/Rounds.ts"

const runtime = "Deno" in globalThis ? [process.execPath, "run", "-A"] : [process.execPath]
const child = fileURLToPath(new URL("./kill/child.ts", import.meta.url))

describe("SIGKILL in the middle of a commit, a thousand times", () => {
  it("loses no acknowledged write of states and events and adds none, and what was sent to a durable mailbox arrives once", async () => {
    const each = await Promise.all([2, 3, 4, 5].map((seed) => killAgainAndAgain([...runtime, child], 250, seed)))
    expect(each.reduce((sum, { kills }) => sum + kills, 0)).toBe(1_000)
    for (const { lost, received, stored, writes } of each) {
      expect(writes).toBeGreaterThan(10_000)
      expect(lost).toBeGreaterThan(10)
      expect(stored).toBeGreaterThan(10)
      expect(received).toBeGreaterThan(250)
    }
  })
})
