import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import * as Database from "../src/ActorStorageDatabaseLmdb.ts"
import * as ActorStorageLmdb from "../src/ActorStorageLmdb.ts"
import {
  address,
  expectNothingSilentlyWrong,
  many,
  population,
  scribble,
  stateOf,
  store,
  tamper,
  temporaryDir,
  withStorage
} from "./storage/Damage.ts"

describe("a directory", () => {
  it.live("keeps its states when it is closed and opened again", () =>
    Effect.gen(function* () {
      const dir = yield* temporaryDir
      yield* withStorage({ dir }, (storage) => store(storage, ["a", 1], ["b", 2]))
      yield* withStorage({ dir }, (storage) =>
        Effect.gen(function* () {
          expect(storage.openReport).toEqual({ cleanStop: true, losses: [] })
          expect(yield* storage.load(address("a"))).toEqual(stateOf("a", 1))
          expect(yield* storage.list("", 10)).toEqual([address("a"), address("b")])
        })
      )
    })
  )

  it.live("is for its owner alone", () =>
    Effect.gen(function* () {
      const dir = join(yield* temporaryDir, "deeper", "still")
      yield* withStorage({ dir, backupOnStop: true }, (storage) => store(storage, ["a", 1]))
      expect(fs.statSync(dir).mode & 0o777).toBe(0o700)
      for (const name of ["actors.mdb", "actors.backup.mdb"])
        expect(fs.statSync(join(dir, name)).mode & 0o777).toBe(0o600)
    })
  )

  it.live("is refused to a second system, naming the process that has it, and free again after the first", () =>
    Effect.gen(function* () {
      const dir = yield* temporaryDir
      yield* withStorage({ dir }, () =>
        Effect.gen(function* () {
          const error = yield* Effect.flip(withStorage({ dir }, () => Effect.void))
          expect(error).toMatchObject({ _tag: "StorageInUse", dir, pid: process.pid })
          expect(error.message).toContain("use another directory")
        })
      )
      yield* withStorage({ dir }, (storage) => store(storage, ["a", 1]))
    })
  )

  it.live("that cannot be made fails with the reason", () =>
    Effect.gen(function* () {
      const file = join(yield* temporaryDir, "file")
      fs.writeFileSync(file, "")
      const error = yield* Effect.flip(withStorage({ dir: join(file, "below") }, () => Effect.void))
      expect(error).toMatchObject({ _tag: "StorageFailed" })
      expect(error.message).toMatch(/ENOTDIR|not a directory/i)
    })
  )

  it.live("refuses to grow beyond its limit, and takes what fits", () =>
    Effect.gen(function* () {
      const dir = yield* temporaryDir
      yield* withStorage({ dir, bytesMax: 200_000 }, (storage) =>
        Effect.gen(function* () {
          yield* store(storage, ["a", 1])
          const error = yield* Effect.flip(
            storage.commit([{ address: address("big"), state: new Uint8Array(300_000) }])
          )
          expect(error.reason).toContain("limit of 200000 bytes")
          expect(yield* storage.load(address("big"))).toBeUndefined()
          yield* store(storage, ["a", 2])
          yield* Effect.flatten(storage.commit([{ address: address("a"), state: undefined }]))
        })
      )
    })
  )
})

/** Changes one byte in the middle of the only copy of a text. */
const flipIn = (file: Uint8Array, text: string) => {
  const at = Buffer.from(file.buffer, file.byteOffset, file.length).indexOf(text)
  expect(at).toBeGreaterThan(0)
  file[at + 3]! ^= 0x10
}

const pageBytes = 4_096

describe("a damaged record", () => {
  const damaged = (keepTime: boolean) =>
    Effect.gen(function* () {
      const dir = yield* temporaryDir
      yield* withStorage({ dir }, (storage) => store(storage, ["good", 1], ["bad", 1]))
      tamper(dir, (file) => flipIn(file, "bad 1 "), keepTime)
      return dir
    })

  it.live("is found when the file was changed while closed, set aside and named; the others stay", () =>
    Effect.gen(function* () {
      const dir = yield* damaged(false)
      yield* withStorage({ dir }, (storage) =>
        Effect.gen(function* () {
          expect(storage.openReport.cleanStop).toBe(false)
          expect(storage.openReport.losses).toHaveLength(1)
          expect(storage.openReport.losses[0]).toContain(address("bad"))
          expect(yield* storage.quarantined).toMatchObject([{ address: address("bad") }])
          expect(yield* storage.load(address("good"))).toEqual(stateOf("good", 1))
        })
      )
    })
  )

  it.live(
    "that nothing announced is found when it is loaded, and stays set aside after a restart until it is released",
    () =>
      Effect.gen(function* () {
        const dir = yield* damaged(true)
        yield* withStorage({ dir }, (storage) =>
          Effect.gen(function* () {
            expect(storage.openReport).toEqual({ cleanStop: true, losses: [] })
            const error = yield* Effect.flip(storage.load(address("bad")))
            expect(error).toMatchObject({ _tag: "RecordQuarantined", address: address("bad") })
            expect(error.message).toContain("checksum")
          })
        )
        yield* withStorage({ dir }, (storage) =>
          Effect.gen(function* () {
            expect((yield* Effect.flip(storage.load(address("bad"))))._tag).toBe("RecordQuarantined")
            expect(yield* storage.release(address("bad"))).toBe(true)
            expect(yield* storage.load(address("bad"))).toBeUndefined()
          })
        )
        yield* withStorage({ dir }, (storage) => Effect.map(storage.quarantined, (list) => expect(list).toEqual([])))
      })
  )
})

describe("a damaged page", () => {
  it.live("is found by the checking process; the backup takes its place and the loss is named", () =>
    Effect.gen(function* () {
      const dir = yield* population
      tamper(dir, (file) => {
        // Every page that holds keys of the tree, but not the two at the beginning that describe the file.
        for (let page = 2; page < file.length / pageBytes; page++)
          file.fill(0xa5, page * pageBytes, page * pageBytes + 64)
      })
      yield* withStorage({ dir }, (storage) =>
        Effect.gen(function* () {
          expect(storage.openReport.cleanStop).toBe(false)
          expect(storage.openReport.losses.join()).toContain("was damaged")
          expect(storage.openReport.losses.join()).toContain("The backup of 2")
          for (const [name] of many(300, 1)) expect(yield* storage.load(address(name))).toEqual(stateOf(name, 1))
          expect(yield* storage.load(address("a301"))).toBeUndefined()
        })
      )
      expect(fs.readdirSync(dir).filter((name) => name.startsWith("actors.damaged-"))).toHaveLength(1)
      // And the restored database is a sound one.
      yield* withStorage({ dir }, (storage) =>
        Effect.sync(() => expect(storage.openReport).toEqual({ cleanStop: true, losses: [] }))
      )
    })
  )

  it.live("in the description of the file is found too", () =>
    Effect.gen(function* () {
      const dir = yield* population
      tamper(dir, (file) => file.fill(0, 0, 2 * pageBytes))
      yield* withStorage({ dir }, (storage) =>
        Effect.gen(function* () {
          expect(storage.openReport.losses.join()).toContain("The backup of 2")
          expect(yield* storage.load(address("a7"))).toEqual(stateOf("a7", 1))
        })
      )
    })
  )

  it.live("without a backup costs everything, and says so", () =>
    Effect.gen(function* () {
      const dir = yield* population
      fs.rmSync(join(dir, "actors.backup.mdb"))
      tamper(dir, (file) => file.fill(0, 0, 2 * pageBytes))
      yield* withStorage({ dir }, (storage) =>
        Effect.gen(function* () {
          expect(storage.openReport.losses.join()).toContain("There was no backup: all actors begin anew")
          expect(yield* storage.list("", 10)).toEqual([])
        })
      )
    })
  )

  it.live(
    "anywhere never makes a state silently wrong: each is right, set aside, or from the backup and reported",
    () =>
      Effect.gen(function* () {
        for (const seed of [1, 2]) {
          const dir = yield* population
          tamper(dir, (file) => scribble(file, seed))
          yield* withStorage({ dir }, (storage) => expectNothingSilentlyWrong(storage, seed))
        }
      })
  )
})

describe("the backup", () => {
  it.live("replaces a database that is missing", () =>
    Effect.gen(function* () {
      const dir = yield* temporaryDir
      yield* withStorage({ dir, backupOnStop: true }, (storage) => store(storage, ["a", 1]))
      fs.rmSync(join(dir, "actors.mdb"))
      yield* withStorage({ dir }, (storage) =>
        Effect.gen(function* () {
          expect(storage.openReport.losses[0]).toContain("actors.mdb was missing. The backup of 2")
          expect(yield* storage.load(address("a"))).toEqual(stateOf("a", 1))
        })
      )
    })
  )

  it.live(
    "that is damaged too is set aside, and all begins anew, when the database is damaged and when it is missing",
    () =>
      Effect.gen(function* () {
        for (const [rest, words] of [
          ["damaged", "The backup is damaged too"],
          ["missing", "is missing, and the backup is damaged"]
        ] as const) {
          const dir = yield* population
          tamper(dir, (file) => file.fill(0, 0, 2 * pageBytes), false, "actors.backup.mdb")
          if (rest === "missing") fs.rmSync(join(dir, "actors.mdb"))
          else tamper(dir, (file) => file.fill(0, 0, 2 * pageBytes))
          yield* withStorage({ dir }, (storage) =>
            Effect.gen(function* () {
              expect(storage.openReport.losses.join()).toContain(words)
              expect(storage.openReport.losses.join()).toContain("all actors begin anew")
              expect(yield* storage.list("", 10)).toEqual([])
              yield* store(storage, ["a", 1])
            })
          )
          yield* withStorage({ dir }, (storage) =>
            Effect.gen(function* () {
              expect(storage.openReport).toEqual({ cleanStop: true, losses: [] })
              expect(yield* storage.load(address("a"))).toEqual(stateOf("a", 1))
            })
          )
        }
      })
  )

  it.live("that is missing with its database is a loss that is named, but for a first start", () =>
    Effect.gen(function* () {
      const dir = yield* population
      for (const name of ["actors.mdb", "actors.backup.mdb"]) fs.rmSync(join(dir, name))
      yield* withStorage({ dir }, (storage) =>
        Effect.sync(() =>
          expect(storage.openReport.losses.join()).toContain("there is no backup: all actors begin anew")
        )
      )
      yield* withStorage({ dir: yield* temporaryDir }, (storage) =>
        Effect.sync(() => expect(storage.openReport).toEqual({ cleanStop: true, losses: [] }))
      )
    })
  )

  it.live("is made while running, again only when something changed, and holds all that was stored", () =>
    Effect.gen(function* () {
      const dir = yield* temporaryDir
      const path = join(dir, "actors.backup.mdb")
      yield* withStorage({ dir, backupEvery: 20 }, (storage) =>
        Effect.gen(function* () {
          yield* store(storage, ...many(50, 1))
          while (!fs.existsSync(path)) yield* Effect.sleep(10)
          const { mtimeMs } = fs.statSync(path)
          yield* Effect.sleep(200)
          expect(fs.statSync(path).mtimeMs).toBe(mtimeMs)
        })
      )
      const backup = Database.open(path, { readOnly: true })
      expect(Database.walk(backup)).toEqual({ records: 50, damaged: [] })
      yield* Effect.promise(() => backup.root.close())
    })
  )

  it.live("that cannot be written leaves the last one and harms nothing", () =>
    Effect.gen(function* () {
      const dir = yield* temporaryDir
      yield* withStorage({ dir, backupOnStop: true }, (storage) => store(storage, ["a", 1]))
      const before = fs.readFileSync(join(dir, "actors.backup.mdb"))
      // A directory in the place of the new copy: rmSync cannot remove it without being told to.
      fs.mkdirSync(join(dir, "actors.backup.mdb.new"))
      yield* withStorage({ dir, backupOnStop: true }, (storage) => store(storage, ["a", 2]))
      expect(fs.readFileSync(join(dir, "actors.backup.mdb")).equals(before)).toBe(true)
      yield* withStorage({ dir }, (storage) =>
        Effect.gen(function* () {
          expect(storage.openReport.cleanStop).toBe(true)
          expect(yield* storage.load(address("a"))).toEqual(stateOf("a", 2))
        })
      )
    })
  )
})

describe("a process that ends without closing", () => {
  it.live("leaves a database that is checked and found sound", () =>
    Effect.gen(function* () {
      const dir = yield* temporaryDir
      const scope = yield* Scope.make()
      const storage = yield* Scope.provide(ActorStorageLmdb.make({ dir, backupOnStop: false }), scope)
      yield* store(storage, ...many(20, 1))
      // What such a process leaves behind: the files as they are, and a lock of nobody.
      const left = yield* temporaryDir
      fs.cpSync(dir, left, { recursive: true })
      fs.rmSync(join(left, "actors.lock"))
      yield* Scope.close(scope, Exit.void)
      yield* withStorage({ dir: left }, (storage) =>
        Effect.gen(function* () {
          expect(storage.openReport).toEqual({ cleanStop: false, losses: [] })
          expect(yield* storage.load(address("a19"))).toEqual(stateOf("a19", 1))
        })
      )
    })
  )
})
