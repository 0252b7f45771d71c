/**
 * Lets a child count durably until it dies by SIGKILL in the middle of a commit, again and again, and checks that nothing acknowledged
 * is lost, that nothing is there which nobody did, that events replay to what was acknowledged, and that what actors sent to durable
 * mailboxes arrived, once.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { randomOf } from "../storage/Random.ts"
import { runUntilKilled } from "./UntilKilled.ts"

interface Run {
  readonly found: Map<string, number>
  readonly acknowledged: Map<string, number>
  /** What has arrived of what was sent. */
  readonly received: Map<string, number>
  readonly writes: number
}

/** Runs the child until it has killed itself. What it found, and what it acknowledged before it died. */
const runToItsEnd = async (command: ReadonlyArray<string>): Promise<Run> => {
  const found = new Map<string, number>()
  const acknowledged = new Map<string, number>()
  const received = new Map<string, number>()
  let writes = 0
  await runUntilKilled(command, (line) => {
    const [word, name, value] = line.split(" ")
    if (word === "found") found.set(name!, Number(value))
    if (word === "received") received.set(name!, Number(value))
    if (word !== "acknowledged") return
    acknowledged.set(name!, Number(value))
    writes++
  })
  return { found, acknowledged, received, writes }
}

export interface Killed {
  readonly kills: number
  readonly writes: number
  /** Kills after which a write was there that had not been acknowledged yet: its commit was further than its answer. */
  readonly stored: number
  /** Kills that took a write in progress along. */
  readonly lost: number
  /** Looks at a durable mailbox that had got all that was sent to it. */
  readonly received: number
}

/** Throws when an acknowledged write is missing, or one appears that nobody made. */
export const killAgainAndAgain = async (
  command: ReadonlyArray<string>,
  kills: number,
  seed: number
): Promise<Killed> => {
  const dir = mkdtempSync(join(tmpdir(), "kill-"))
  const below = randomOf(seed)
  const last = new Map<string, number>()
  const seen = { kills, writes: 0, stored: 0, lost: 0, received: 0 }
  for (let round = 0; round <= kills; round++) {
    const [commit, microseconds] = [2 + below(20), below(4_000)]
    const run = await runToItsEnd([...command, dir, `${commit}`, `${microseconds}`])
    let stored = 0
    for (const [name, value] of last) {
      // At most the write in progress of each actor may have been stored without being acknowledged.
      const found = run.found.get(name)
      if (found !== value && found !== value + 1) {
        throw new Error(`seed ${seed}, round ${round}: ${name} was acknowledged at ${value} and found at ${found}`)
      }
      if (found === value + 1) stored++
    }
    for (const [name, value] of run.received) {
      seen.received++
      if (run.found.get(name) !== value)
        throw new Error(
          `seed ${seed}, round ${round}: ${run.found.get(name)} payments were sent to ${name}, ${value} arrived`
        )
    }
    if (stored > 0) seen.stored++
    if (stored < last.size) seen.lost++
    for (const [name, value] of run.found) last.set(name, value)
    for (const [name, value] of run.acknowledged) last.set(name, value)
    seen.writes += run.writes
  }
  rmSync(dir, { recursive: true, force: true })
  return seen
}
