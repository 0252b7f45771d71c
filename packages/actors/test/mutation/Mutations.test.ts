import { expect, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { mutations } from "./Mutations.ts"

it("each fault of the mutation suite finds its line in the source, once", () => {
  const times = mutations.map(({ file, from }) => {
    const source = readFileSync(resolve(import.meta.dirname, "../../src", file), "utf8")
    return [from, source.split(from).length - 1]
  })
  expect(times).toEqual(mutations.map(({ from }) => [from, 1]))
})
