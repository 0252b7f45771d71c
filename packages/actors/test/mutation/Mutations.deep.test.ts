import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { rmSync } from "node:fs"
import * as Mutants from "./Mutants.ts"
import { mutations } from "./Mutations.ts"

describe("a source with a fault fails the tests:", () => {
  let folder: string
  beforeAll(() => {
    folder = Mutants.copy("actors")
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it("without one they pass", async () => {
    const tests = [...new Set(mutations.flatMap(({ tests }) => tests))]
    const { output, survived } = await Mutants.run(folder, { tests })
    expect(survived, output).toBe(true)
  })

  for (const mutation of mutations) {
    it(`against "${mutation.breaks}"`, async () => {
      const { output, survived } = await Mutants.run(folder, mutation, mutation)
      expect(survived, output).toBe(false)
      // By a test, and not because nothing ran.
      expect(output).toMatch(/Tests {2}[^\n]*failed/)
    })
  }
})
