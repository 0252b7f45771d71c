/** Modules as the node runs them: rewritten, metered, inputs and outputs checked. */
import * as MeteredInstance from "@continuum/runtime-wasm/abi/MeteredInstance"
import * as Raw1 from "@continuum/runtime-wasm/abi/Raw1"
import * as Scalar1 from "@continuum/runtime-wasm/abi/Scalar1"
import * as Rewrite from "@continuum/runtime-wasm/rewrite/Rewrite"
import { check, finish, measure } from "../Measure.ts"
import { echoModule, kernels, kernelsModule, kilobyte } from "./Kernels.ts"

const fuelMax = 1_000_000_000_000

const load = (bytes: Uint8Array): MeteredInstance.MeteredInstance =>
  MeteredInstance.instantiateUnsafe(MeteredInstance.compileUnsafe(Rewrite.rewriteUnsafe(bytes).bytes))

const bytes = await kernelsModule()
for (const { input, name, output, type } of kernels) {
  const instance = load(bytes)
  const signature = { entry: name, params: [type], result: type } as const
  await measure(name, (operations) => {
    let result: unknown
    for (let i = 0; i < operations; i++) result = Scalar1.runUnsafe(instance, signature, input, fuelMax)
    check(name, result, output)
  })
}

const echo = load(await echoModule())
await measure("raw1", (operations) => {
  let result: unknown
  for (let i = 0; i < operations; i++) result = Raw1.runUnsafe(echo, kilobyte, fuelMax)
  check("What came back", JSON.stringify(result), JSON.stringify(kilobyte))
})
finish()
