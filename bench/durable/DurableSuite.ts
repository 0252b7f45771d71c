/** Writes that are on disk when they are acknowledged. */
import type { Suite } from "../Suite.ts"

export const durableSuite: Suite = {
  id: "durable",
  title: "Durable writes",
  about: `One operation is one write: a writer changes its record of about 100 B and waits for the acknowledgement. *Flushed*: it
survives a power cut. *Committed*: it survives a crash of the process. Writers work at the same time, each waiting for its own
acknowledgement, so all sides group what comes together into one transaction; the files of LMDB are opened with the same options
(\`overlappingSync\`, \`separateFlushed\`). Afterwards all are opened again and every acknowledged write must be there.

Ours does more per write: a message to a supervised actor, a checksum over address and state, a frozen state. Plain lmdb
writes on a thread of its own, as ours does. *SQLite* (\`bun:sqlite\`, \`node:sqlite\` on Deno; Node 20 has none) writes and flushes on
the thread of the program, which does nothing else meanwhile: its write-ahead log with \`synchronous = FULL\` flushes once a
transaction, and with \`NORMAL\`, for *committed*, not at all, where LMDB's thread begins a transaction when it has flushed the last.
Time on the wall depends on the disk; the ratio much less.`,
  runtimes: ["bun", "deno", "node"],
  msMax: 120_000,
  cases: [
    { id: "flushed1", label: "Flushed, 1 writer", time: "wall", unit: "µs" },
    { id: "flushed64", label: "Flushed, 64 writers", time: "wall", unit: "µs" },
    { id: "flushed1024", label: "Flushed, 1,024 writers", time: "wall", unit: "µs" },
    { id: "committed64", label: "Committed, 64 writers", time: "wall", unit: "µs" },
    { id: "flushed64", label: "Flushed, 64 writers", time: "cpu", unit: "µs" },
    { id: "flushed1024", label: "Flushed, 1,024 writers", time: "cpu", unit: "µs" }
  ],
  peers: [
    { id: "continuum", label: "Continuum", program: "durable/continuum.ts" },
    { id: "lmdb", label: "plain lmdb", program: "durable/lmdb.ts", against: "continuum" },
    {
      id: "sqlite",
      label: "SQLite",
      program: "durable/sqlite.ts",
      against: "continuum",
      runtimes: ["bun", "deno"]
    }
  ],
  targets: [
    {
      text: "With many writers at least 0.7 of the writes a second of plain lmdb",
      cases: ["flushed64", "flushed1024", "committed64"],
      peer: "lmdb",
      max: 1 / 0.7
    },
    {
      text: "With one writer, which waits for the disk, at most twice its time",
      cases: ["flushed1"],
      peer: "lmdb",
      max: 2
    }
  ]
}
