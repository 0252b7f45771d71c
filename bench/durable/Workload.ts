/**
 * What every durable store has to do here: writers that each add to a record of their own and wait until it is safe.
 *
 * One operation is one write: a state of about 100 B is replaced. In the end everything is read back from the file, and
 * each record must hold as many writes as were acknowledged.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { join, resolve } from "node:path"
import { check, measure } from "../Measure.ts"

/** What is stored. */
export interface State {
  readonly count: number
  readonly text: string
}

export const initialState: State = { count: 0, text: "x".repeat(80) }

export interface Store {
  /** Adds one to the record of a writer; answers its count once that survives a power cut. */
  readonly flushed: (writer: number) => Promise<number>
  /** The same, answered once it survives a crash of this process. */
  readonly committed: (writer: number) => Promise<number>
  readonly close: () => Promise<void>
}

export interface StoreFactory {
  /** Opens or creates a store. */
  readonly open: (dir: string) => Promise<Store>
  /** Counts of all records that a closed store holds, in any order. */
  readonly read: (dir: string) => Promise<ReadonlyArray<number>>
}

/** Below the repository, where the programs run, since a temporary folder may be memory, where a flush costs nothing. */
const parent = resolve(".cache/bench")

export const runStore = async ({ open, read }: StoreFactory): Promise<void> => {
  mkdirSync(parent, { recursive: true })
  const dir = mkdtempSync(join(parent, "durable-"))
  try {
    const store = await open(dir)
    let writes = 0
    const run = (writers: number, write: (writer: number) => Promise<number>) => async (operations: number) => {
      let left = operations
      const writing = async (_: unknown, writer: number) => {
        while (left-- > 0) await write(writer)
      }
      await Promise.all(Array.from({ length: writers }, writing))
      writes += operations
    }
    await measure("flushed1", run(1, store.flushed))
    await measure("flushed64", run(64, store.flushed))
    await measure("flushed1024", run(1_024, store.flushed))
    await measure("committed64", run(64, store.committed))
    await store.close()
    const counts = await read(dir)
    check(
      "The number of writes found on disk",
      counts.reduce((sum, count) => sum + count, 0),
      writes
    )
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
