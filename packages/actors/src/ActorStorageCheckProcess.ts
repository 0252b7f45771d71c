/**
 * The check of a database file that may be damaged, in a process of its own, because a damaged page can end the process that
 * reads it. This file is both: `check` starts the child, and the child runs this file.
 *
 * The child prints what it has read as it goes, so that even if it dies the parent knows which records were there.
 */
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { existsSync, rmSync, statSync, writeSync } from "node:fs"
import { fileURLToPath } from "node:url"
import * as Database from "./ActorStorageDatabaseLmdb.ts"
import { StorageFailed } from "./ActorStorage.ts"
import * as Limits from "./Limits.ts"
import * as StateRecord from "./StateRecord.ts"

/** What the check found. */
export interface Checked {
  /** Why the file as a whole cannot be trusted; undefined when every record could be reached. */
  readonly unsound: string | undefined
  /** Records that can be reached and have a wrong checksum. */
  readonly damaged: ReadonlyArray<{ readonly address: string; readonly reason: string }>
  /** Checksums of the sound records that were seen, by address: all of them if the file is sound. */
  readonly seen: ReadonlyMap<string, number>
}

type Line =
  | { readonly seen: ReadonlyArray<readonly [address: string, checksum: number]> }
  | { readonly damaged: Checked["damaged"] }
  | { readonly unsound: string }

const childFlag = "--continuum-check-actor-storage"
const entry = import.meta.url.startsWith("file:") ? fileURLToPath(import.meta.url) : ""

/** Walks the file in a child process. Fails with `StorageFailed` only when no child could be started. */
export const check = (path: string): Effect.Effect<Checked, StorageFailed> =>
  Effect.ensuring(
    checkAnywhere(path),
    // LMDB makes a lock file even for a reader.
    Effect.sync(() => rmSync(`${path}-lock`, { force: true }))
  )

const checkAnywhere = (path: string): Effect.Effect<Checked, StorageFailed> =>
  existsSync(entry)
    ? checkInChild(path)
    : // Inside a single-file binary there is no file to start. A death here leaves the next start no wiser, so it is said.
      Effect.andThen(
        Effect.logWarning(
          `Checking ${path} in this process. If the process ends now, the file is damaged: restore its backup`
        ),
        Effect.sync(() => checkHere(path))
      )

const checkInChild = (path: string): Effect.Effect<Checked, StorageFailed> =>
  Effect.callback((resume) => {
    const timeoutMs = Limits.checkMsMin + Math.ceil((statSync(path).size / Limits.checkBytesPerSecond) * 1_000)
    const runtimeArguments = "Deno" in globalThis ? ["run", "--allow-all", "--quiet"] : []
    const child = spawn(process.execPath, [...runtimeArguments, entry, childFlag, path], {
      stdio: ["ignore", "pipe", "pipe"],
      timeout: timeoutMs,
      killSignal: "SIGKILL"
    })
    const found = {
      unsound: undefined as string | undefined,
      damaged: [] as Checked["damaged"],
      seen: new Map<string, number>(),
      done: false
    }
    let rest = ""
    let complaint = ""
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n")
      rest = lines.pop()!
      for (const line of lines) read(found, line)
    })
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      complaint = (complaint + chunk).slice(-500)
    })
    child.on("error", (error) => {
      const reason = `the process that checks the database could not be started: ${error.message}`
      resume(Effect.fail(new StorageFailed({ reason })))
    })
    child.on("close", (code, signal) => {
      const died = found.done
        ? undefined
        : `the process that read it ${signal === null ? `ended with code ${code}${excerpt(complaint)}` : `died of ${signal}`}`
      resume(Effect.succeed({ unsound: found.unsound ?? died, damaged: found.damaged, seen: found.seen }))
    })
    return Effect.sync(() => child.kill("SIGKILL"))
  })

const read = (
  found: { unsound: string | undefined; damaged: Checked["damaged"]; seen: Map<string, number>; done: boolean },
  text: string
): void => {
  let line: Line
  try {
    line = JSON.parse(text) as Line
  } catch {
    // Whatever else a dying runtime prints is no finding.
    return
  }
  if ("seen" in line) for (const [address, checksum] of line.seen) found.seen.set(address, checksum)
  else {
    found.done = true
    if ("damaged" in line) found.damaged = line.damaged
    else found.unsound = line.unsound
  }
}

const excerpt = (complaint: string): string => {
  const line = complaint.trim().split("\n").at(-1) ?? ""
  return line === "" ? "" : ` (${line})`
}

const seenPerLine = 64

const checkHere = (path: string, report: (line: Line) => void = () => undefined): Checked => {
  const seen = new Map<string, number>()
  let unreported: Array<readonly [string, number]> = []
  try {
    // LMDB would make the folder of a file that is gone, as when the process that asked was killed and its folder removed.
    if (!existsSync(path)) throw new Error("the file is gone")
    const database = Database.open(path, { readOnly: true })
    const { damaged } = Database.walk(database, (address, record) => {
      const checksum = StateRecord.checksum(record)
      seen.set(address, checksum)
      unreported.push([address, checksum])
      if (unreported.length === seenPerLine) {
        report({ seen: unreported })
        unreported = []
      }
    })
    report({ seen: unreported })
    report({ damaged })
    return { unsound: undefined, damaged, seen }
  } catch (cause) {
    const unsound = cause instanceof Error ? cause.message : String(cause)
    report({ seen: unreported })
    report({ unsound })
    return { unsound, damaged: [], seen }
  }
}

const flagAt = process.argv.indexOf(childFlag)
if (flagAt > 0 && process.argv[flagAt - 1] === entry) {
  // Synchronously: what was found must be out before the next page is touched.
  checkHere(process.argv[flagAt + 1]!, (line) => writeSync(1, `${JSON.stringify(line)}\n`))
  process.exit(0)
}
