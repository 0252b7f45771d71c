import { describe, it } from "@effect/vitest"
import { killedMaintaining, killedRestoring } from "./storage/Killed.ts"

describe("a process that is killed many times", () => {
  it.live("in the middle of backups and compactions loses nothing that it acknowledged", () => killedMaintaining(40))
  it.live("in the middle of a restore leaves the one database or the other, whole", () => killedRestoring(60))
})
