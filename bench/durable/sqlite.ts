/**
 * SQLite with a write-ahead log, as each runtime brings it. What its writers want within one turn of the event loop goes into one
 * transaction, as with the others. Records are JSON, which SQLite's users store most. No checksums, no actors.
 */
import { join } from "node:path"
import process from "node:process"
import { finish } from "../Measure.ts"
import { initialState, type State } from "../Stores.ts"
import { runStore } from "./Workload.ts"

/** What Bun's and Node's modules have in common. */
interface Statement {
  readonly run: (...values: ReadonlyArray<string>) => unknown
  readonly all: () => ReadonlyArray<unknown>
}
interface Database {
  readonly exec: (sql: string) => unknown
  readonly prepare: (sql: string) => Statement
  readonly close: () => void
}

type DatabaseClass = new (path: string) => Database
// Named by variables, since no compiler knows both.
const [module, name] = process.versions.bun === undefined ? ["node:sqlite", "DatabaseSync"] : ["bun:sqlite", "Database"]
const Database = ((await import(module)) as Record<string, DatabaseClass>)[name]!

const openIn = (dir: string): Database => {
  const database = new Database(join(dir, "plain.sqlite"))
  database.exec("PRAGMA journal_mode = WAL")
  database.exec("CREATE TABLE IF NOT EXISTS states (key TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID")
  return database
}

interface Waiting {
  readonly key: string
  readonly state: State
  readonly resolve: (count: number) => void
}

await runStore({
  open: async (dir) => {
    const database = openIn(dir)
    const put = database.prepare(
      "INSERT INTO states VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET state = excluded.state"
    )
    const states = new Map<string, State>()
    let waiting: Array<Waiting> = []
    let synchronous = ""
    const commit = (mode: string) => {
      if (mode !== synchronous) database.exec(`PRAGMA synchronous = ${mode}`)
      synchronous = mode
      const batch = waiting
      waiting = []
      database.exec("BEGIN IMMEDIATE")
      for (const { key, state } of batch) put.run(key, JSON.stringify(state))
      database.exec("COMMIT")
      for (const { resolve, state } of batch) resolve(state.count)
    }
    const write = (key: string, mode: string) =>
      new Promise<number>((resolve) => {
        const state = states.get(key) ?? initialState
        const next = { ...state, count: state.count + 1 }
        states.set(key, next)
        if (waiting.push({ key, state: next, resolve }) === 1) setImmediate(commit, mode)
      })
    return {
      flushed: (writer) => write(`flushed/${writer}`, "FULL"),
      committed: (writer) => write(`committed/${writer}`, "NORMAL"),
      close: async () => database.close()
    }
  },
  read: async (dir) => {
    const database = openIn(dir)
    const rows = database.prepare("SELECT state FROM states").all() as ReadonlyArray<{ readonly state: string }>
    database.close()
    return rows.map(({ state }) => (JSON.parse(state) as State).count)
  }
})
finish()
