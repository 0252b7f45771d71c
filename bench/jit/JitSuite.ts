/** A function's whole way through a node. */
import type { Suite } from "../Suite.ts"

export const jitSuite: Suite = {
  id: "jit",
  title: "Functions: the whole way of a warm call",
  about: `One operation is one \`Jit.run\`, one after the other: the source is looked up, its module's actor asked, the function run on a
fresh instance, its use counted and committed to LMDB. Tier \`wasm\` runs short functions in the node's thread, tier \`quickjs\`
in a child process that can be killed; both with fuel and limits. Beside it the same work without a node around it: a plain
call, and quickjs-emscripten in this process, in one context, without limits. Time is on the wall, since a child does part of
the work.`,
  runtimes: ["bun", "deno", "node"],
  msMax: 120_000,
  cases: [
    { id: "wasm", label: "Tier `wasm`: `(input) => input * 2`", time: "wall", unit: "µs" },
    { id: "quickjs", label: "Tier `quickjs`: sort the words of a sentence", time: "wall", unit: "µs" }
  ],
  peers: [
    { id: "continuum", label: "Continuum", program: "jit/continuum.ts" },
    { id: "direct", label: "the function alone", program: "jit/direct.ts", against: "continuum" }
  ],
  targets: [
    { text: "A warm compiled function answers within 1 ms", cases: ["wasm"], peer: "continuum", max: 1_000 },
    { text: "A warm interpreted one within 5 ms", cases: ["quickjs"], peer: "continuum", max: 5_000 }
  ]
}
