/** From the command line to a node that answers. */
import type { Suite } from "../Suite.ts"

export const startSuite: Suite = {
  id: "start",
  title: "Start of a node",
  about: `Time from starting the process \`bun apps/node\` to the first \`GET /healthz\` that is answered with 200. *Cold*: the home does
not exist, so identity, key and database are made. *Warm*: the home is there, left by a clean stop. The floor is a program of
ten lines that serves with \`node:http\` and nothing else. Both run from their TypeScript sources.`,
  runtimes: ["bun"],
  msMax: 120_000,
  cases: [
    { id: "cold", label: "Cold home", time: "wall", unit: "ms" },
    { id: "warm", label: "Warm home", time: "wall", unit: "ms" }
  ],
  peers: [
    { id: "node", label: "Continuum node", program: "start/node.ts" },
    { id: "bare", label: "`node:http` alone", program: "start/bare.ts", cases: ["warm"], against: "node" }
  ],
  targets: [{ text: "A node with a warm home answers within 1,000 ms", cases: ["warm"], peer: "node", max: 1_000 }]
}
