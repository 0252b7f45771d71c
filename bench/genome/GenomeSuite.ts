/** The model engine: what layers cost, and tokens of the same weights in another library. */
import type { Suite } from "../Suite.ts"

export const genomeSuite: Suite = {
  id: "genome",
  title: "The model engine: swapping layers, and tokens",
  about: `A model of the size of the tiny one (584,576 weights), six layers of rank 8 on all its linear modules. A swap is what changes
between two answers with different layers: for *Continuum* other inputs of the same session, *warm* (the numbers are in memory,
their tensors are not wrapped) or *hot* (wrapped); without layers as inputs it is a new session with the merged weights. A token
is one of an answer of 64 after a prompt of 24, alone or in 32 rows together, where each row has another layer than the next.
All on one thread, in the measured process: the way through the engine's process is not in it.`,
  runtimes: ["bun", "deno", "node"],
  msMax: 240_000,
  cases: [
    { id: "warm", label: "Swap of a warm layer", time: "cpu", unit: "µs" },
    { id: "hot", label: "Swap of a hot layer", time: "cpu", unit: "µs" },
    { id: "one", label: "A token, one row with a layer", time: "cpu", unit: "µs" },
    { id: "many", label: "A token, in 32 rows with different layers", time: "cpu", unit: "µs" }
  ],
  peers: [
    { id: "continuum", label: "Continuum", program: "genome/continuum.ts" },
    { id: "base", label: "without layers", program: "genome/base.ts", against: "continuum" },
    {
      id: "transformers",
      label: "transformers.js",
      program: "genome/transformers.ts",
      cases: ["one"],
      against: "continuum"
    }
  ],
  targets: [
    { text: "A warm layer is swapped in at most 50 µs", peer: "continuum", cases: ["warm"], max: 50 },
    { text: "at least 1,000 times faster than another session", peer: "base", cases: ["warm"], max: 0.001 }
  ]
}
