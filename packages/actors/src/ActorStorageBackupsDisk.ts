/**
 * Copies of the stored states in files: made while actors write, checked before they count, whole or absent, and bounded in
 * number. And the way back: `restore` puts one in the place of the database of a system that is stopped.
 */
import * as ProcessLock from "@continuum/core/ProcessLockDisk"
import { Clock, Effect } from "effect"
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync
} from "node:fs"
import { type Backup, StorageFailed, StorageInUse } from "./ActorStorage.ts"
import * as Check from "./ActorStorageCheckProcess.ts"
import type { ActorDatabase } from "./ActorStorageDatabaseLmdb.ts"
import * as Recovery from "./ActorStorageRecoveryDisk.ts"
import * as Limits from "./Limits.ts"

/**
 * Writes what the database holds now into a file, without what is unused in it. Checked and on the disk when it is done; when it
 * fails there is no file.
 */
export const copy = ({ root }: ActorDatabase, path: string): Effect.Effect<void, StorageFailed> =>
  Effect.gen(function* () {
    yield* attempt(() => rmSync(path, { force: true }))
    yield* Effect.tryPromise({ try: () => root.backup(path, true), catch: failed })
    // A copy of damage must not replace a sound one.
    const checked = yield* Check.check(path)
    if (checked.unsound !== undefined)
      return yield* new StorageFailed({ reason: `the copy is not sound: ${checked.unsound}` })
    yield* attempt(() => {
      chmodSync(path, 0o600)
      Recovery.syncFile(path)
    })
  }).pipe(
    // Defects too: what is left of a failed copy must not be taken for one.
    Effect.onError(() => Effect.ignore(attempt(() => rmSync(path, { force: true })))),
    Effect.ensuring(Effect.ignore(attempt(() => rmSync(`${path}-lock`, { force: true }))))
  )

/** Adds a backup to a folder and removes the oldest beyond `Limits.backupsKept`. `write` makes the file. */
export const add = (
  folder: string,
  nowMs: number,
  write: (path: string) => Effect.Effect<void, StorageFailed>
): Effect.Effect<Backup, StorageFailed> =>
  Effect.gen(function* () {
    yield* attempt(() => mkdirSync(folder, { recursive: true, mode: 0o700 }))
    // What a process left that was killed while it wrote one.
    for (const name of yield* attempt(() => readdirSync(folder))) {
      if (isUnfinished(name)) yield* attempt(() => rmSync(`${folder}/${name}`, { force: true }))
    }
    const path = `${folder}/${prefix}${new Date(nowMs).toISOString().replaceAll(":", "-")}${suffix}`
    const unfinished = `${path}${unfinishedSuffix}`
    yield* write(unfinished)
    return yield* attempt(() => {
      renameSync(unfinished, path)
      Recovery.syncFile(folder)
      const finished = readdirSync(folder).filter(isFinished).sort()
      for (const name of finished.slice(0, -Limits.backupsKept)) rmSync(`${folder}/${name}`, { force: true })
      return { path, bytes: statSync(path).size }
    })
  })

const prefix = "actors-"
const suffix = ".mdb"
const unfinishedSuffix = ".unfinished"
const isFinished = (name: string): boolean => name.startsWith(prefix) && name.endsWith(suffix)
const isUnfinished = (name: string): boolean =>
  name.startsWith(prefix) && (name.endsWith(unfinishedSuffix) || name.endsWith(`${unfinishedSuffix}-lock`))

/** What was restored. */
export interface Restored {
  /** Records in the backup. */
  readonly records: number
  /** Where the database is that it replaced; undefined when there was none. */
  readonly replaced: string | undefined
}

/**
 * Puts a backup in the place of the database in `dir`. The file is checked first, and the database that it replaces is kept
 * beside it, the last `Limits.replacedFilesKept` of them. At every moment the one or the other is there, whole.
 * Fails with `StorageInUse` when a system uses the directory.
 */
export const restore = (dir: string, from: string): Effect.Effect<Restored, StorageFailed | StorageInUse> =>
  Effect.gen(function* () {
    const files = Recovery.filesOf(dir)
    if (!existsSync(from)) return yield* new StorageFailed({ reason: `there is no backup at ${from}` })
    yield* attempt(() => mkdirSync(dir, { recursive: true, mode: 0o700 }))
    yield* Effect.mapError(ProcessLock.acquire(`${dir}/actors.lock`), (error) =>
      error._tag === "LockHeld"
        ? new StorageInUse({ dir, pid: error.pid })
        : new StorageFailed({ reason: error.message })
    )
    const checked = yield* Check.check(from)
    if (checked.unsound !== undefined)
      return yield* new StorageFailed({ reason: `the backup ${from} is not sound: ${checked.unsound}` })
    const nowMs = yield* Clock.currentTimeMillis
    return yield* attempt(() => {
      const fresh = `${files.database}.restoring`
      rmSync(fresh, { force: true })
      const { bavail, bsize } = statfsSync(dir)
      if (bavail * bsize < statSync(from).size + Limits.renewBytesSpare) throw new Error(`the disk of ${dir} is full`)
      copyFileSync(from, fresh)
      chmodSync(fresh, 0o600)
      Recovery.syncFile(fresh)
      const replaced = existsSync(files.database)
        ? `${dir}/${replacedPrefix}${new Date(nowMs).toISOString().replaceAll(":", "-")}.mdb`
        : undefined
      // A second name for the old file, so that there is no moment without a database.
      if (replaced !== undefined) linkSync(files.database, replaced)
      // The next start looks at the file instead of believing a note about another one.
      rmSync(files.clean, { force: true })
      renameSync(fresh, files.database)
      rmSync(`${files.database}-lock`, { force: true })
      // It is of the database that was replaced, and must not come back for this one.
      rmSync(files.backup, { force: true })
      Recovery.syncFile(dir)
      const old = readdirSync(dir).filter((name) => name.startsWith(replacedPrefix))
      for (const name of old.sort().slice(0, -Limits.replacedFilesKept)) rmSync(`${dir}/${name}`, { force: true })
      return { records: checked.seen.size, replaced }
    })
  }).pipe(Effect.scoped)

const replacedPrefix = "actors.replaced-"

const attempt = <A>(task: () => A): Effect.Effect<A, StorageFailed> => Effect.try({ try: task, catch: failed })

const failed = (cause: unknown): StorageFailed =>
  new StorageFailed({ reason: cause instanceof Error ? cause.message : String(cause) })
