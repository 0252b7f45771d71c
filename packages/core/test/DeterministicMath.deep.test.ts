import { describe, expect, it } from "@effect/vitest"
import { claims, worstError } from "./DeterministicMathClaims.ts"
import * as Vectors from "./vectors/DeterministicMathVectors.ts"

describe.each(Vectors.names)("%s", (name) => {
  it("keeps its bound for 2,000 arguments from each of three seeds", () => {
    for (const seed of [1, 2, 3]) {
      const worst = worstError(name, seed, 2000)
      expect(worst.ulps, `seed ${seed}: ${name}(${worst.x}, ${worst.y})`).toBeLessThanOrEqual(claims[name].ulps)
    }
  })
})
