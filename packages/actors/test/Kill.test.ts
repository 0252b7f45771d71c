import { describe, expect, it } from "@effect/vitest"
import { fileURLToPath } from "node:url"
import { killAgainAndAgain } from "./kill/Rounds.ts"

const runtime = "Deno" in globalThis ? [process.execPath, "run", "-A"] : [process.execPath]
const child = fileURLToPath(new URL("./kill/child.ts", import.meta.url))

describe("SIGKILL in the middle of a commit, thirty times", () => {
  it("loses no acknowledged write of states and events, and adds none", async () => {
    const { lost, stored, writes } = await killAgainAndAgain([...runtime, child], 30, 1)
    expect(writes).toBeGreaterThan(1_000)
    // Before the commit had reached the file, and after.
    expect(lost).toBeGreaterThan(0)
    expect(stored).toBeGreaterThan(0)
  })
})
