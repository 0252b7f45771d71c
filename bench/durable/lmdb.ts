/**
 * Plain lmdb, opened as our storage opens it: the same number of writers, each waiting for the flush of its own write, so
 * that lmdb groups them as it groups ours. MessagePack is lmdb's own encoding. No checksums, no actors.
 */
import { open, type RootDatabase } from "lmdb"
import { join } from "node:path"
import { finish } from "../Measure.ts"
import { initialState, type State } from "../Stores.ts"
import { runStore } from "./Workload.ts"

const openIn = (dir: string): RootDatabase<State, string> =>
  open({ path: join(dir, "plain.mdb"), noSubdir: true, overlappingSync: true, separateFlushed: true })

await runStore({
  open: async (dir) => {
    const database = openIn(dir)
    const states = new Map<string, State>()
    const put = (key: string) => {
      const state = states.get(key) ?? initialState
      const next = { ...state, count: state.count + 1 }
      states.set(key, next)
      return { next, written: database.put(key, next) as Promise<boolean> & { readonly flushed: Promise<unknown> } }
    }
    return {
      flushed: async (writer) => {
        const { next, written } = put(`flushed/${writer}`)
        await written
        await written.flushed
        return next.count
      },
      committed: async (writer) => {
        const { next, written } = put(`committed/${writer}`)
        await written
        return next.count
      },
      close: async () => {
        await database.flushed
        await database.close()
      }
    }
  },
  read: async (dir) => {
    const database = openIn(dir)
    const counts = [...database.getRange()].map(({ value }) => value.count)
    await database.close()
    return counts
  }
})
finish()
