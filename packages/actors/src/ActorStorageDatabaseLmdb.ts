/**
 * The LMDB file of the stored states: how it is opened, what is in it, and a walk over all of it.
 *
 * LMDB has no checksums of its own. A damaged page can show as an error, as silently wrong data, or end the process in a way
 * that nothing can catch; so a file that may be damaged is walked by a child process first (`ActorStorageCheckProcess`).
 */
import { Result } from "effect"
import { type Database, open as openLmdb, type RootDatabase } from "lmdb"
import * as StateRecord from "./StateRecord.ts"

/** What is in the file. */
export interface ActorDatabase {
  readonly root: RootDatabase<Uint8Array, string>
  /** Records by address. */
  readonly states: Database<Uint8Array, string>
  /** Records set aside, MessagePack, by time and address. */
  readonly quarantine: Database<Uint8Array, string>
}

/** Opens or creates the file. Throws what LMDB throws. */
export const open = (path: string, options: { readonly readOnly?: boolean } = {}): ActorDatabase => {
  const root = openLmdb<Uint8Array, string>({
    path,
    noSubdir: true,
    encoding: "binary",
    keyEncoding: "ordered-binary",
    maxDbs: 4,
    // An acknowledgement can wait for the disk while the next transaction is being written.
    separateFlushed: true,
    // With it, lmdb begins transactions of its own whose rejections nobody can hear: a full disk would end the process.
    eventTurnBatching: false,
    // Read-only in the check: it must not repair, create or lock anything.
    ...(options.readOnly === true ? { readOnly: true } : { overlappingSync: true })
  })
  const store = (name: string) =>
    root.openDB<Uint8Array, string>({ name, encoding: "binary", keyEncoding: "ordered-binary" })
  return { root, states: store("states"), quarantine: store("quarantine") }
}

/**
 * Closes the file, once all writes are settled. `afterRefusal`: the last transaction was refused; lmdb would then wait for a
 * flush that never comes (3.5.6), so it is told that there is nothing to wait for.
 */
export const close = async ({ root }: ActorDatabase, afterRefusal: boolean): Promise<void> => {
  if (afterRefusal) Object.defineProperty(root, "_endWrites", { value: undefined })
  await root.close()
}

/** What a walk found. */
export interface Walked {
  readonly records: number
  /** Records whose checksum is wrong. */
  readonly damaged: ReadonlyArray<{ readonly address: string; readonly reason: string }>
}

/**
 * Reads every record in order, looks each up by its address as well, and verifies it. Throws when the structure of the file is
 * damaged: an error of LMDB, keys out of order, a record that is not where it is looked for, or fewer than the file says it
 * has. `seen` is called for each sound record in turn.
 */
export const walk = (database: ActorDatabase, seen?: (address: string, record: Uint8Array) => void): Walked => {
  const damaged: Array<{ address: string; reason: string }> = []
  let records = 0
  let previous: string | undefined
  for (const { key, value } of database.states.getRange()) {
    if (typeof key !== "string") throw new Error("a key is not the text of an address")
    if (previous !== undefined && key <= previous) throw new Error(`the key ${key} is out of order`)
    previous = key
    records++
    const record = Uint8Array.from(value)
    const state = StateRecord.open(key, record)
    if (Result.isFailure(state)) damaged.push({ address: key, reason: state.failure })
    else seen?.(key, record)
    const found = database.states.getBinary(key)
    if (found === undefined || !isSame(found, record)) throw new Error(`the record of ${key} is not found by its key`)
  }
  for (const { key } of database.quarantine.getRange()) {
    if (database.quarantine.getBinary(key) === undefined)
      throw new Error(`the quarantined record ${key} is not found by its key`)
  }
  const { entryCount } = database.states.getStats() as { readonly entryCount: number }
  if (records !== entryCount) throw new Error(`it should hold ${entryCount} records, and ${records} were found`)
  return { records, damaged }
}

/**
 * Copies every record, damaged ones too, into a new file. What no walk can see, LMDB's own list of free pages, is then new as
 * well; a damaged one would make later writes overwrite pages that are in use.
 */
export const rewrite = async (from: string, to: string): Promise<void> => {
  const [source, target] = [open(from, { readOnly: true }), open(to)]
  try {
    target.root.transactionSync(() => {
      for (const name of ["states", "quarantine"] as const) {
        for (const { key, value } of source[name].getRange()) target[name].putSync(key, Uint8Array.from(value))
      }
    })
  } finally {
    await Promise.all([source.root.close(), target.root.close()])
  }
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
