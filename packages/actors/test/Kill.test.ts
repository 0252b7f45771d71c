import { describe, expect, it } from "@effect/vitest"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { runUntil } from "./kill/Reminding.ts"
import { killAgainAndAgain } from "./kill/Rounds.ts"

const runtime = "Deno" in globalThis ? [process.execPath, "run", "-A"] : [process.execPath]
const child = fileURLToPath(new URL("./kill/child.ts", import.meta.url))

describe("a reminder whose process is killed", () => {
  it("rings after it, once, also when the kill is in the middle of its handler", async () => {
    const dir = mkdtempSync(join(tmpdir(), "remind-"))
    const reminding = [...runtime, fileURLToPath(new URL("./kill/remind.ts", import.meta.url)), dir]
    expect(await runUntil(reminding, "set")).toEqual([])
    const [first] = await runUntil(reminding, "handling")
    expect(first).toMatch(/^handling [0-9a-z]+-\d+$/)
    const [second, last] = await runUntil(reminding, "rang")
    expect(second).toBe(first)
    expect(last).toBe("rang 1")
    // It is gone: nothing rings any more in the time that it took before.
    expect(await runUntil(reminding, "quiet")).toEqual([])
    rmSync(dir, { recursive: true, force: true })
  }, 60_000)
})

describe("SIGKILL in the middle of a commit, thirty times", () => {
  it("loses no acknowledged write of states and events and adds none, and what was sent to a durable mailbox arrives once", async () => {
    const { lost, received, stored, writes } = await killAgainAndAgain([...runtime, child], 30, 1)
    expect(writes).toBeGreaterThan(1_000)
    // Before the commit had reached the file, and after.
    expect(lost).toBeGreaterThan(0)
    expect(stored).toBeGreaterThan(0)
    expect(received).toBeGreaterThan(30)
  })
})
