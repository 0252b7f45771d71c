/** Actors: how long one waits that wakes on a busy thread. */
import type { Suite } from "../../Suite.ts"

interface Details {
  readonly priorities: ReadonlyArray<number>
  readonly shares: ReadonlyArray<number>
  readonly theory: ReadonlyArray<number>
}

const percent = (parts: ReadonlyArray<number>): string => parts.map((part) => `${(part * 100).toFixed(1)} %`).join(", ")

export const wakeSuite: Suite = {
  id: "wake",
  title: "Actors: waking on a busy thread",
  about: `Three actors run Effects without end; a fourth is woken by a timer, or by one of the three in the middle of its work. Measured is
the time on the wall from the wake to its handler, which on a loaded machine holds the other programs' time too. *With preemption*: it
has priority 255, and a busy one makes way between two operations. *Without*: all have priority 128, and it waits for its turn.`,
  runtimes: ["bun", "deno", "node"],
  msMax: 60_000,
  cases: [
    { id: "timer-p50", label: "Woken by a timer, median", time: "wall", unit: "µs" },
    { id: "timer-p99", label: "Woken by a timer, 99 %", time: "wall", unit: "µs" },
    { id: "actor-p50", label: "Woken by a busy actor, median", time: "wall", unit: "µs" },
    { id: "actor-p99", label: "Woken by a busy actor, 99 %", time: "wall", unit: "µs" }
  ],
  peers: [
    { id: "preemptive", label: "With preemption", program: "actors/wake/preemptive.ts" },
    { id: "equal", label: "Without", program: "actors/wake/equal.ts", against: "preemptive" }
  ],
  targets: [
    {
      text: "Preemption never makes waking by a busy actor slower, median",
      cases: ["actor-p50"],
      peer: "equal",
      max: 1
    }
  ],
  detailsText: (details) => {
    const { priorities, shares, theory } = details as Details
    return `shares of the three busy actors, of priorities ${priorities.join(", ")}: ${percent(shares)}. By their weights: ${percent(theory)}.`
  }
}
