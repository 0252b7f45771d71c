import { describe, it } from "@effect/vitest"
import { join } from "node:path"
import { expectReadmeToRun } from "../../core/test/Readme.ts"

describe("the README", () => {
  it("shows a program that runs and prints what it says", () => expectReadmeToRun(join(import.meta.dirname, "..")))
})
