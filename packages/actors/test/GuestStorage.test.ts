import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ActorStorage, StorageFailed } from "../src/ActorStorage.ts"
import * as ActorStorageLmdb from "../src/ActorStorageLmdb.ts"
import * as ActorStorageMemory from "../src/ActorStorageMemory.ts"
import * as GuestStorage from "../src/GuestStorage.ts"
import * as JournalRecords from "../src/JournalRecords.ts"
import * as Limits from "../src/Limits.ts"
import { address, laws } from "../src/testing/JournalLaws.ts"

const layerLmdb = Layer.unwrap(
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "journal-storage-"))),
      (dir) => Effect.sync(() => rmSync(dir, { recursive: true, force: true }))
    ),
    (dir) => ActorStorageLmdb.layer({ dir, backupOnStop: false })
  )
)

/** The storage of a guest, whose home has another address for it, and gives no more than so many bytes of events at once. */
const layerGuest = (bytesMax: number) =>
  Layer.effect(
    ActorStorage,
    Effect.map(ActorStorage, (storage) => {
      const atHome = "continuum://local/other/home"
      const failed = ({ message }: Error) => new StorageFailed({ reason: message })
      return GuestStorage.make(address, {
        load: Effect.mapError(storage.load(atHome), failed),
        loadEvents: (from) => Effect.mapError(JournalRecords.page(storage, atHome, from, bytesMax), failed),
        commit: (records) => Effect.flatten(storage.commit(records.map((one) => GuestStorage.writeOf(atHome, one))))
      })
    })
  ).pipe(Layer.provide(ActorStorageMemory.layer))

const places = {
  "in memory": ActorStorageMemory.layer,
  "in LMDB": layerLmdb,
  "at the home of a guest": layerGuest(1_000_000),
  "at the home of a guest, a few events at a time": layerGuest(500)
}

for (const [place, storage] of Object.entries(places)) {
  describe(`a journal ${place}`, () => {
    for (const { check, name } of laws) it.live(name, () => Effect.provide(check, storage))
  })
}

/** A home that takes so many commits, and the numbers of the records that it has stored. */
const homeTaking = (commits: number) => {
  const stored: Array<ReadonlyArray<number>> = []
  const storage = GuestStorage.make(address, {
    load: Effect.succeed(undefined),
    loadEvents: () => Effect.succeed({ events: [], isMore: false }),
    commit: (records) =>
      stored.length === commits
        ? Effect.fail(new StorageFailed({ reason: "the home is gone" }))
        : Effect.sync(() => void stored.push(records.map(({ at }) => at)))
  })
  return { storage, stored }
}

const eventsOf = (count: number, bytes: number) =>
  Array.from({ length: count }, (_, i) => ({
    address: JournalRecords.keyOf(address, i + 1),
    state: new Uint8Array(bytes)
  }))

describe("a batch of a guest", () => {
  for (const [what, events] of Object.entries({
    bytes: eventsOf(10, 1_000_000),
    events: eventsOf(Limits.recordsSentMax + 1, 1)
  })) {
    it.effect(`of more ${what} than one transaction holds is refused before anything is stored`, () =>
      Effect.gen(function* () {
        const { storage, stored } = homeTaking(10)
        const error = yield* Effect.flip(Effect.flatten(storage.commit(events)))
        expect(error.reason).toContain("Emit fewer or smaller events")
        expect(stored).toEqual([])
      })
    )
  }

  it.effect("is stored with its events, also when the snapshot that travels behind them is not", () =>
    Effect.gen(function* () {
      const { storage, stored } = homeTaking(1)
      const snapshot = { address, state: new Uint8Array(Limits.recordsSentBytesMax) }
      const removal = { address: JournalRecords.keyOf(address, 1), state: undefined }
      yield* Effect.flatten(storage.commit([...eventsOf(2, 1), snapshot, removal]))
      expect(stored).toEqual([[1, 2]])
    })
  )

  it.effect("without events is not stored when its first transaction is not", () =>
    Effect.gen(function* () {
      const { storage, stored } = homeTaking(0)
      const snapshot = { address, state: new Uint8Array(1) }
      expect((yield* Effect.flip(Effect.flatten(storage.commit([snapshot])))).reason).toBe("the home is gone")
      expect(stored).toEqual([])
    })
  )
})
