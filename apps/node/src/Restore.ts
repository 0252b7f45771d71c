/**
 * `bun apps/node --restore FILE`: puts a backup in the place of the stored states of a node that is stopped, and says what it
 * did. The states that it replaces are kept beside it.
 */
import * as Backups from "@continuum/actors/ActorStorageBackupsDisk"
import type { StorageFailed, StorageInUse } from "@continuum/actors/ActorStorage"
import { Console, Effect } from "effect"
import { join, resolve } from "node:path"

export const run = (home: string, file: string): Effect.Effect<void, StorageFailed | StorageInUse> =>
  Effect.flatMap(Backups.restore(join(home, "state"), resolve(file)), ({ records, replaced }) =>
    Console.log(
      `Restored ${records} stored states from ${file}. ` +
        (replaced === undefined ? "There were none before." : `Those that were there before are kept as ${replaced}.`)
    )
  )
