/**
 * A stored population, ways to damage its file, and what must hold afterwards. Used by the quick and by the deep test.
 */
import { expect } from "@effect/vitest"
import { Effect, Exit, References } from "effect"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { ActorStorage, Write } from "../../src/ActorStorage.ts"
import * as ActorStorageLmdb from "../../src/ActorStorageLmdb.ts"
import { randomOf } from "./Random.ts"

export const temporaryDir = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(join(tmpdir(), "actor-storage-"))),
  (dir) => Effect.sync(() => fs.rmSync(dir, { recursive: true, force: true }))
)

export const address = (name: string) => `continuum://local/counter/${name}`
export const stateOf = (name: string, version: number) =>
  new TextEncoder().encode(`${name} ${version} ${"x".repeat(200)}`)
export const many = (count: number, version: number) =>
  Array.from({ length: count }, (_, i) => [`a${i}`, version] as const)

/** Opens the storage of a directory for as long as `use` runs, then closes it properly. */
export const withStorage = <A, E>(
  options: ActorStorageLmdb.Options,
  use: (storage: ActorStorage["Service"]) => Effect.Effect<A, E>
) =>
  Effect.scoped(Effect.flatMap(ActorStorageLmdb.make({ backupOnStop: false, ...options }), use)).pipe(
    // What is logged here is also in the report, which the tests look at.
    Effect.provideService(References.MinimumLogLevel, "None")
  )

/** Stores states and waits until they are flushed. */
export const store = (
  storage: ActorStorage["Service"],
  ...names: ReadonlyArray<readonly [name: string, version: number]>
) =>
  Effect.flatten(
    storage.commit(names.map(([name, version]): Write => ({ address: address(name), state: stateOf(name, version) })))
  )

/** 300 actors at version 1 in the backup, of which the first 10 are at version 2 and 5 more exist only in the database. */
export const population = Effect.gen(function* () {
  const dir = yield* temporaryDir
  yield* withStorage({ dir, backupOnStop: true }, (storage) => store(storage, ...many(300, 1)))
  yield* withStorage({ dir }, (storage) => store(storage, ...many(10, 2), ...many(305, 1).slice(300)))
  return dir
})

/** Does something to the database file of a closed storage. `keepTime`: as if nobody had touched it. */
export const tamper = (dir: string, change: (file: Uint8Array) => void, keepTime = false, name = "actors.mdb") => {
  const path = join(dir, name)
  const { atime, mtime } = fs.statSync(path)
  const file = new Uint8Array(fs.readFileSync(path))
  change(file)
  fs.writeFileSync(path, file)
  // File systems keep time in steps of some milliseconds, and a test is faster than that.
  fs.utimesSync(path, atime, keepTime ? mtime : new Date(mtime.getTime() + 1_000))
}

/** Overwrites 1 to 40 stretches of 1 to 200 bytes with noise. */
export const scribble = (file: Uint8Array, seed: number) => {
  const below = randomOf(seed)
  for (let left = 1 + below(40); left > 0; left--) {
    const from = below(file.length)
    for (let i = 1 + below(200); i > 0; i--) file[(from + i) % file.length] = below(256)
  }
}

/** Each state of the population is right, set aside, or from the backup and reported; and what is stored next stays. */
export const expectNothingSilentlyWrong = (storage: ActorStorage["Service"], seed: number) =>
  Effect.gen(function* () {
    const isRestored = storage.openReport.losses.join().includes("took its place")
    for (const [name] of many(305, 1)) {
      const loaded = yield* Effect.exit(storage.load(address(name)))
      const index = Number(name.slice(1))
      const right = isRestored ? (index < 300 ? stateOf(name, 1) : undefined) : stateOf(name, index < 10 ? 2 : 1)
      if (Exit.isSuccess(loaded)) expect(loaded.value, `seed ${seed}, ${name}`).toEqual(right)
      else expect(JSON.stringify(loaded), `seed ${seed}`).toContain("RecordQuarantined")
    }
    yield* Effect.forEach(yield* storage.quarantined, ({ address }) => storage.release(address))
    for (let version = 3; version < 6; version++) {
      yield* store(storage, ...many(305, version))
      for (const [name] of many(305, version)) {
        expect(yield* storage.load(address(name)), `seed ${seed}, ${name}`).toEqual(stateOf(name, version))
      }
    }
  })
