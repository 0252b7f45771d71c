import { describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ActorStorage, StorageFailed } from "../src/ActorStorage.ts"
import * as ActorStorageLmdb from "../src/ActorStorageLmdb.ts"
import * as ActorStorageMemory from "../src/ActorStorageMemory.ts"
import * as GuestStorage from "../src/GuestStorage.ts"
import * as JournalRecords from "../src/JournalRecords.ts"
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
