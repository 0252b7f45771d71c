/**
 * Before the database is opened: was it closed properly, and if not, is it sound? A damaged one is set aside and the last
 * backup takes its place; the loss is named as far as it can be known.
 *
 * Records that can be reached but have wrong checksums do not cost the others anything: they are quarantined one by one, and
 * the database is written anew from its records.
 */
import { Effect } from "effect"
import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync
} from "node:fs"
import { type OpenReport, StorageFailed } from "./ActorStorage.ts"
import * as Check from "./ActorStorageCheckProcess.ts"
import * as Database from "./ActorStorageDatabaseLmdb.ts"
import * as Limits from "./Limits.ts"

/** Where the files of one storage are. */
export interface Files {
  readonly dir: string
  readonly database: string
  readonly backup: string
  /** What is to be the database after a compaction; of a process that was killed in the middle of it, nothing of worth. */
  readonly compacting: string
  /** Says that the database was closed properly, and what it looked like then. */
  readonly clean: string
}

export const filesOf = (dir: string): Files => ({
  dir,
  database: `${dir}/actors.mdb`,
  backup: `${dir}/actors.backup.mdb`,
  compacting: `${dir}/actors.mdb.compacting`,
  clean: `${dir}/actors.clean`
})

/** What was found, and what is still to be done once the database is open. */
export interface Recovered {
  readonly report: OpenReport
  /** Records to quarantine. */
  readonly damaged: Check.Checked["damaged"]
}

/** Makes sure that the database can be opened. Fails with `StorageFailed` when the check cannot be run. */
export const recover = (files: Files, nowMs: number): Effect.Effect<Recovered, StorageFailed> =>
  Effect.gen(function* () {
    const hasDatabase = existsSync(files.database)
    const hasBackup = existsSync(files.backup)
    if (!hasDatabase && !hasBackup && !existsSync(files.clean)) return sound(true)
    if (!hasDatabase) {
      const losses = yield* replaceMissing(files, nowMs)
      for (const loss of losses) yield* Effect.logError(loss)
      return sound(false, losses)
    }
    const left = howLeft(files)
    rmSync(files.clean, { force: true })
    if (left === "closed") return sound(true)
    yield* Effect.logInfo(
      `${files.database} ${left === "changed" ? "was changed since it was closed" : "was not closed"}; checking it`
    )
    const checked = yield* Check.check(files.database)
    if (checked.unsound === undefined) {
      // Where one part was changed by other hands, others may be that nobody can check.
      if (left === "changed" || checked.damaged.length > 0) yield* renew(files)
      return { report: { cleanStop: false, losses: checked.damaged.map(describeRecord) }, damaged: checked.damaged }
    }
    const losses = yield* replace(files, checked, nowMs)
    for (const loss of losses) yield* Effect.logError(loss)
    return sound(false, losses)
  })

/**
 * Notes that the database was closed properly. Its size and time are kept: a file that changed since is checked again. The
 * note is whole or absent; on a full disk it is absent, and the next start checks. Throws what the file system throws.
 */
export const markClean = (files: Files): void => {
  const fresh = `${files.clean}.new`
  try {
    writeFileSync(fresh, fingerprint(files.database), { mode: 0o600 })
    renameSync(fresh, files.clean)
  } finally {
    rmSync(fresh, { force: true })
  }
}

const sound = (cleanStop: boolean, losses: ReadonlyArray<string> = []): Recovered => ({
  report: { cleanStop, losses },
  damaged: []
})

/** `changed`: it was closed properly, and is not as it was then. */
const howLeft = (files: Files): "closed" | "changed" | "open" => {
  if (!existsSync(files.clean)) return "open"
  return readFileSync(files.clean, "utf8") === fingerprint(files.database) ? "closed" : "changed"
}

/**
 * Writes the database anew from its records. Where there is no room for that it stays as it is: LMDB maps the new file into
 * memory, and a disk that is full ends the process (SIGBUS) instead of failing.
 */
const renew = (files: Files): Effect.Effect<void, StorageFailed> =>
  hasRoomFor(files) ? renewNow(files) : Effect.logWarning(`There is no room to write ${files.database} anew; free some`)

// Twice the size, because a copy that is made record by record can be less dense than the original.
const hasRoomFor = (files: Files): boolean => {
  const { bavail, bsize } = statfsSync(files.dir)
  return bavail * bsize > 2 * statSync(files.database).size + Limits.renewBytesSpare
}

const renewNow = (files: Files): Effect.Effect<void, StorageFailed> =>
  Effect.tryPromise({
    try: async () => {
      const fresh = `${files.database}.renewing`
      rmSync(fresh, { force: true })
      await Database.rewrite(files.database, fresh)
      rmSync(`${fresh}-lock`, { force: true })
      syncFile(fresh)
      renameSync(fresh, files.database)
      syncFile(files.dir)
    },
    catch: (cause) => new StorageFailed({ reason: `the database could not be written anew: ${String(cause)}` })
  })

const fingerprint = (path: string): string => {
  const { mtimeMs, size } = statSync(path)
  // Whole milliseconds: not every runtime reports more.
  return JSON.stringify({ size, mtimeMs: Math.floor(mtimeMs) })
}

/** The backup in the place of a database that somebody took away, if there is one and it is sound. */
const replaceMissing = (files: Files, nowMs: number): Effect.Effect<ReadonlyArray<string>, StorageFailed> =>
  Effect.gen(function* () {
    rmSync(files.clean, { force: true })
    if (!existsSync(files.backup)) {
      return [`${files.database} is missing, and there is no backup: all actors begin anew.`]
    }
    const backup = yield* Check.check(files.backup)
    if (backup.unsound === undefined) {
      const since = described(files)
      restore(files)
      return [`${files.database} was missing. ${since} took its place; what was stored after it is lost.`]
    }
    const aside = `${asideOf(files, nowMs)}.backup`
    renameSync(files.backup, aside)
    return [
      `${files.database} is missing, and the backup is damaged (${backup.unsound}) and kept as ${aside}: all actors begin anew.`
    ]
  })

/** Where what is damaged is kept for a look. */
const asideOf = (files: Files, nowMs: number): string =>
  `${files.dir}/actors.damaged-${new Date(nowMs).toISOString().replaceAll(":", "-")}.mdb`

const replace = (
  files: Files,
  checked: Check.Checked,
  nowMs: number
): Effect.Effect<ReadonlyArray<string>, StorageFailed> =>
  Effect.gen(function* () {
    const aside = asideOf(files, nowMs)
    renameSync(files.database, aside)
    rmSync(`${files.database}-lock`, { force: true })
    forgetOldDamage(files)
    const what = `The database was damaged (${checked.unsound}) and is kept as ${aside}.`
    if (!existsSync(files.backup)) {
      return [
        `${what} There was no backup: all actors begin anew. ${named("Known to be lost", [...checked.seen.keys()])}`
      ]
    }
    const backup = yield* Check.check(files.backup)
    if (backup.unsound !== undefined) {
      renameSync(files.backup, `${aside}.backup`)
      return [
        `${what} The backup is damaged too (${backup.unsound}): all actors begin anew. ` +
          named("Known to be lost", [...checked.seen.keys()])
      ]
    }
    const since = described(files)
    restore(files)
    const older: Array<string> = []
    const missing: Array<string> = []
    for (const [address, checksum] of checked.seen) {
      const kept = backup.seen.get(address)
      if (kept === undefined) missing.push(address)
      else if (kept !== checksum) older.push(address)
    }
    const unread = [...backup.seen.keys()].filter((address) => !checked.seen.has(address))
    return [
      `${what} ${since} took its place; what was stored after it is lost. ` +
        named("Known to be older now", older) +
        named("Known to be missing", missing) +
        named("Back as they were in the backup, and possibly older", unread)
    ]
  })

const restore = (files: Files): void => {
  const fresh = `${files.database}.restoring`
  copyFileSync(files.backup, fresh)
  syncFile(fresh)
  renameSync(fresh, files.database)
  syncFile(files.dir)
}

/** Waits until a file, or the entries of a directory, are on the disk. */
export const syncFile = (path: string): void => {
  const descriptor = openSync(path, "r")
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

const described = (files: Files): string => `The backup of ${statSync(files.backup).mtime.toISOString()}`

const named = (title: string, addresses: ReadonlyArray<string>): string => {
  if (addresses.length === 0) return ""
  const more = addresses.length - Limits.lossesNamed
  return `${title}: ${addresses.slice(0, Limits.lossesNamed).join(", ")}${more > 0 ? ` and ${more} more` : ""}. `
}

const describeRecord = ({ address, reason }: { readonly address: string; readonly reason: string }): string =>
  `The stored state of ${address} is damaged and was set aside: ${reason}`

const forgetOldDamage = (files: Files): void => {
  const names = readdirSync(files.dir)
    .filter((name) => name.startsWith("actors.damaged-"))
    .sort()
  for (const name of names.slice(0, -Limits.damagedFilesKept)) rmSync(`${files.dir}/${name}`, { force: true })
}
