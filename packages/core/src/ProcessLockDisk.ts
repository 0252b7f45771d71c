/**
 * At most one living process holds the lock of a folder. The lock is a file that names its holder; it is stale when
 * no process of that id lives, or when that id has been given to a process that started at another time.
 *
 * Two processes that find the same stale lock cannot both get it: it appears complete or not at all (a hard link), and
 * only one at a time may remove a stale one. The folder must be on a file system that has hard links.
 */
import { Effect, Schema, type Scope } from "effect"
import { execFile } from "node:child_process"
import * as fs from "node:fs/promises"
import { setTimeout as sleep } from "node:timers/promises"

/** Another living process holds the lock. */
export class LockHeld extends Schema.TaggedError<LockHeld>()("LockHeld", {
  path: Schema.String,
  pid: Schema.Int
}) {
  override get message() {
    return `${this.path} is held by process ${this.pid}`
  }
}

/** The lock file cannot be written: no permission, no such folder, disk full. */
export class LockNotWritable extends Schema.TaggedError<LockNotWritable>()("LockNotWritable", {
  path: Schema.String,
  reason: Schema.String,
  /** The error code of the operating system, such as `ENOSPC`, where it gave one. */
  code: Schema.optionalKey(Schema.String)
}) {
  override get message() {
    return `${this.path} cannot be written: ${this.reason}`
  }
}

/** Who holds a lock. */
interface Holder {
  readonly pid: number
  /** When the process started, as the operating system tells it; empty where it does not. */
  readonly started: string
}

// Many processes may start at the same moment and find the same stale lock: 50 rounds of 10 ms let each look again
// after the winner is done. Chosen, not measured.
const roundsMax = 50
const pauseMs = 10

// Two takers in one process must not share a file.
let attempts = 0

/** Takes the lock for as long as the scope lives. Fails with `LockHeld` or `LockNotWritable`. */
export const acquire = (path: string): Effect.Effect<void, LockHeld | LockNotWritable, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<void, LockHeld | LockNotWritable>((resume) => {
      take(path).then(
        () => resume(Effect.void),
        (error: unknown) => resume(Effect.fail(error instanceof LockHeld ? error : notWritable(path, error)))
      )
    }),
    () => Effect.promise(() => fs.rm(path, { force: true }).catch(() => undefined))
  )

const notWritable = (path: string, error: unknown): LockNotWritable => {
  const { code, message } = error as NodeJS.ErrnoException
  return new LockNotWritable({ path, reason: message, ...(code === undefined ? {} : { code }) })
}

const take = async (path: string): Promise<void> => {
  const own = `${path}.${process.pid}-${++attempts}`
  const holder: Holder = { pid: process.pid, started: await startOf(process.pid) }
  try {
    await fs.writeFile(own, JSON.stringify(holder), { mode: 0o600 })
    for (let round = 0; round < roundsMax; round++) {
      if (await linked(own, path)) return
      const holder = await read(path)
      if (holder !== undefined && (await lives(holder))) throw new LockHeld({ path, pid: holder.pid })
      await removeStale(path, own)
    }
    throw new Error("other processes take and leave the lock all the time")
  } finally {
    await fs.rm(own, { force: true })
  }
}

/** Removes a lock whose holder is dead. Only the holder of `<path>.takeover` may, after looking once more. */
const removeStale = async (path: string, own: string): Promise<void> => {
  const guard = `${path}.takeover`
  if (!(await linked(own, guard))) {
    const other = await read(guard)
    // One that cannot be read has just gone; by now the name may be a third process's.
    if (other !== undefined && !(await lives(other))) await fs.rm(guard, { force: true })
    await sleep(pauseMs)
    return
  }
  try {
    const holder = await read(path)
    if (holder === undefined || !(await lives(holder))) await fs.rm(path, { force: true })
  } finally {
    await fs.rm(guard, { force: true })
  }
}

/** Gives a complete file a second name: unlike writing, it cannot be seen half done. False when the name is taken. */
const linked = async (file: string, name: string): Promise<boolean> => {
  try {
    await fs.link(file, name)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false
    throw error
  }
}

/** The holder in the file; `undefined` when the file is gone or was damaged. */
const read = async (path: string): Promise<Holder | undefined> => {
  try {
    const holder = JSON.parse(await fs.readFile(path, "utf8")) as Partial<Holder>
    return typeof holder.pid === "number" && typeof holder.started === "string"
      ? { pid: holder.pid, started: holder.started }
      : undefined
  } catch {
    return undefined
  }
}

const lives = async (holder: Holder): Promise<boolean> => {
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false
  }
  const started = await startOf(holder.pid)
  return started === "" || holder.started === "" || started === holder.started
}

/** Start time of a process: field 22 of /proc/<pid>/stat on Linux (proc(5)), else what `ps` prints, else empty. */
const startOf = async (pid: number): Promise<string> => {
  try {
    const stat = await fs.readFile(`/proc/${pid}/stat`, "utf8")
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? ""
  } catch {
    return new Promise((resolve) =>
      execFile("ps", ["-o", "lstart=", "-p", String(pid)], (error, output) => resolve(error ? "" : output.trim()))
    )
  }
}
