/**
 * A project of somebody else: an empty folder with nothing but the packages as `npm pack` makes them, and what these
 * declare that they need.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { spawn, spawnSync } from "node:child_process"
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { nodeExecutable } from "./NodeExecutable.ts"
import { root, temporaryFolder } from "./NodeProcess.ts"

/** The packages that stand alone, each with a program as the first block of its README. */
export const packages = ["core", "actors", "runtime-wasm", "genome", "mesh", "persona"] as const

/** What the READMEs have a user install beside them: the services of a runtime. */
const besides = ["@effect/platform-node"] as const

export interface Ran {
  readonly code: number | null
  readonly output: string
}

// Deno takes any FORCE_COLOR, also "0", for a wish for colours.
const { FORCE_COLOR: _, ...inherited } = process.env
const environment = { ...inherited, NO_COLOR: "1", NODE_OPTIONS: "--disable-warning=ExperimentalWarning" }

/** Runs a command in a folder; its output and errors as one text. */
export const run = (folder: string, command: string, args: ReadonlyArray<string>): Effect.Effect<Ran> =>
  Effect.callback((resume) => {
    const child = spawn(command, args, {
      cwd: folder,
      env: environment,
      stdio: ["ignore", "pipe", "pipe"]
    })
    let output = ""
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()))
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()))
    child.once("error", (error) => resume(Effect.succeed({ code: null, output: error.message })))
    child.once("close", (code) => resume(Effect.succeed({ code, output })))
    return Effect.sync(() => child.kill("SIGKILL"))
  })

export const bin = (name: string): string => join(root, "node_modules/.bin", name)

/** Packs all packages. The paths of the files, by the names of the packages. Their `dist` has been built before. */
export const pack = Effect.gen(function* () {
  const folder = yield* temporaryFolder
  const chosen = packages.map((name) => `--workspace=packages/${name}`)
  const packed = spawnSync("npm", ["pack", "--json", "--ignore-scripts", `--pack-destination=${folder}`, ...chosen], {
    cwd: root,
    encoding: "utf8"
  })
  if (packed.status !== 0) throw new Error(`npm pack failed: ${packed.stderr}`)
  const list = Object.values(JSON.parse(packed.stdout)) as ReadonlyArray<{
    readonly name: string
    readonly filename: string
    readonly files: ReadonlyArray<{ readonly path: string }>
  }>
  return list.map(({ name, filename, files }) => ({
    name,
    file: join(folder, filename),
    files: files.map(({ path }) => path)
  }))
})

/**
 * A project with the packages unpacked into its `node_modules`, and beside them, as links into this repository's, only
 * what they declare: a dependency that one forgot is missing here.
 */
export const linked = Effect.gen(function* () {
  const project = join(yield* temporaryFolder, "project")
  const modules = join(project, "node_modules")
  const packed = yield* pack
  const wanted = new Set<string>(besides)
  for (const { file, name } of packed) {
    const folder = join(modules, name)
    mkdirSync(folder, { recursive: true })
    const unpacked = spawnSync("tar", ["-xzf", file, "-C", folder, "--strip-components=1"], { encoding: "utf8" })
    if (unpacked.status !== 0) throw new Error(`tar failed: ${unpacked.stderr}`)
    const { dependencies } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
      readonly dependencies: Record<string, string>
    }
    for (const dependency of Object.keys(dependencies)) wanted.add(dependency)
  }
  for (const { name } of packed) wanted.delete(name)
  for (const dependency of wanted) {
    mkdirSync(dirname(join(modules, dependency)), { recursive: true })
    symlinkSync(join(root, "node_modules", dependency), join(modules, dependency))
  }
  writeProject(project)
  return { project, packed, built: yield* run(project, bin("tsc"), []) }
})

/**
 * A project that really installs the packed files with npm, which takes the third-party libraries from its cache or the
 * registry. `onnxruntime-node` would load libraries for graphics cards.
 */
export const installed = Effect.gen(function* () {
  const project = join(yield* temporaryFolder, "project")
  mkdirSync(project)
  const packed = yield* pack
  writeProject(project)
  writeFileSync(join(project, ".npmrc"), "onnxruntime-node-install=skip\n")
  const files = packed.map(({ file }) => file)
  const install = yield* run(project, "npm", [
    "install",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
    ...files,
    ...besides.map(exactly)
  ])
  if (install.code !== 0) throw new Error(`npm install failed: ${install.output}`)
  return { project, packed, built: yield* run(project, bin("tsc"), []) }
})

/** A library in the version of this repository. */
const exactly = (name: string): string => {
  const manifest = readFileSync(join(root, "node_modules", name, "package.json"), "utf8")
  return `${name}@${(JSON.parse(manifest) as { version: string }).version}`
}

/** Runs the README's program of each of these packages on each of these runtimes, and compares what it prints. */
export const runReadmes = (project: string, names: ReadonlyArray<string>, on: ReadonlyArray<keyof typeof runtimes>) =>
  Effect.forEach(
    on.flatMap((runtime) => names.map((name) => ({ runtime, name }))),
    ({ name, runtime }) =>
      Effect.gen(function* () {
        const [file, args] = runtimes[runtime]!(name)
        // The program of actors counts on in its folder.
        if (name === "actors") rmSync(join(project, "data"), { recursive: true, force: true })
        const ran = yield* run(project, file, args)
        assert.strictEqual(ran.output, readmeOf(name).prints, `${name} on ${runtime} printed:\n${ran.output}`)
        assert.strictEqual(ran.code, 0, `${name} on ${runtime}`)
      }),
    { concurrency: 2, discard: true }
  )

/** The files of a TypeScript project as anyone would write them, with the READMEs' first programs. */
export const writeProject = (project: string): void => {
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "stranger", private: true, type: "module" }))
  const compilerOptions = {
    target: "ES2024",
    lib: ["ES2024", "ESNext.Disposable", "DOM", "DOM.AsyncIterable"],
    module: "NodeNext",
    strict: true,
    exactOptionalPropertyTypes: true,
    // The declarations of the packages are part of what is tested.
    skipLibCheck: false,
    types: [],
    outDir: "out",
    rootDir: "."
  }
  const files = packages.map((name) => `${name}.ts`)
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files }))
  for (const name of packages) writeFileSync(join(project, `${name}.ts`), readmeOf(name).program)
}

/** The first program of a package's README, and what it says that it prints. */
export const readmeOf = (name: string) => {
  const readme = readFileSync(join(root, "packages", name, "README.md"), "utf8")
  const block = (language: string) => readme.split(`\`\`\`${language}\n`)[1]?.split("```")[0] ?? ""
  return { program: block("ts"), prints: block("text") }
}

/** How each runtime runs a program of the project; Node 20 reads no TypeScript and gets what `tsc` made of it. */
export const runtimes: Readonly<Record<string, (name: string) => readonly [string, ReadonlyArray<string>]>> = {
  Bun: (name) => [bin("bun"), [`${name}.ts`]],
  Deno: (name) => [bin("deno"), ["run", "-A", "--no-check", "--node-modules-dir=manual", `${name}.ts`]],
  Node: (name) => [nodeExecutable, [`out/${name}.js`]]
}
