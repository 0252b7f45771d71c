/** BLAKE3 with the chaining values of groups, against what hashes whole inputs. */
import type { Suite } from "../Suite.ts"

export const contentSuite: Suite = {
  id: "content",
  title: "Content: BLAKE3",
  about: `One operation is the hash of some content. *Continuum* makes the chaining value of each group of 256 KiB and the root
above them; *hash-wasm* makes the root alone.`,
  runtimes: ["bun", "deno", "node"],
  msMax: 120_000,
  cases: [
    { id: "megabytes", label: "16 MiB", time: "cpu", unit: "ms" },
    { id: "group", label: "256 KiB", time: "cpu", unit: "µs" },
    { id: "kilobyte", label: "1 KiB", time: "cpu", unit: "µs" }
  ],
  peers: [
    { id: "continuum", label: "Continuum", program: "content/continuum.ts" },
    { id: "hash-wasm", label: "hash-wasm", program: "content/hashWasm.ts", against: "continuum" }
  ],
  targets: []
}
