import { describe, expect, it } from "@effect/vitest"
import { fileURLToPath } from "node:url"
import { killAgainAndAgain } from "./kill/Rounds.ts"

const runtime = "Deno" in globalThis ? [process.execPath, "run", "-A"] : [process.execPath]
const child = fileURLToPath(new URL("./kill/child.ts", import.meta.url))

describe("SIGKILL in the middle of a thousand acknowledged writes", () => {
  it("loses none of them, and adds none", async () => {
    expect(await killAgainAndAgain([...runtime, child], 4, 1_000, 1)).toBeGreaterThanOrEqual(1_000)
  })
})
