/** Starts a process and measures the time until it answers `GET /healthz` with 200. */
import { type ChildProcess, spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import process from "node:process"

const startMsMax = 30_000
const stopMsMax = 15_000
// Small against a start; a shorter one takes time from the process that is measured.
const pollMs = 2

/** A process that writes its URL and pid as JSON to a file once it serves. */
export interface Launch {
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly infoFile: string
}

/** Starts it, waits for the answer, stops it; nanoseconds from before the start to the answer. */
export const timeToHealthy = async ({ args, command, infoFile }: Launch): Promise<number> => {
  const start = performance.now()
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] })
  let output = ""
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()))
  try {
    while (performance.now() - start < startMsMax && child.exitCode === null) {
      if (await isHealthy(child, infoFile)) return (performance.now() - start) * 1_000_000
      await new Promise((done) => setTimeout(done, pollMs))
    }
    throw new Error(`It did not answer (exit code ${child.exitCode}):\n${output}`)
  } finally {
    await stop(child)
  }
}

const isHealthy = async (child: ChildProcess, infoFile: string): Promise<boolean> => {
  try {
    const { pid, url } = JSON.parse(readFileSync(infoFile, "utf8")) as { readonly pid: number; readonly url: string }
    return pid === child.pid && (await fetch(`${url}/healthz`)).status === 200
  } catch {
    // Not there yet, half written, or not listening.
    return false
  }
}

const stop = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise<void>((done) => child.once("exit", () => done()))
  child.kill("SIGTERM")
  const timer = setTimeout(() => child.kill("SIGKILL"), stopMsMax)
  await ended
  clearTimeout(timer)
}

/** The Bun that runs this program. */
export const bun = process.execPath
