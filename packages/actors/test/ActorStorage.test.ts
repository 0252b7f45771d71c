import { describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as ActorStorageLmdb from "../src/ActorStorageLmdb.ts"
import * as ActorStorageMemory from "../src/ActorStorageMemory.ts"
import { laws } from "../src/testing/ActorStorageLaws.ts"

const layerLmdb = Layer.unwrap(
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "actor-storage-"))),
      (dir) => Effect.sync(() => rmSync(dir, { recursive: true, force: true }))
    ),
    (dir) => ActorStorageLmdb.layer({ dir, backupOnStop: false })
  )
)

describe("in memory", () => {
  for (const { check, name } of laws) it.effect(name, () => Effect.provide(check, ActorStorageMemory.layer))
})

describe("in LMDB", () => {
  for (const { check, name } of laws) it.live(name, () => Effect.provide(check, layerLmdb))
})
