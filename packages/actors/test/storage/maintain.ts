/** A process that is killed by its test: `maintain` writes, backs up and compacts without end; `restore` restores once. */
import { Effect, References } from "effect"
import { ActorStorage } from "../../src/ActorStorage.ts"
import * as Backups from "../../src/ActorStorageBackupsDisk.ts"
import * as ActorStorageLmdb from "../../src/ActorStorageLmdb.ts"

const [mode, home] = process.argv.slice(2) as [string, string]
const say = (text: string) => process.stdout.write(`${text}\n`)
const address = (name: string) => `continuum://local/counter/${name}`

const maintain = Effect.gen(function* () {
  const storage = yield* ActorStorage
  const first = yield* storage.load(address("one"))
  let count = first === undefined ? 0 : first[0]! + first[1]! * 256 + first[2]! * 65_536
  const write = Effect.gen(function* () {
    const next = count + 1
    const state = Uint8Array.from([next & 255, (next >> 8) & 255, (next >> 16) & 255])
    yield* Effect.flatten(
      storage.commit([
        { address: address("one"), state },
        { address: address("two"), state }
      ])
    )
    count = next
    say(`count ${count}`)
    yield* Effect.sleep(1)
  })
  yield* write
  yield* Effect.forkChild(Effect.forever(write))
  for (;;) {
    say("backup")
    yield* storage.maintenance!.backup(`${home}/backups`)
    say("compact")
    yield* storage.maintenance!.compact
  }
}).pipe(Effect.provide(ActorStorageLmdb.layer({ dir: `${home}/state`, backupOnStop: false })))

const restore = Effect.suspend(() => {
  say("begin")
  return Backups.restore(`${home}/state`, `${home}/from.mdb`)
})

await Effect.runPromise(
  (mode === "maintain" ? maintain : restore).pipe(
    Effect.provideService(References.MinimumLogLevel, "None"),
    Effect.scoped
  ) as Effect.Effect<unknown>
)
