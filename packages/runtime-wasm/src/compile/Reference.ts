/**
 * What a function means: its answers to some inputs, as QuickJS gives them, within a budget of fuel.
 */
import { outputCharactersMax, referenceFuelMax, referenceFuelTotalMax } from "../Limits.ts"
import { FuelExhausted, MemoryExceeded } from "../JitError.ts"
import type { QuickJs } from "./QuickJs.ts"
import type { Parsed } from "./Source.ts"

/** What the reference says to an input. `unknown`: it did not end within its fuel or memory, or the budget is used up. */
export type Answer =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "throws"; readonly reason: string }
  | { readonly kind: "unknown" }

/** The answers to argument lists, in their order. */
export const answers = (
  quickJs: QuickJs,
  parsed: Parsed,
  inputs: ReadonlyArray<ReadonlyArray<unknown>>
): ReadonlyArray<Answer> => {
  let budget = referenceFuelTotalMax
  return inputs.map((input): Answer => {
    if (budget <= 0) return { kind: "unknown" }
    const outcome = quickJs.run({
      script: parsed.script,
      input,
      spread: true,
      fuelMax: Math.min(budget, referenceFuelMax),
      outputCharactersMax
    })
    budget -= outcome.fuel
    if ("output" in outcome) return { kind: "value", value: outcome.output }
    if (outcome.error instanceof FuelExhausted || outcome.error instanceof MemoryExceeded) return { kind: "unknown" }
    return { kind: "throws", reason: outcome.error.message }
  })
}
