import { describe, expect, it } from "@effect/vitest"
import { fileURLToPath } from "node:url"
import { killAgainAndAgain } from "./kill/Rounds.ts"

const runtime = "Deno" in globalThis ? [process.execPath, "run", "-A"] : [process.execPath]
const child = fileURLToPath(new URL("./kill/child.ts", import.meta.url))

describe("SIGKILL, thirty times", () => {
  it("loses no acknowledged write, and adds none", { timeout: 300_000 }, async () => {
    expect(await killAgainAndAgain([...runtime, child], 30, 15_000, 2)).toBeGreaterThanOrEqual(15_000)
  })
})
