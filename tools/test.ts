/**
 * Everything that `npm test` checks, one line a step; what fails is shown in full. Ends with `N passed, N failed`.
 *
 * --deep runs the long versions (many seeds, kills, mutations) instead of the quick ones; --only NAME,... runs a part.
 */
import { spawn } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs"
import { basename, join, resolve } from "node:path"
import { parseArgs } from "node:util"

const root = resolve(import.meta.dirname, "..")
const bin = (name: string) => join(root, "node_modules/.bin", name)
const { values: options } = parseArgs({
  options: { deep: { type: "boolean", default: false }, only: { type: "string" } },
  strict: true
})

interface Outcome {
  readonly passed: number
  readonly failed: number
  /** Shown when something failed. */
  readonly output: string
}

interface Step {
  readonly name: string
  /** Steps of one group can be asked for together, as `--only check`. */
  readonly group: "check" | "test" | "conformance"
  readonly run: () => Promise<Outcome>
}

const run = (command: string, args: ReadonlyArray<string>, environment: Record<string, string> = {}) =>
  new Promise<{ readonly code: number; readonly output: string }>((done) => {
    const child = spawn(command, args, {
      cwd: root,
      env: {
        ...process.env,
        TURBO_TELEMETRY_DISABLED: "1",
        DO_NOT_TRACK: "1",
        NO_COLOR: "1",
        FORCE_COLOR: "0",
        ...environment
      },
      stdio: ["ignore", "pipe", "pipe"]
    })
    const chunks: Array<Buffer> = []
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk))
    child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk))
    child.on("error", (error) => done({ code: 127, output: `${command}: ${error.message}` }))
    child.on("close", (code) => done({ code: code ?? 1, output: Buffer.concat(chunks).toString() }))
  })

/** A command whose exit code is the whole result. */
const command = (name: string, group: Step["group"], file: string, args: ReadonlyArray<string>): Step => ({
  name,
  group,
  run: async () => {
    const { code, output } = await run(file, args)
    return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, output }
  }
})

/** A program that ends with `N passed, N failed`. */
const counted = (name: string, group: Step["group"], file: string, args: ReadonlyArray<string>): Step => ({
  name,
  group,
  run: async () => {
    const { code, output } = await run(file, args)
    const counts = [...output.matchAll(/^(\d+) passed, (\d+) failed$/gm)].at(-1)
    const failed = counts === undefined ? 1 : Number(counts[2])
    return { passed: Number(counts?.[1] ?? 0), failed: code !== 0 && failed === 0 ? 1 : failed, output }
  }
})

interface VitestReport {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly testResults: ReadonlyArray<{
    readonly name: string
    readonly status: string
    readonly message: string
    readonly assertionResults: ReadonlyArray<{
      readonly status: string
      readonly fullName: string
      readonly failureMessages: ReadonlyArray<string>
    }>
  }>
}

/** Vitest on Bun, with these arguments besides the usual ones. */
const vitest = (name: string, args: ReadonlyArray<string>): Step => ({
  name,
  group: "test",
  run: async () => {
    const reportFile = join(root, `.cache/vitest-${process.pid}.json`)
    mkdirSync(join(root, ".cache"), { recursive: true })
    rmSync(reportFile, { force: true })
    const { code, output } = await run(bin("bun"), [
      "--bun",
      bin("vitest"),
      "run",
      "--pool=threads",
      "--reporter=json",
      `--outputFile=${reportFile}`,
      ...args
    ])
    if (!existsSync(reportFile)) return { passed: 0, failed: 1, output }
    const report = JSON.parse(readFileSync(reportFile, "utf8")) as VitestReport
    rmSync(reportFile, { force: true })
    const failures = report.testResults.flatMap((file) => [
      ...file.assertionResults
        .filter((test) => test.status === "failed")
        .map((test) => `${file.name.replace(`${root}/`, "")}\n  ${test.fullName}\n${test.failureMessages.join("\n")}`),
      ...(file.status === "failed" && file.assertionResults.every((test) => test.status !== "failed")
        ? [`${file.name.replace(`${root}/`, "")}\n${file.message}`]
        : [])
    ])
    const skipped = report.numPendingTests + report.numTodoTests
    if (skipped > 0)
      failures.push(`${skipped} tests were skipped; a test names what it lacks and fails, or it does not exist`)
    const failed = Math.max(report.numFailedTests, failures.length, code === 0 ? 0 : 1)
    return { passed: report.numPassedTests, failed, output: failures.length > 0 ? failures.join("\n\n") : output }
  }
})

/** Programs in `packages/<p>/test/conformance` and `apps/<a>/test/conformance`: what must hold alike on Deno and on Node. */
const conformance = (): ReadonlyArray<Step> =>
  ["packages", "apps"]
    .flatMap((group) => readdirSync(join(root, group)).map((name) => join(group, name)))
    .flatMap((part) => {
      const folder = join(part, "test/conformance")
      if (!existsSync(join(root, folder))) return []
      const files = readdirSync(join(root, folder)).filter((file) => file.endsWith(".ts"))
      return files.flatMap((file) => onDenoAndNode(`${basename(part)}/${file}`, join(folder, file)))
    })

/** On Node the packages are those in the dist folders. */
const onDenoAndNode = (name: string, program: string): ReadonlyArray<Step> => [
  counted(`${name} on Deno`, "conformance", bin("deno"), ["run", "-A", "--no-check", program]),
  counted(`${name} on Node`, "conformance", process.env.NODE ?? "node", [join(root, "tools/node-run.mjs"), program])
]

/** What Node runs, and what is packed. Turbo keeps it, so that it takes a second when nothing changed. */
const build = command("build (turbo)", "check", bin("turbo"), ["run", "build", "--output-logs=errors-only"])

const quick: ReadonlyArray<Step> = [
  command("types", "check", bin("tsc"), ["-b"]),
  command("lint", "check", bin("oxlint"), ["--deny-warnings"]),
  command("format", "check", bin("oxfmt"), ["--check", "."]),
  command("arrows", "check", bin("bun"), ["tools/arrows.ts"]),
  command("features", "check", bin("bun"), ["tools/features.ts"]),
  command("dead code", "check", bin("knip"), []),
  // All in one run, the system tests too, so that no worker waits for the last file of a part.
  vitest("tests on Bun", []),
  ...conformance()
]
const deep: ReadonlyArray<Step> = [vitest("long tests on Bun", ["--config", "vitest.deep.config.ts"])]

const wanted = options.only?.split(",")
const asked = (options.deep ? deep : quick).filter(
  (step) => wanted === undefined || wanted.some((word) => step.group === word || step.name.includes(word))
)
if (asked.length === 0) {
  console.error(`No step is called ${options.only}`)
  process.exit(2)
}
const steps = [build, ...asked]

let passed = 0
let failed = 0
const take = async (step: Step): Promise<void> => {
  const started = performance.now()
  const outcome = await step.run()
  passed += outcome.passed
  failed += outcome.failed
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  const count = outcome.failed > 0 ? `${outcome.failed} failed, ${outcome.passed} passed` : `${outcome.passed} passed`
  console.log(
    `${outcome.failed > 0 ? "✗" : "✓"} ${step.name.padEnd(40)} ${count.padStart(12)} ${seconds.padStart(7)} s`
  )
  if (outcome.failed > 0) console.log(`${outcome.output.trimEnd()}\n`)
}

// Conformance programs are single processes, so two share two cores; everything else uses both by itself.
for (const step of steps.filter(({ group }) => group !== "conformance")) await take(step)
const waiting = steps.filter(({ group }) => group === "conformance")
const lane = async (): Promise<void> => {
  for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) await take(step)
}
await Promise.all([lane(), lane()])
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
