/**
 * What is measured: a suite is a set of cases, each measured on every peer, on every runtime, by a process of its own.
 */

export type Runtime = "bun" | "deno" | "node"
export const runtimes: ReadonlyArray<Runtime> = ["bun", "deno", "node"]
export const runtimeLabels: Record<Runtime, string> = { bun: "Bun", deno: "Deno", node: "Node" }

export interface Case {
  readonly id: string
  readonly label: string
  /** What counts: time of this process's CPU, time on the wall, or room in memory. */
  readonly time: "cpu" | "wall" | "room"
  readonly unit: Unit
}

export type Unit = "ns" | "µs" | "ms" | "s" | "B"
/** A unit in nanoseconds, or in bytes. */
export const sizes: Record<Unit, number> = { ns: 1, µs: 1_000, ms: 1_000_000, s: 1_000_000_000, B: 1 }

export interface Peer {
  readonly id: string
  readonly label: string
  /** Path of its program below bench/: TypeScript that each runtime runs, or Erlang, which runs in their place. */
  readonly program: string
  readonly args?: ReadonlyArray<string>
  /** Cases that it takes part in; absent: all. */
  readonly cases?: ReadonlyArray<string>
  /** Absent for what is ours; otherwise the peer of ours that it is compared with. */
  readonly against?: string
  /** Runtimes that can run it; absent: all. */
  readonly runtimes?: ReadonlyArray<Runtime>
  /** A package of bench/package.json that must be installed for it. */
  readonly needs?: string
  /** Programs of the machine that must be installed for it; it is left out where they are not. */
  readonly commands?: ReadonlyArray<string>
}

/** A figure that we want to reach, in some cases or all, on some runtimes or all. */
export interface Target {
  readonly text: string
  readonly cases?: ReadonlyArray<string>
  readonly runtimes?: ReadonlyArray<Runtime>
  /** A peer that we are compared with: the ratio must not pass `max`. One of ours: its time in the unit of the case must not. */
  readonly peer: string
  readonly max: number
}

export interface Suite {
  readonly id: string
  readonly title: string
  /** Markdown below the title: what one operation is, and what makes the comparison fair or unfair. */
  readonly about: string
  readonly runtimes: ReadonlyArray<Runtime>
  readonly cases: ReadonlyArray<Case>
  readonly peers: ReadonlyArray<Peer>
  readonly targets: ReadonlyArray<Target>
  /** Longest time for one process, in milliseconds. */
  readonly msMax: number
  /** Markdown below the table for each runtime, from the details of the first process there that has any. */
  readonly detailsText?: (details: unknown) => string
}
