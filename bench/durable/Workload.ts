/**
 * What every durable store has to do here: writers that each add to a record of their own and wait until it is safe.
 *
 * One operation is one write: a state of about 100 B is replaced. In the end each record must hold as many writes as were acknowledged.
 */
import { measure } from "../Measure.ts"
import * as Stores from "../Stores.ts"

export interface Store {
  /** Adds one to the record of a writer; answers its count once that survives a power cut. */
  readonly flushed: (writer: number) => Promise<number>
  /** The same, answered once it survives a crash of this process. */
  readonly committed: (writer: number) => Promise<number>
  readonly close: () => Promise<void>
}

export const runStore = (factory: Stores.StoreFactory<Store>): Promise<void> =>
  Stores.run(factory, async (store) => {
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
    return writes
  })
