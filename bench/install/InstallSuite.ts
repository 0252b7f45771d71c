/** A fresh install of everything. */
import type { Suite } from "../Suite.ts"
import { type Inventory, textOf } from "./Inventory.ts"

export const installSuite: Suite = {
  id: "install",
  title: "Fresh install",
  about: `Time of \`npm install\` of this repository into an empty folder with an empty HOME, downloads included: it depends on the
network more than on anything else here. Sizes are room on the disk.`,
  runtimes: ["bun"],
  msMax: 600_000,
  cases: [{ id: "install", label: "`npm install`", time: "wall", unit: "s" }],
  peers: [{ id: "continuum", label: "Continuum", program: "install/install.ts" }],
  targets: [{ text: "A fresh install takes at most 90 s", peer: "continuum", max: 90 }],
  detailsText: (details) => textOf(details as Inventory)
}
