import { assert, describe, it } from "@effect/vitest"
import { laws } from "./support/ListenerLaws.ts"

describe("the listening socket of a node", () => {
  for (const [name, problems] of laws) {
    it(name, { timeout: 60_000 }, async () => {
      assert.deepStrictEqual(await problems(), [])
    })
  }
})
