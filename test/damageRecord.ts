/** Flips one bit in the stored record of an actor, as a bad disk would: `bun test/damageRecord.ts STATE_DIR ADDRESS`. */
import * as Database from "@continuum/actors/ActorStorageDatabaseLmdb"
import { readdirSync } from "node:fs"
import { join } from "node:path"

const [folder = "", address = ""] = process.argv.slice(2)
const file = readdirSync(folder).find((name) => name.endsWith(".mdb") && !name.includes("backup"))
if (file === undefined) throw new Error(`no database in ${folder}: ${readdirSync(folder).join(", ")}`)
const database = Database.open(join(folder, file))
const record = database.states.get(address)
if (record === undefined) throw new Error(`no record of ${address}`)
const damaged = Uint8Array.from(record)
damaged[damaged.length - 1]! ^= 1
await database.states.put(address, damaged)
await database.root.flushed
await database.root.close()
