/** What a message to another node costs besides its way over the network. */
import type { Suite } from "../Suite.ts"

export const sessionSuite: Suite = {
  id: "session",
  title: "Sessions: asking an actor of another node",
  about: `One operation is one request of 64 bytes and its reply between two nodes in one process, joined by a connection in
memory: both ends are paid by the same process, and no network hides what we add. *Ask*: an actor, asked through its remote
ref: schemas, envelope, grant, deadline, call chain, mailbox, reply. *Channel*: the same bytes on a channel of their own, sent
back as they come. *Plain connection*: the same bytes on the bare connection. What a real network adds, it adds to all three. The asks are
measured after 40,000 others.`,
  runtimes: ["bun", "deno", "node"],
  msMax: 120_000,
  cases: [
    { id: "ask", label: "One after the other", time: "cpu", unit: "µs" },
    { id: "ask64", label: "64 in flight", time: "cpu", unit: "µs" }
  ],
  peers: [
    { id: "ask", label: "Continuum, ask", program: "session/ask.ts" },
    { id: "channel", label: "Continuum, channel", program: "session/channel.ts" },
    { id: "plain", label: "plain connection", program: "session/plain.ts", against: "ask" }
  ],
  targets: []
}
