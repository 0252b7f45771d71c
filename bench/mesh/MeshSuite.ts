/** Connections between two nodes on this machine. */
import type { Suite } from "../Suite.ts"

export const meshSuite: Suite = {
  id: "mesh",
  title: "Mesh",
  about: `Two nodes in one process, on a private DHT on loopback. *Echo*: 64 B go to the other node and come back. *Bulk*: 4 MB in
messages of 64 KiB go to the other node and are counted there. On Node, Hyperswarm runs in the process; the peer is plain Hyperswarm
with its streams of bytes. On Bun and Deno each node has a sidecar; the peer is bytes through the same two sidecars, without our
messages and credit. What a sidecar itself costs shows between the columns. *Ask*: an actor of the other node, asked with 64 B through its remote ref (schemas, envelope, grant, mailbox, reply); against it
the plain echo. *Content*: 4 MB by its id, asked for group by group and verified. *Connect*: a dial by key to a node that is ready.
*Reconnect*: from SIGKILL of a sidecar to the new connection of a kept peer; by sidecar on Node, too.`,
  runtimes: ["bun", "deno", "node"],
  msMax: 180_000,
  cases: [
    { id: "echo", label: "Echo of 64 B", time: "wall", unit: "µs" },
    { id: "ask", label: "Ask of 64 B", time: "wall", unit: "µs" },
    { id: "bulk", label: "Bulk of 4 MB", time: "wall", unit: "ms" },
    { id: "content", label: "Content of 4 MB", time: "wall", unit: "ms" },
    { id: "connect", label: "Connect", time: "wall", unit: "ms" },
    { id: "reconnect", label: "Reconnect after a kill", time: "wall", unit: "ms" }
  ],
  peers: [
    { id: "continuum", label: "Continuum, sidecar on bare", program: "mesh/continuum.ts", args: ["bare"] },
    {
      id: "plain",
      label: "plain Hyperswarm, bare",
      program: "mesh/plain.ts",
      args: ["bare"],
      against: "continuum",
      cases: ["echo", "ask", "bulk"]
    },
    { id: "continuum-node", label: "Continuum, sidecar on Node", program: "mesh/continuum.ts", args: ["node"] },
    {
      id: "plain-node",
      label: "plain Hyperswarm, Node",
      program: "mesh/plain.ts",
      args: ["node"],
      against: "continuum-node",
      cases: ["echo", "ask", "bulk"]
    }
  ],
  targets: [
    { text: "An echo takes at most 1.5 times as long as plain Hyperswarm", cases: ["echo"], peer: "plain", max: 1.5 },
    {
      text: "An ask takes at most 1.5 times as long as an echo of plain Hyperswarm",
      cases: ["ask"],
      peer: "plain",
      max: 1.5
    },
    { text: "Bulk takes at most 1 / 0.7 of the time of plain Hyperswarm", cases: ["bulk"], peer: "plain", max: 1.43 }
  ]
}
