/** Calls of WebAssembly, and what metering adds. */
import type { Suite } from "../Suite.ts"

export const wasmSuite: Suite = {
  id: "wasm",
  title: "WebAssembly: calls and metering",
  about: `One operation is one call from JavaScript. *Continuum* is the module after our rewriter: it counts fuel, cannot exceed it, has
canonical NaNs, and input and output are checked on the way (ABI \`scalar1\` for numbers, \`raw1\` for data). *Plain* is the
same module called directly, without any check. The call of \`double\` is all overhead and no work; in the others the
difference is the counting. \`spin\` is a loop of four instructions, the worst that counting can meet.`,
  runtimes: ["bun", "deno", "node"],
  msMax: 120_000,
  cases: [
    { id: "double", label: "Call of `(input) => input * 2`", time: "cpu", unit: "ns" },
    { id: "raw1", label: "1 kB of data there and back", time: "cpu", unit: "µs" },
    { id: "sieve", label: "Primes below 100,000", time: "cpu", unit: "µs" },
    { id: "matmul", label: "Product of 64 × 64 matrices", time: "cpu", unit: "µs" },
    { id: "fib", label: "Recursive fib(20)", time: "cpu", unit: "µs" },
    { id: "spin", label: "1,000,000 rounds of an empty loop", time: "cpu", unit: "µs" }
  ],
  peers: [
    { id: "continuum", label: "Continuum", program: "wasm/continuum.ts" },
    { id: "plain", label: "plain WebAssembly", program: "wasm/plain.ts", against: "continuum" }
  ],
  targets: [
    {
      text: "Metered work costs at most twice the plain one",
      cases: ["sieve", "matmul", "fib"],
      peer: "plain",
      max: 2
    },
    { text: "Counting an empty loop at most eight times", cases: ["spin"], peer: "plain", max: 8 },
    { text: "A call of numbers takes at most 250 ns", cases: ["double"], peer: "continuum", max: 250 },
    { text: "1 kB of data there and back takes at most 20 µs", cases: ["raw1"], peer: "continuum", max: 20 }
  ]
}
