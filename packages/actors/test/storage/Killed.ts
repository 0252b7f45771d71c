/**
 * Storages for tests of backups, and a process that writes, backs up, compacts or restores and is killed in the middle of it.
 */
import { expect } from "@effect/vitest"
import { Effect, References } from "effect"
import { execFileSync, spawn } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ActorStorage } from "../../src/ActorStorage.ts"
import * as ActorStorageLmdb from "../../src/ActorStorageLmdb.ts"
import * as Backups from "../../src/ActorStorageBackupsDisk.ts"

export const quiet = Effect.provideService(References.MinimumLogLevel, "None")

export const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "backups-"))),
  (dir) => Effect.sync(() => rmSync(dir, { recursive: true, force: true }))
)

export type Storage = ActorStorage["Service"]

export const using = <A, E, R>(dir: string, use: (storage: Storage) => Effect.Effect<A, E, R>) =>
  Effect.flatMap(ActorStorage, use).pipe(
    Effect.provide(ActorStorageLmdb.layer({ dir, backupOnStop: false })),
    quiet,
    Effect.scoped
  )

export const address = (name: string) => `continuum://local/counter/${name}`
export const put = (storage: Storage, name: string, state: Uint8Array) =>
  Effect.flatten(storage.commit([{ address: address(name), state }]))
export const numbered = (n: number) => Uint8Array.from([n & 255, (n >> 8) & 255, (n >> 16) & 255])
export const numberIn = (bytes: Uint8Array | undefined) =>
  bytes === undefined ? 0 : bytes[0]! + bytes[1]! * 256 + bytes[2]! * 65_536

export const numbersIn = (storage: Storage) =>
  Effect.all([storage.load(address("one")), storage.load(address("two"))]).pipe(
    Effect.map((both) => both.map(numberIn))
  )

const script = join(import.meta.dirname, "maintain.ts")
const bun = join(import.meta.dirname, "../../../../node_modules/.bin/bun")

/** Runs the script of writers in another process and kills it after it has said so many words. */
const killed = (mode: string, home: string, words: number): Promise<number> =>
  new Promise((resolve) => {
    const child = spawn(bun, [script, mode, home], { stdio: ["ignore", "pipe", "inherit"] })
    let acknowledged = 0
    let seen = 0
    child.stdout.on("data", (chunk: Buffer) => {
      for (const line of chunk.toString().split("\n")) {
        if (line.startsWith("count ")) acknowledged = Math.max(acknowledged, Number(line.slice(6)))
        else if (line !== "" && ++seen >= words) child.kill("SIGKILL")
      }
    })
    child.once("close", () => resolve(acknowledged))
  })

/** So many times: whatever it acknowledged is there, and every file that has the name of a backup is one. */
export const killedMaintaining = (rounds: number): Effect.Effect<void, unknown> =>
  Effect.gen(function* () {
    const home = yield* folder
    for (let round = 1; round <= rounds; round++) {
      const acknowledged = yield* Effect.promise(() => killed("maintain", home, 1 + (round % 6)))
      const [one, two] = yield* using(join(home, "state"), numbersIn)
      expect(one).toBe(two)
      expect(one).toBeGreaterThanOrEqual(acknowledged)
      const backups = join(home, "backups")
      if (!existsSync(backups)) continue
      // Every file that has the name of a backup is one.
      for (const name of readdirSync(backups).filter((name) => name.endsWith(".mdb"))) {
        const { records } = yield* Backups.restore(join(home, "probe"), join(backups, name))
        expect(records).toBeGreaterThanOrEqual(2)
      }
    }
  }).pipe(Effect.scoped, quiet)

/** So many times, each a little later in the restore. */
export const killedRestoring = (rounds: number): Effect.Effect<void, unknown> =>
  Effect.gen(function* () {
    const home = yield* folder
    const dir = join(home, "state")
    yield* using(dir, (storage) =>
      Effect.gen(function* () {
        yield* put(storage, "pad", new Uint8Array(8_000_000))
        yield* put(storage, "one", numbered(1))
        const { path } = yield* storage.maintenance!.backup(join(home, "backups"))
        execFileSync("cp", [path, join(home, "from.mdb")])
        yield* put(storage, "one", numbered(2))
      })
    )
    const seen = new Set<number>()
    for (let round = 0; round < rounds; round++) {
      yield* Effect.promise(
        () =>
          new Promise<void>((resolve) => {
            const child = spawn(bun, [script, "restore", home], { stdio: ["ignore", "pipe", "inherit"] })
            child.stdout.once("data", () => setTimeout(() => child.kill("SIGKILL"), (round * 320) / rounds))
            child.once("close", () => resolve())
          })
      )
      const number = yield* using(dir, (storage) =>
        Effect.gen(function* () {
          expect(storage.openReport.losses).toEqual([])
          const number = numberIn(yield* storage.load(address("one")))
          yield* put(storage, "one", numbered(2))
          return number
        })
      )
      expect([1, 2]).toContain(number)
      seen.add(number)
    }
    expect([...seen]).not.toEqual([])
  }).pipe(Effect.scoped, quiet)
