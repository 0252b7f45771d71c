import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Backups from "../src/ActorStorageBackupsDisk.ts"
import * as Limits from "../src/Limits.ts"
import {
  address,
  folder,
  killedMaintaining,
  killedRestoring,
  numbered,
  numbersIn,
  put,
  quiet,
  type Storage,
  using
} from "./storage/Killed.ts"

/** Two actors that always have the same number, written one transaction after the other until it is told to stop. */
const writing = (storage: Storage, isOver: () => boolean, written: { count: number }) =>
  Effect.gen(function* () {
    while (!isOver()) {
      const state = numbered(written.count + 1)
      yield* Effect.flatten(
        storage.commit([
          { address: address("one"), state },
          { address: address("two"), state }
        ])
      )
      written.count++
      yield* Effect.yieldNow
    }
  })

describe("a backup into a folder", () => {
  it.live("is a moment of all actors while they write, can be restored, and is bounded in number", () =>
    Effect.gen(function* () {
      const home = yield* folder
      const [dir, backups] = [join(home, "state"), join(home, "backups")]
      const written = { count: 0 }
      const during = yield* using(dir, (storage) =>
        Effect.gen(function* () {
          yield* put(storage, "large", new Uint8Array(3_000_000).fill(7))
          let isOver = false
          const writer = yield* Effect.forkChild(writing(storage, () => isOver, written))
          while (written.count === 0) yield* Effect.sleep(1)
          const made = []
          for (let i = 0; i < 3; i++) {
            const before = written.count
            const { bytes, path } = yield* storage.maintenance!.backup(backups)
            made.push({ before, after: written.count, path })
            expect(bytes).toBe(statSync(path).size)
            expect(statSync(path).mode & 0o777).toBe(0o600)
            yield* Effect.sleep(2)
          }
          isOver = true
          yield* Fiber.join(writer)
          // Writers went on while it was made.
          expect(made.some(({ after, before }) => after > before)).toBe(true)
          return made
        })
      )
      expect(readdirSync(backups).length).toBe(3)
      for (const { after, before, path } of during) {
        const restored = yield* Backups.restore(dir, path).pipe(quiet)
        expect(restored.records).toBe(3)
        expect(existsSync(restored.replaced!)).toBe(true)
        const [one, two] = yield* using(dir, numbersIn)
        expect(one).toBe(two)
        expect(one).toBeGreaterThanOrEqual(before)
        expect(one).toBeLessThanOrEqual(after + 1)
      }
      const kept = readdirSync(dir).filter((name) => name.startsWith("actors.replaced-"))
      expect(kept.length).toBe(Limits.replacedFilesKept)
    }).pipe(Effect.scoped)
  )

  it.live("leaves the newest of many, and nothing that is unfinished", () =>
    Effect.gen(function* () {
      const home = yield* folder
      const backups = join(home, "backups")
      mkdirSync(backups)
      for (let i = 0; i < Limits.backupsKept + 3; i++) {
        writeFileSync(join(backups, `actors-2020-01-${String(i + 1).padStart(2, "0")}T00-00-00.000Z.mdb`), "old")
      }
      writeFileSync(join(backups, "actors-2020-01-01T00-00-00.000Z.mdb.unfinished"), "half")
      writeFileSync(join(backups, "mine.txt"), "not a backup")
      yield* using(join(home, "state"), (storage) => storage.maintenance!.backup(backups))
      const left = readdirSync(backups).sort()
      expect(left).toContain("mine.txt")
      expect(left.filter((name) => name.endsWith(".mdb")).length).toBe(Limits.backupsKept)
      expect(left.filter((name) => name.includes("unfinished"))).toEqual([])
      expect(left).not.toContain("actors-2020-01-01T00-00-00.000Z.mdb")
    }).pipe(Effect.scoped)
  )

  it.live("that cannot be written says so, and leaves nothing", () =>
    Effect.gen(function* () {
      const home = yield* folder
      writeFileSync(join(home, "file"), "")
      const error = yield* using(join(home, "state"), (storage) =>
        Effect.flip(storage.maintenance!.backup(join(home, "file")))
      )
      expect(error._tag).toBe("StorageFailed")
    }).pipe(Effect.scoped)
  )
})

describe("a restore", () => {
  it.live("is refused while a system uses the directory, and names it", () =>
    Effect.gen(function* () {
      const home = yield* folder
      const dir = join(home, "state")
      const error = yield* using(dir, (storage) =>
        Effect.gen(function* () {
          const { path } = yield* storage.maintenance!.backup(join(home, "backups"))
          return yield* Effect.flip(Backups.restore(dir, path))
        })
      )
      expect(error).toMatchObject({ _tag: "StorageInUse", pid: process.pid })
      expect(error.message).toContain("Stop it")
    }).pipe(Effect.scoped)
  )

  it.live("of a damaged or missing file changes nothing", () =>
    Effect.gen(function* () {
      const home = yield* folder
      const dir = join(home, "state")
      yield* using(dir, (storage) => put(storage, "a", numbered(5)))
      const before = readFileSync(join(dir, "actors.mdb"))
      writeFileSync(join(home, "damaged.mdb"), Buffer.alloc(20_000, 1))
      for (const [name, reason] of [
        ["damaged.mdb", "is not sound"],
        ["missing.mdb", "there is no backup"]
      ] as const) {
        const error = yield* Effect.flip(Backups.restore(dir, join(home, name))).pipe(quiet)
        expect(error.message).toContain(reason)
      }
      expect(readFileSync(join(dir, "actors.mdb")).equals(before)).toBe(true)
      expect(yield* using(dir, (storage) => storage.load(address("a")))).toEqual(numbered(5))
    }).pipe(Effect.scoped)
  )

  it.live("into an empty directory makes one", () =>
    Effect.gen(function* () {
      const home = yield* folder
      const { path } = yield* using(join(home, "state"), (storage) =>
        Effect.andThen(put(storage, "a", numbered(9)), storage.maintenance!.backup(join(home, "backups")))
      )
      const other = join(home, "elsewhere")
      expect(yield* Backups.restore(other, path)).toEqual({ records: 1, replaced: undefined })
      const state = yield* using(other, (storage) =>
        Effect.andThen(
          Effect.sync(() => expect(storage.openReport.losses).toEqual([])),
          storage.load(address("a"))
        )
      )
      expect(state).toEqual(numbered(9))
    }).pipe(Effect.scoped)
  )
})

describe("a compaction", () => {
  it.live("makes the file smaller while actors read and write, and loses nothing", () =>
    Effect.gen(function* () {
      const home = yield* folder
      const dir = join(home, "state")
      const written = { count: 0 }
      yield* using(dir, (storage) =>
        Effect.gen(function* () {
          for (let i = 0; i < 20; i++) yield* put(storage, `large${i}`, new Uint8Array(200_000).fill(i))
          for (let i = 0; i < 19; i++)
            yield* Effect.flatten(storage.commit([{ address: address(`large${i}`), state: undefined }]))
          let isOver = false
          const writers = yield* Effect.forkChild(writing(storage, () => isOver, written))
          const readers = yield* Effect.forkChild(
            Effect.gen(function* () {
              while (!isOver) {
                const [one, two] = yield* numbersIn(storage)
                expect(Math.abs(one! - two!)).toBeLessThanOrEqual(1)
                yield* Effect.sleep(0)
              }
            })
          )
          yield* Effect.sleep(20)
          for (let i = 0; i < 3; i++) {
            const before = written.count
            const { bytesAfter, bytesBefore } = yield* storage.maintenance!.compact
            if (i === 0) expect(bytesAfter).toBeLessThan(bytesBefore / 2)
            expect(yield* storage.maintenance!.bytes).toBeGreaterThanOrEqual(bytesAfter)
            while (written.count <= before + 2) yield* Effect.sleep(1)
          }
          isOver = true
          yield* Fiber.join(writers)
          yield* Fiber.join(readers)
          expect(yield* numbersIn(storage)).toEqual([written.count, written.count])
        })
      )
      // And so it is after a start.
      yield* using(dir, (storage) =>
        Effect.gen(function* () {
          expect(storage.openReport).toEqual({ cleanStop: true, losses: [] })
          expect(yield* numbersIn(storage)).toEqual([written.count, written.count])
          expect((yield* storage.load(address("large19")))?.length).toBe(200_000)
        })
      )
    }).pipe(Effect.scoped)
  )

  it.live("and a backup at the same time do not harm each other", () =>
    Effect.gen(function* () {
      const home = yield* folder
      yield* using(join(home, "state"), (storage) =>
        Effect.gen(function* () {
          yield* put(storage, "a", numbered(3))
          const { backup, compact } = storage.maintenance!
          yield* Effect.all(
            [
              backup(join(home, "backups")),
              backup(join(home, "backups")),
              compact,
              compact,
              backup(join(home, "more"))
            ],
            {
              concurrency: "unbounded"
            }
          )
          expect(yield* storage.load(address("a"))).toEqual(numbered(3))
        })
      )
    }).pipe(Effect.scoped)
  )
})

describe("a process that is killed", () => {
  it.live("in the middle of backups and compactions loses nothing that it acknowledged", () => killedMaintaining(3))
  it.live("in the middle of a restore leaves the one database or the other, whole", () => killedRestoring(4))
})
