/** The packages as strangers get them, with a real installation by npm. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Packed from "./PackedProject.ts"

describe("the packages, packed and installed by npm into an empty project", () => {
  it.live("type-check, and run the first program of each README on Bun, Deno and Node", () =>
    Effect.gen(function* () {
      const { built, project } = yield* Packed.installed
      assert.strictEqual(built.code, 0, built.output)
      yield* Packed.runReadmes(project, Packed.packages, ["Bun", "Deno", "Node"])
    }).pipe(Effect.scoped)
  )
})
