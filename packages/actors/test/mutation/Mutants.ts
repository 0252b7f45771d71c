/**
 * Runs tests against a copy of this package with one fault in it. The copies live below the repository, so that they find its libraries,
 * and in a folder that is not part of it.
 */
import { spawn } from "node:child_process"
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import type { Mutation } from "./Mutations.ts"

const root = resolve(import.meta.dirname, "../../../..")
const bin = (name: string) => join(root, "node_modules/.bin", name)

/** A copy of the package and its tests. Each is used for one mutation at a time. */
export const copy = (name: string): string => {
  const folder = join(root, ".cache/mutants", name)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(join(folder, "packages/actors"), { recursive: true })
  for (const part of ["src", "test", "package.json"])
    cpSync(join(root, "packages/actors", part), join(folder, "packages/actors", part), { recursive: true })
  for (const file of ["vitest.config.ts", "package.json"]) cpSync(join(root, file), join(folder, file))
  return folder
}

export interface Survival {
  /** Whether all tests passed. */
  readonly survived: boolean
  readonly output: string
}

/** Puts the fault in, runs its tests, and takes it out again. Without one, the tests run on what is there. */
export const run = async (
  folder: string,
  { tests, only }: Pick<Mutation, "tests" | "only">,
  fault?: Pick<Mutation, "file" | "from" | "to">
): Promise<Survival> => {
  const file = fault === undefined ? undefined : join(folder, "packages/actors/src", fault.file)
  const sound = file === undefined ? "" : readFileSync(file, "utf8")
  if (fault !== undefined) {
    const parts = sound.split(fault.from)
    if (parts.length !== 2) throw new Error(`${fault.file} has ${parts.length - 1} times: ${fault.from}`)
    writeFileSync(file!, parts.join(fault.to))
  }
  const files = tests.map((test) => join("packages/actors/test", test))
  const args = [
    "--bun",
    bin("vitest"),
    "run",
    "--pool=threads",
    "--maxWorkers=1",
    "--bail=1",
    "--testTimeout=60000",
    ...files
  ]
  const { code, output } = await command([...args, ...(only === undefined ? [] : ["-t", only])], folder)
  if (file !== undefined) writeFileSync(file, sound)
  return { survived: code === 0, output }
}

const command = (args: ReadonlyArray<string>, cwd: string) =>
  new Promise<{ readonly code: number | null; readonly output: string }>((done) => {
    const child = spawn(bin("bun"), args, { cwd, env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: "0" } })
    let output = ""
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()))
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()))
    child.on("close", (code) => done({ code, output }))
  })
