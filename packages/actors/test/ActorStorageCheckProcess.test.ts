import { expect, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const program = fileURLToPath(new URL("../src/ActorStorageCheckProcess.ts", import.meta.url))

it("a check whose folder has been removed meanwhile says so, and does not make it again", () => {
  const folder = mkdtempSync(join(tmpdir(), "actor-storage-"))
  rmSync(folder, { recursive: true })
  const file = join(folder, "from.mdb")
  const { status, stdout } = spawnSync(process.execPath, [program, "--continuum-check-actor-storage", file])
  expect(stdout.toString()).toContain('{"unsound":"the file is gone"}')
  expect(status).toBe(0)
  expect(existsSync(folder)).toBe(false)
})
