/** Messages that are on disk when they are acknowledged, and are handled after it. */
import type { Suite } from "../Suite.ts"

export const mailboxSuite: Suite = {
  id: "mailbox",
  title: "Durable mailboxes",
  about: `One operation of *Tell* is one message that is on the disk when its sender goes on, and is handled afterwards: its handler
replaces a state of about 100 B. Senders work at the same time, each waiting for its own acknowledgement; the clock stops when the last
message was handled and what that changed is on the disk. One of *Ask, once* is a message that names itself, so that a second one of
its name gets the first one's reply: state and reply are stored before the reply leaves. Afterwards the files are opened again, and
each message must have had its effect, once.

*Snapshot actor* is a durable actor without such a mailbox, asked in the same way: it stores the state and keeps no message, so a message
that comes twice is handled twice, and one on its way when the process dies is lost. *Plain lmdb* does by hand what the durable mailbox
promises: the message is put and flushed, then one transaction replaces the state and removes the message; or, asked, replaces the
state and puts the reply. Files are opened with the same options on all sides. Time on the wall depends on the disk; the ratio much less.`,
  runtimes: ["bun", "deno", "node"],
  msMax: 120_000,
  cases: [
    { id: "tell1", label: "Tell, 1 sender", time: "wall", unit: "µs" },
    { id: "tell64", label: "Tell, 64 senders", time: "wall", unit: "µs" },
    { id: "once64", label: "Ask, once, 64 senders", time: "wall", unit: "µs" },
    { id: "tell64", label: "Tell, 64 senders", time: "cpu", unit: "µs" },
    { id: "once64", label: "Ask, once, 64 senders", time: "cpu", unit: "µs" }
  ],
  peers: [
    { id: "continuum", label: "Continuum", program: "mailbox/continuum.ts" },
    { id: "snapshot", label: "Snapshot actor", program: "mailbox/snapshot.ts", against: "continuum" },
    { id: "lmdb", label: "plain lmdb", program: "mailbox/lmdb.ts", against: "continuum" }
  ],
  targets: []
}
