/**
 * Stored states in one LMDB file in a directory of their own, with a checksum on every record and a backup beside it.
 *
 * A commit is one transaction and can be read at once; its second part ends when the disk has it. Writes happen on LMDB's own
 * thread. One system to a directory. What happens to a file that was not closed properly: `ActorStorageRecoveryDisk`.
 */
import * as Codec from "@continuum/core/Codec"
import * as ProcessLock from "@continuum/core/ProcessLockDisk"
import { Cause, Clock, type Duration, Effect, Layer, Result, type Scope, Semaphore } from "effect"
import { chmodSync, mkdirSync, renameSync, rmSync, statfsSync, statSync } from "node:fs"
import * as Backups from "./ActorStorageBackupsDisk.ts"
import * as Compacting from "./ActorStorageCompacting.ts"
import * as Database from "./ActorStorageDatabaseLmdb.ts"
import {
  ActorStorage,
  type Quarantined,
  RecordQuarantined,
  StorageFailed,
  StorageInUse,
  type Write
} from "./ActorStorage.ts"
import * as Recovery from "./ActorStorageRecoveryDisk.ts"
import * as Limits from "./Limits.ts"
import { RecordBlock } from "./RecordBlockLmdb.ts"
import * as StateRecord from "./StateRecord.ts"
import { WriteInBlock } from "./WriteInBlock.ts"

export interface Options {
  /** Created, with rights for its owner alone, if it is missing. */
  readonly dir: string
  /** Between two backups of a storage that changes. Default `Limits.backupEveryMs`. */
  readonly backupEvery?: Duration.Input
  /** Whether a clean stop makes a backup of what changed since the last one, unless the file is large. Default true. */
  readonly backupOnStop?: boolean
  /** Largest size of the database file. Default `Limits.storageBytesMax`. */
  readonly bytesMax?: number
}

export const layer = (options: Options): Layer.Layer<ActorStorage, StorageFailed | StorageInUse> =>
  Layer.effect(ActorStorage, make(options))

export const make = (
  options: Options
): Effect.Effect<ActorStorage["Service"], StorageFailed | StorageInUse, Scope.Scope> =>
  Effect.gen(function* () {
    const files = Recovery.filesOf(options.dir)
    yield* attempt(() => mkdirSync(options.dir, { recursive: true, mode: 0o700 }))
    yield* Effect.mapError(ProcessLock.acquire(`${options.dir}/actors.lock`), (error) =>
      error._tag === "LockHeld"
        ? new StorageInUse({ dir: options.dir, pid: error.pid })
        : new StorageFailed({ reason: error.message })
    )
    yield* attempt(() => rmSync(files.compacting, { force: true }))
    const recovered = yield* Recovery.recover(files, yield* Clock.currentTimeMillis)
    const storage = yield* open(files, recovered, options.bytesMax ?? Limits.storageBytesMax)
    for (const { address, reason } of recovered.damaged) yield* storage.service.quarantine(address, reason)
    const isSmall = () => statSync(files.database).size <= Limits.backupOnStopBytesMax
    yield* Effect.addFinalizer(() => (options.backupOnStop !== false && isSmall() ? storage.backup : Effect.void))
    const every = options.backupEvery ?? Limits.backupEveryMs
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(every), storage.backup)))
    return storage.service
  })

interface OpenStorage {
  readonly service: ActorStorage["Service"]
  /** Makes a backup if anything changed since the last. Never fails: what goes wrong is logged, and the last backup stays. */
  readonly backup: Effect.Effect<void>
}

const open = (
  files: Recovery.Files,
  recovered: Recovery.Recovered,
  bytesMax: number
): Effect.Effect<OpenStorage, StorageFailed, Scope.Scope> =>
  Effect.gen(function* () {
    let changes = 0
    let changesInBackup = 0
    const compacting = yield* Compacting.make
    const backingUp = Semaphore.makeUnsafe(1)
    // Settles when the last transaction has, and says whether it was refused.
    let lastWrite: Promise<{ readonly refused: boolean }> = Promise.resolve({ refused: false })
    let database = yield* Effect.acquireRelease(
      attempt(() => Database.open(files.database)),
      () =>
        Effect.ignore(
          Effect.tryPromise(async () => {
            const { refused } = await lastWrite
            await Database.close(database, refused)
            Recovery.markClean(files)
          })
        )
    )
    yield* attempt(() => chmodSync(files.database, 0o600))
    const quarantined = readQuarantine(database)
    const records = new RecordBlock()
    const room = makeRoom(database, bytesMax)

    /** One transaction. Only inside of `compacting.write`. */
    const write = (task: () => void): Effect.Effect<Effect.Effect<void, StorageFailed>, StorageFailed> =>
      Effect.callback((resume) => {
        let batch: Promise<boolean> & { readonly flushed?: Promise<unknown> }
        try {
          batch = database.states.batch(task)
        } catch (cause) {
          return resume(Effect.fail(failed(cause)))
        }
        let settled: (write: { readonly refused: boolean }) => void
        lastWrite = new Promise((resolve) => (settled = resolve))
        batch.then(
          () => {
            changes++
            const flushed = Promise.resolve(batch.flushed)
            flushed.finally(() => settled({ refused: false }))
            resume(Effect.succeed(Effect.tryPromise({ try: async () => void (await flushed), catch: failed })))
          },
          async (cause) => {
            const reason = await reasonOfCommit(cause, files.dir)
            settled({ refused: true })
            resume(Effect.fail(new StorageFailed({ reason })))
          }
        )
      })

    const setAside = (address: string, reason: string): Effect.Effect<void, StorageFailed> =>
      Effect.flatMap(Clock.currentTimeMillis, (timeMs) => {
        const { quarantine, states } = database
        const time = new Date(timeMs).toISOString()
        const record = states.getBinary(address)
        const entry = { address, reason, time, released: false, ...(record === undefined ? {} : { record }) }
        quarantined.set(address, { address, reason, time })
        const surplus = [
          ...quarantine.getKeys({ limit: Math.max(0, quarantine.getCount() + 1 - Limits.quarantineKept) })
        ]
        return Effect.asVoid(
          write(() => {
            ignore(states.remove(address))
            ignore(quarantine.put(`${time} ${address}`, Codec.encode(entry)))
            for (const key of surplus) ignore(quarantine.remove(key))
          })
        )
      }).pipe(compacting.write)

    /** The state of a record, or why it cannot be trusted. */
    const open = (address: string): Result.Result<Uint8Array, string> | undefined => {
      const record = database.states.getBinary(address)
      return record === undefined ? undefined : StateRecord.open(address, record)
    }

    /** Puts the compacted copy in the place of the database; nobody uses either. */
    const swap = Effect.gen(function* () {
      const bytesBefore = yield* attempt(() => statSync(files.database).size)
      const { refused } = yield* Effect.promise(() => lastWrite)
      yield* Effect.tryPromise({ try: () => Database.close(database, refused), catch: failed })
      yield* Effect.ensuring(
        attempt(() => {
          renameSync(files.compacting, files.database)
          Recovery.syncFile(files.dir)
        }),
        // Whichever of the two files it is.
        Effect.orDie(
          attempt(() => {
            database = Database.open(files.database)
          })
        )
      )
      return { bytesBefore, bytesAfter: yield* attempt(() => statSync(files.database).size) }
    })

    const service = ActorStorage.of({
      load: (address) =>
        Effect.suspend((): Effect.Effect<Uint8Array | undefined, StorageFailed | RecordQuarantined> => {
          const aside = quarantined.get(address)
          if (aside !== undefined) return Effect.fail(new RecordQuarantined({ address, reason: aside.reason }))
          return Effect.flatMap(compacting.read(attempt(() => open(address))), (state) => {
            if (state === undefined) return Effect.succeed(undefined)
            if (Result.isSuccess(state)) return Effect.succeed(state.success)
            return Effect.andThen(
              setAside(address, state.failure),
              Effect.fail(new RecordQuarantined({ address, reason: state.failure }))
            )
          })
        }),
      commit: (batch) =>
        Effect.suspend(() => {
          const problem = room.problemOf(batch)
          if (problem !== undefined) return Effect.fail(new StorageFailed({ reason: problem }))
          const { states } = database
          return write(() => {
            for (const write of batch) {
              const record = records.of(write)
              ignore(record === undefined ? states.remove(write.address) : states.put(write.address, record))
            }
          })
        }).pipe(compacting.write),
      list: (prefix, limit, from = prefix) =>
        compacting.read(
          attempt(() => [
            ...database.states.getKeys({ start: from > prefix ? from : prefix, end: `${prefix}\uffff`, limit })
          ])
        ),
      quarantine: setAside,
      release: (address) =>
        Effect.suspend(() => {
          const aside = quarantined.get(address)
          if (aside === undefined) return Effect.succeed(false)
          const key = `${aside.time} ${address}`
          const { quarantine } = database
          const entry = quarantine.getBinary(key)
          return Effect.map(
            write(() => {
              if (entry === undefined) return
              ignore(quarantine.put(key, Codec.encode({ ...(Codec.decodeUnsafe(entry) as object), released: true })))
            }),
            () => quarantined.delete(address)
          )
        }).pipe(compacting.write),
      quarantined: Effect.sync(() => [...quarantined.values()]),
      openReport: recovered.report,
      maintenance: {
        backup: (folder) =>
          Effect.flatMap(Clock.currentTimeMillis, (nowMs) =>
            compacting.read(Backups.add(folder, nowMs, (path) => Backups.copy(database, path)))
          ).pipe(backingUp.withPermits(1)),
        compact: compacting.run(
          // What is on its way is in the copy; what comes waits.
          Effect.andThen(
            Effect.promise(() => lastWrite),
            Effect.suspend(() => Backups.copy(database, files.compacting))
          ),
          () => Effect.onError(swap, () => Effect.ignore(attempt(() => rmSync(files.compacting, { force: true }))))
        ),
        bytes: attempt(() => statSync(files.database).size)
      }
    })

    const backup = Effect.gen(function* () {
      if (changes === changesInBackup) return
      const until = changes
      yield* compacting.read(Backups.copy(database, `${files.backup}.new`))
      yield* attempt(() => {
        renameSync(`${files.backup}.new`, files.backup)
        Recovery.syncFile(files.dir)
      })
      changesInBackup = until
    }).pipe(
      // Defects too: a backup that fails must not keep the database from being closed properly.
      Effect.catchCause((cause) =>
        Effect.logWarning(`No backup of ${files.database} was made, the last one stays: ${reasonOfCause(cause)}`)
      ),
      Effect.ensuring(Effect.ignore(attempt(() => rmSync(`${files.backup}.new`, { force: true }))))
    )
    return { service, backup }
  })

const readQuarantine = ({ quarantine }: Database.ActorDatabase): Map<string, Quarantined> => {
  const quarantined = new Map<string, Quarantined>()
  for (const { value } of quarantine.getRange()) {
    const { address, reason, released, time } = Codec.decodeUnsafe(value) as Quarantined & {
      readonly released: boolean
    }
    if (released) quarantined.delete(address)
    else quarantined.set(address, { address, reason, time })
  }
  return quarantined
}

/** Says why a batch has no room in the file. How large that is costs a call of LMDB, which is made when the answer may be near. */
const makeRoom = ({ root }: Database.ActorDatabase, bytesMax: number) => {
  // Bytes that may be written before the file can be as large as it may.
  let bytesSure = 0
  return {
    problemOf: (batch: ReadonlyArray<Write>): string | undefined => {
      let bytes = 0
      let bytesGrown = 0
      for (const write of batch) {
        const length = write instanceof WriteInBlock ? write.bytes : (write.state?.length ?? 0)
        bytes += length
        bytesGrown += length + pagesPerWrite * pageBytesMax
      }
      if (bytesGrown <= bytesSure) {
        bytesSure -= bytesGrown
        return undefined
      }
      if (batch.every(({ state }) => state === undefined)) return undefined
      const { lastPageNumber, pageSize } = root.getStats() as {
        readonly lastPageNumber: number
        readonly pageSize: number
      }
      const bytesFree = bytesMax - (lastPageNumber + 1) * pageSize
      bytesSure = bytesFree - bytesGrown
      return bytes <= bytesFree
        ? undefined
        : `the database would pass its limit of ${bytesMax} bytes; raise bytesMax or remove actors`
    }
  }
}

// A write copies the pages from the root to its leaf, and splits them at worst. Deeper trees hold more records than there are.
const pagesPerWrite = 16
const pageBytesMax = 16_384

// lmdb also rejects promises of operations of a batch; the batch itself says it once, and that is heard. Many operations share
// one promise.
let ignored: Promise<unknown> | undefined
const ignore = (promise: Promise<unknown>): void => {
  if (promise === ignored) return
  ignored = promise
  promise.catch(() => undefined)
}

/** The reason of a refused transaction, which lmdb hides behind a second promise. */
const reasonOfCommit = async (cause: unknown, dir: string): Promise<string> => {
  const { commitError } = cause as { readonly commitError?: Promise<never> }
  const reason = await (commitError ?? Promise.reject(cause)).catch((error: unknown) => failed(error).reason)
  // A write that was cut short by a full disk is reported as an input/output error.
  const { bavail, bsize } = statfsSync(dir)
  return bavail * bsize < bytesFreeMin ? `${reason} (the disk of ${dir} is full)` : reason
}

// Less than this free is called full: a transaction needs several pages at least. Chosen, not measured.
const bytesFreeMin = 1_048_576

const reasonOfCause = (cause: Cause.Cause<StorageFailed>): string => failed(Cause.squash(cause)).reason

const attempt = <A>(task: () => A): Effect.Effect<A, StorageFailed> => Effect.try({ try: task, catch: failed })

const failed = (cause: unknown): StorageFailed =>
  cause instanceof StorageFailed
    ? cause
    : new StorageFailed({ reason: cause instanceof Error ? cause.message : String(cause) })
