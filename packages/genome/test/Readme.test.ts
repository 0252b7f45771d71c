import { describe, it } from "@effect/vitest"
import { join } from "node:path"
import { expectReadmeToRun } from "../../core/test/Readme.ts"

describe("the README", () => {
  const folder = join(import.meta.dirname, "..")

  it("shows a program that runs and prints what it says", () => expectReadmeToRun(folder))

  it("shows a second one, about layers as files", () => expectReadmeToRun(folder, "ReadmeLayersExample.ts", 2))
})
