/**
 * Lets a child count durably, kills it with SIGKILL again and again, and checks that nothing acknowledged is lost, and that what its
 * actors sent arrived once.
 */
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { randomOf } from "../storage/Random.ts"

interface Run {
  readonly found: Map<string, number>
  readonly acknowledged: Map<string, number>
  /** What arrived of what was sent. */
  readonly received: Map<string, number>
  readonly writes: number
}

/** Runs the child until it has acknowledged `until` writes, and kills it at once. What it found and what it acknowledged. */
const runAndKill = (command: ReadonlyArray<string>, dir: string, until: number) =>
  new Promise<Run>((resolve, reject) => {
    const child = spawn(command[0]!, [...command.slice(1), dir], { stdio: ["ignore", "pipe", "pipe"] })
    const found = new Map<string, number>()
    const acknowledged = new Map<string, number>()
    const received = new Map<string, number>()
    let writes = 0
    let rest = ""
    let complaint = ""
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => (complaint += chunk))
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n")
      rest = lines.pop()!
      for (const line of lines) {
        const [word, name, value] = line.split(" ")
        if (word === "received") received.set(name!, Number(value))
        if (word === "found") found.set(name!, Number(value))
        if (word !== "acknowledged") continue
        // Also what it had still said before it died counts: it was acknowledged.
        acknowledged.set(name!, Number(value))
        if (++writes === until) child.kill("SIGKILL")
      }
    })
    child.on("close", (code, signal) => {
      if (signal === "SIGKILL") resolve({ found, acknowledged, received, writes })
      else reject(new Error(`the child ended with ${signal ?? code}: ${complaint}`))
    })
  })

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
    for (const [name, value] of run.received) {
      if (run.found.get(name) !== value)
        throw new Error(
          `seed ${seed}, round ${round}: ${run.found.get(name)} payments were sent to ${name}, ${value} arrived`
        )
    }
    for (const [name, value] of run.found) last.set(name, value)
    for (const [name, value] of run.acknowledged) last.set(name, value)
    writes += run.writes
  }
  rmSync(dir, { recursive: true, force: true })
  return writes
}
