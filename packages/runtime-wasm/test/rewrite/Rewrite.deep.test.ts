import { describe, it } from "@effect/vitest"
import fc from "fast-check"
import { mutants, rewriteMutant } from "../support/Mutants.ts"

describe("Rewrite, at length", () => {
  it(
    "makes of 200,000 mutated modules what the engine accepts exactly when it accepts the module",
    { timeout: 600_000 },
    () => {
      fc.assert(
        fc.property(mutants, (bytes) => void rewriteMutant(bytes, !("bun" in process.versions))),
        { numRuns: 200_000 }
      )
    }
  )
})
