/**
 * What the rewriter and the ABIs must do alike on Bun, Deno and Node: the same rewritten bytes, outputs and exact fuel
 * for small modules of every feature, the same stop of endless programs, the same words for the same trap.
 */
import * as MeteredInstance from "@continuum/runtime-wasm/abi/MeteredInstance"
import * as Scalar1 from "@continuum/runtime-wasm/abi/Scalar1"
import * as Wat from "@continuum/runtime-wasm/compile/Wat"
import * as Rewrite from "@continuum/runtime-wasm/rewrite/Rewrite"
import * as ContentId from "@continuum/core/ContentId"
import { check, report } from "../../../core/test/Conformance.ts"
import fc from "fast-check"
import process from "node:process"
import { answers, golden } from "../support/SmallModules.ts"
import { endless, traps } from "../support/Failures.ts"
import { mutants, rewriteMutant } from "../support/Mutants.ts"

await check("small modules have the same bytes, outputs and fuel everywhere", async () => {
  const found = ContentId.of(JSON.stringify(await answers()))
  if (found !== golden) throw new Error(`their content id is ${found}`)
})

const failureOf = async (text: string, fuelMax: number): Promise<unknown> => {
  const { bytes } = Rewrite.rewriteUnsafe(await Wat.assembleUnsafe(text))
  const instance = MeteredInstance.instantiateUnsafe(MeteredInstance.compileUnsafe(bytes))
  try {
    return Scalar1.runUnsafe(instance, { entry: "run", params: [], result: "i32" }, [], fuelMax)
  } catch (error) {
    return error
  }
}

for (const { name, text } of endless) {
  await check(`${name} ends when its fuel does`, async () => {
    const error = await failureOf(text, 100_000)
    if ((error as { _tag?: string })._tag !== "FuelExhausted") throw new Error(String(error))
  })
}

for (const { name, text, reason } of traps) {
  await check(`${name} fails with the same words everywhere`, async () => {
    const error = await failureOf(text, 10_000_000)
    if ((error as { reason?: string }).reason !== reason) throw new Error(String(error))
  })
}

await check("of 3,000 mutated modules the engine accepts exactly the rewritten ones that it accepted before", () => {
  for (const bytes of fc.sample(mutants, { seed: 7, numRuns: 3000 })) rewriteMutant(bytes, !("bun" in process.versions))
})

report()
