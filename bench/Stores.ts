/**
 * What every measured store has in common: a state of about 100 B, a folder on a disk, and that everything is read back from the file in
 * the end.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { join, resolve } from "node:path"
import { check } from "./Measure.ts"

/** What is stored. */
export interface State {
  readonly count: number
  readonly text: string
}

export const initialState: State = { count: 0, text: "x".repeat(80) }

export interface StoreFactory<Store> {
  /** Opens or creates a store. */
  readonly open: (dir: string) => Promise<Store>
  /** Counts of all states that a closed store holds, in any order. */
  readonly read: (dir: string) => Promise<ReadonlyArray<number>>
}

/** Below the repository, where the programs run, since a temporary folder may be memory, where a flush costs nothing. */
const parent = resolve(".cache/bench")

/** Measures a store in a folder of its own. `measureStore` answers what the counts in it must add up to. */
export const run = async <Store extends { readonly close: () => Promise<void> }>(
  { open, read }: StoreFactory<Store>,
  measureStore: (store: Store) => Promise<number>
): Promise<void> => {
  mkdirSync(parent, { recursive: true })
  const dir = mkdtempSync(join(parent, "store-"))
  try {
    const store = await open(dir)
    const expected = await measureStore(store)
    await store.close()
    const counts = await read(dir)
    check(
      "The sum of the counts found on disk",
      counts.reduce((sum, count) => sum + count, 0),
      expected
    )
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
