import * as LeaseTable from "@continuum/core/LeaseTable"
import { LeaseAuthority } from "@continuum/core/LeaseAuthority"
import { leaseTtlMsMax } from "@continuum/core/Limits"
import { laws } from "@continuum/core/testing/LeaseAuthorityLaws"
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ActorStorage, StorageFailed } from "../src/ActorStorage.ts"
import * as ActorStorageLmdb from "../src/ActorStorageLmdb.ts"
import * as ActorStorageMemory from "../src/ActorStorageMemory.ts"
import * as LeaseStoreActors from "../src/LeaseStoreActors.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "leases-"))),
  (dir) => Effect.sync(() => rmSync(dir, { recursive: true, force: true }))
)
const lmdb = (dir: string) => ActorStorageLmdb.make({ dir, backupOnStop: false })
const tableOf = (storage: ActorStorage["Service"]) => LeaseTable.make(LeaseStoreActors.make(storage))
const address = "continuum://local/counter/a"

describe("an authority whose leases are in LMDB", () => {
  for (const { check, name } of laws) {
    it.effect(name, () =>
      Effect.gen(function* () {
        const { authority } = yield* tableOf(yield* lmdb(yield* folder))
        yield* Effect.provideService(check, LeaseAuthority, authority)
      }).pipe(Effect.scoped)
    )
  }

  it.effect(
    "finds them after a restart, counts their time anew, and grants larger epochs though the clock was set back",
    () =>
      Effect.gen(function* () {
        const dir = yield* folder
        yield* TestClock.setTime(1_000_000_000)
        const lease = yield* Effect.scoped(
          Effect.gen(function* () {
            const { authority } = yield* tableOf(yield* lmdb(dir))
            yield* authority.release(yield* authority.acquire("continuum://local/counter/b", "bee", 1_000))
            return yield* authority.acquire(address, "ant", 1_000)
          })
        )
        expect(lease.epoch).toBeGreaterThan(1_000_000_000)
        yield* TestClock.setTime(5_000)
        const { authority, found, isCurrent } = yield* tableOf(yield* lmdb(dir))
        expect(found).toEqual([lease])
        expect(isCurrent(lease)).toBe(true)
        expect((yield* authority.find(address))?.remainingMs).toBe(1_000)
        yield* authority.release(lease)
        expect((yield* authority.acquire(address, "bee", 1_000)).epoch).toBeGreaterThan(lease.epoch)
      }).pipe(Effect.scoped)
  )
})

describe("leases among stored states", () => {
  it.effect("are no actors, and a damaged one is waited for once", () =>
    Effect.gen(function* () {
      const states = new Map<string, Uint8Array>()
      const storage = ActorStorageMemory.make(states)
      const { authority } = yield* tableOf(storage)
      yield* authority.acquire(address, "ant", 1_000)
      expect(yield* storage.list("continuum://", 10)).toEqual([])
      yield* storage.quarantine(`lease:${address}`, "its checksum is wrong")
      const again = yield* tableOf(storage)
      const held = yield* again.authority.find(address)
      expect(held).toMatchObject({ holder: "unknown", remainingMs: leaseTtlMsMax })
      expect(yield* storage.quarantined).toEqual([])
      expect((yield* tableOf(storage)).found).toEqual([])
    })
  )

  it.effect("that the storage refuses are not granted", () =>
    Effect.gen(function* () {
      const storage = ActorStorageMemory.make(new Map())
      const { authority } = yield* tableOf({
        ...storage,
        commit: () => Effect.fail(new StorageFailed({ reason: "the disk is full" }))
      })
      const error = yield* Effect.flip(authority.acquire(address, "ant", 1_000))
      expect(error).toMatchObject({ _tag: "LeaseNotGranted", reason: "the disk is full" })
      expect(yield* authority.find(address)).toBe(undefined)
    })
  )
})
