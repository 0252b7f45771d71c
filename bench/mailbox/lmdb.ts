/**
 * Plain lmdb, opened as our storage opens it, with the promises of a durable mailbox made by hand: messages in the order of their keys,
 * and each removed in the transaction of the state that it made. MessagePack is lmdb's own encoding. No checksums, no actors, no limits.
 */
import { open, type RootDatabase } from "lmdb"
import { join } from "node:path"
import { finish } from "../Measure.ts"
import { initialState, type State } from "../Stores.ts"
import { runStore } from "./Workload.ts"

type Written = Promise<boolean> & { readonly flushed: Promise<unknown> }

const openIn = (dir: string): RootDatabase<unknown, string> =>
  open({ path: join(dir, "plain.mdb"), noSubdir: true, overlappingSync: true, separateFlushed: true })

const flushed = async (written: Written): Promise<void> => {
  await written
  await written.flushed
}

await runStore({
  open: async (dir) => {
    const database = openIn(dir)
    const states = new Map<number, State>()
    const handling = new Map<number, Promise<void>>()
    let messages = 0
    const next = (sender: number) => {
      const state = states.get(sender) ?? initialState
      const next = { ...state, count: state.count + 1 }
      states.set(sender, next)
      return next
    }
    return {
      tell: async (sender) => {
        const key = `mail/${sender}/${String(messages++).padStart(16, "0")}`
        await flushed(database.put(key, ["add", null]) as Written)
        const state = next(sender)
        const stored = database.batch(() => {
          void database.remove(key)
          void database.put(`state/${sender}`, state)
        })
        handling.set(sender, flushed(stored as Written))
      },
      handled: async (sender) => handling.get(sender),
      once: async (sender, number) => {
        const key = `taken/${sender}/${String(number).padStart(16, "0")}`
        const known = database.get(key) as number | undefined
        if (known !== undefined) return known
        const state = next(sender)
        const stored = database.batch(() => {
          void database.put(key, state.count)
          void database.put(`state/${sender}`, state)
        })
        await flushed(stored as Written)
        return state.count
      },
      close: async () => {
        await database.flushed
        await database.close()
      }
    }
  },
  read: async (dir) => {
    const database = openIn(dir)
    const states = [...database.getRange({ start: "state/", end: "state0" })].map(({ value }) => value as State)
    const left = database.getKeysCount({ start: "mail/", end: "mail0" })
    await database.close()
    if (left > 0) throw new Error(`${left} messages were not handled`)
    return states.map(({ count }) => count)
  }
})
finish()
