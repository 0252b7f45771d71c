/** Actors: a million of them that have nothing to do. */
import type { Suite } from "../../Suite.ts"

export const idleSuite: Suite = {
  id: "idle",
  title: "Actors: a million idle ones",
  about: `1,000,000 counters in one process, none of them stored. *Create*: a message to a name that was never used, which makes the actor, and
its handling. *Room*: what the engine's heap grew by, after a collection, for each actor with its name, its state and its place in
the system's table; nobody holds a ref. *Message*: one more to each, by its name, so with a new ref for each. *Process*: all memory of the process in the end, garbage and engine included, divided by the
number of actors.`,
  runtimes: ["bun", "deno", "node"],
  msMax: 120_000,
  cases: [
    { id: "create", label: "Create", time: "cpu", unit: "ns" },
    { id: "room", label: "Room for each", time: "room", unit: "B" },
    { id: "message", label: "Message to each", time: "cpu", unit: "ns" },
    { id: "process", label: "Room in the process for each", time: "room", unit: "B" }
  ],
  peers: [{ id: "continuum", label: "Continuum", program: "actors/idle/continuum.ts" }],
  targets: [
    { text: "An idle actor takes at most 600 B", cases: ["room"], peer: "continuum", max: 600 },
    { text: "A process with a million of them stays below 2 GB", cases: ["process"], peer: "continuum", max: 2_000 }
  ]
}
