/** Actors: the programs of the Savina suite. */
import type { Suite } from "../../Suite.ts"
import { programs } from "./Programs.ts"

export const savinaSuite: Suite = {
  id: "savina",
  title: "Actors: programs of the Savina suite",
  about: `The micro and concurrency programs of [Savina](https://github.com/shamsimam/savina) (S. Imam, V. Sarkar, AGERE 2014), each
written once against a function that makes an actor of a function, so that all libraries run the same code. What one operation is
stands in the file of each program, below bench/actors/savina; each checks its result.

Ours run with supervision and counters and nothing stored, and an actor gets its function by a message, which the others do not need.
*Effect Queue + fiber* has no supervision and no bound. *nact* gives each message a \`setImmediate\`. *XState* runs the receiver on the
sender's stack.`,
  runtimes: ["bun", "deno", "node"],
  msMax: 240_000,
  cases: programs.map(({ id, label }) => ({ id, label, time: "cpu", unit: "ns" })),
  peers: [
    { id: "continuum", label: "Continuum", program: "actors/savina/continuum.ts" },
    {
      id: "xstate",
      label: "XState",
      program: "actors/savina/xstate.ts",
      against: "continuum",
      needs: "xstate"
    },
    { id: "nact", label: "nact", program: "actors/savina/nact.ts", against: "continuum", needs: "nact" },
    {
      id: "effect-queue",
      label: "Effect Queue + fiber",
      program: "actors/savina/effect-queue.ts",
      against: "continuum"
    }
  ],
  targets: [
    { text: "No program of Savina takes longer than with XState", peer: "xstate", max: 1 },
    { text: "No program of Savina takes longer than with nact", peer: "nact", max: 1 },
    { text: "No program of Savina takes longer than with Effect's Queue and a fiber", peer: "effect-queue", max: 1 }
  ]
}
