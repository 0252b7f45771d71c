/** Checks that a README shows the program beside it, and what that program prints. */
import { expect, vi } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"

/**
 * Runs `test/ReadmeExample.ts` of a package's folder and holds it against the first blocks of its README; or another
 * program, against the blocks at another place, from 1.
 */
export const expectReadmeToRun = async (
  packageFolder: string,
  program: string = "ReadmeExample.ts",
  place: number = 1
): Promise<void> => {
  const readme = readFileSync(join(packageFolder, "README.md"), "utf8")
  const file = join(packageFolder, "test", program)
  const block = (language: string) => readme.split(`\`\`\`${language}\n`)[place]?.split("```")[0]
  expect(block("ts")).toBe(readFileSync(file, "utf8"))
  const lines: Array<string> = []
  const spy = vi.spyOn(console, "log").mockImplementation((...values) => void lines.push(values.join(" ")))
  try {
    await import(/* @vite-ignore */ file)
  } finally {
    spy.mockRestore()
  }
  expect(`${lines.join("\n")}\n`).toBe(block("text"))
}
