/**
 * Lets a child count durably, kills it with SIGKILL again and again, and checks that nothing acknowledged is lost.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { randomOf } from "../storage/Random.ts"
import { runUntilKilled } from "./UntilKilled.ts"

interface Run {
  readonly found: Map<string, number>
  readonly acknowledged: Map<string, number>
  readonly writes: number
}

/** Runs the child until it has acknowledged `until` writes, and kills it at once. What it found and what it acknowledged. */
const runAndKill = async (command: ReadonlyArray<string>, dir: string, until: number): Promise<Run> => {
  const found = new Map<string, number>()
  const acknowledged = new Map<string, number>()
  let writes = 0
  await runUntilKilled([...command, dir], (line, kill) => {
    const [word, name, value] = line.split(" ")
    if (word === "found") found.set(name!, Number(value))
    if (word !== "acknowledged") return
    // Also what it had still said before it died counts: it was acknowledged.
    acknowledged.set(name!, Number(value))
    if (++writes === until) kill()
  })
  return { found, acknowledged, writes }
}

/** Throws when an acknowledged write is missing, or one appears that nobody made. Returns the acknowledged writes. */
export const killAgainAndAgain = async (
  command: ReadonlyArray<string>,
  rounds: number,
  writesTotal: number,
  seed: number
): Promise<number> => {
  const dir = mkdtempSync(join(tmpdir(), "kill-"))
  const below = randomOf(seed)
  const last = new Map<string, number>()
  let writes = 0
  for (let round = 0; round < rounds; round++) {
    const run = await runAndKill(command, dir, Math.ceil(writesTotal / rounds) + below(50))
    for (const [name, value] of last) {
      // At most the write in progress of each actor may have been stored without being acknowledged.
      const found = run.found.get(name)
      if (found !== value && found !== value + 1) {
        throw new Error(`seed ${seed}, round ${round}: ${name} was acknowledged at ${value} and found at ${found}`)
      }
    }
    for (const [name, value] of run.found) last.set(name, value)
    for (const [name, value] of run.acknowledged) last.set(name, value)
    writes += run.writes
  }
  rmSync(dir, { recursive: true, force: true })
  return writes
}
