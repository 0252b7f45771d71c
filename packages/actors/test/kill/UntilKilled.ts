/** A process that says lines until it is killed. */
import { spawn } from "node:child_process"

/**
 * Runs the command, tells its lines with what kills it by SIGKILL, and resolves when that has happened; lines that it had said before
 * it died still come. Rejects when it ended in another way, with what it wrote to stderr.
 */
export const runUntilKilled = (
  command: ReadonlyArray<string>,
  said: (line: string, kill: () => void) => void
): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(command[0]!, command.slice(1), { stdio: ["ignore", "pipe", "pipe"] })
    const kill = () => void child.kill("SIGKILL")
    let rest = ""
    let complaint = ""
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => (complaint += chunk))
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n")
      rest = lines.pop()!
      for (const line of lines) said(line, kill)
    })
    child.on("close", (code, signal) => {
      if (signal === "SIGKILL") resolve()
      else reject(new Error(`the child ended with ${signal ?? code}: ${complaint}`))
    })
  })
