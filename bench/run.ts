/**
 * `npm run bench`: measures the suites against their peers, in the same run, and writes their sections of bench/RESULTS.md.
 *
 * --only SUITE,...        actors, savina, wake, idle, wasm, jit, genome, answer, durable, mailbox, content, session, mesh, start,
 *                         install; the sections of the others stay as they are
 * --runtimes NAME,...     bun, deno, node; prints instead of writing
 * --repetitions N         default 3
 * --quick                 one short repetition that only shows that everything works; installs no peers, prints no figures
 */
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { arch, cpus, platform, totalmem } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { parseArgs } from "node:util"
import { actorsSuite } from "./actors/ActorsSuite.ts"
import { savinaSuite } from "./actors/savina/SavinaSuite.ts"
import { idleSuite } from "./actors/idle/IdleSuite.ts"
import { wakeSuite } from "./actors/wake/WakeSuite.ts"
import { contentSuite } from "./content/ContentSuite.ts"
import { answerSuite } from "./answer/AnswerSuite.ts"
import { durableSuite } from "./durable/DurableSuite.ts"
import { genomeSuite } from "./genome/GenomeSuite.ts"
import { installSuite } from "./install/InstallSuite.ts"
import { jitSuite } from "./jit/JitSuite.ts"
import { mailboxSuite } from "./mailbox/MailboxSuite.ts"
import { meshSuite } from "./mesh/MeshSuite.ts"
import { sessionSuite } from "./session/SessionSuite.ts"
import * as Results from "./Results.ts"
import * as Runner from "./Runner.ts"
import { startSuite } from "./start/StartSuite.ts"
import { runtimes, type Suite } from "./Suite.ts"
import { wasmSuite } from "./wasm/WasmSuite.ts"

const suites: ReadonlyArray<Suite> = [
  actorsSuite,
  savinaSuite,
  wakeSuite,
  idleSuite,
  wasmSuite,
  jitSuite,
  genomeSuite,
  answerSuite,
  durableSuite,
  mailboxSuite,
  contentSuite,
  sessionSuite,
  meshSuite,
  startSuite,
  installSuite
]

const usage = (problem: string): never => {
  process.stderr.write(`${problem}\n`)
  process.exit(2)
}

/** The values of a comma-separated list, each one of `choices`. */
const listOf = <A extends string>(text: string | undefined, choices: ReadonlyArray<A>): ReadonlyArray<A> => {
  if (text === undefined) return choices
  const words = text.split(",")
  for (const word of words) {
    if (!choices.includes(word as A)) usage(`"${word}" is not one of ${choices.join(", ")}`)
  }
  return choices.filter((choice) => words.includes(choice))
}

const options = (() => {
  try {
    return parseArgs({
      options: {
        only: { type: "string" },
        runtimes: { type: "string" },
        repetitions: { type: "string", default: "3" },
        quick: { type: "boolean", default: false }
      },
      strict: true
    }).values
  } catch (error) {
    return usage(error instanceof Error ? error.message : String(error))
  }
})()

const wantedSuites = listOf(
  options.only,
  suites.map(({ id }) => id)
)
const wantedRuntimes = listOf(options.runtimes, runtimes)
const repetitions = options.quick ? 1 : Number(options.repetitions)
if (!Number.isInteger(repetitions) || repetitions < 1) usage("--repetitions must be a whole number of 1 or more")
const chosen = suites.filter(({ id }) => wantedSuites.includes(id))

/** Runs a preparation; its output only shows when it fails. */
const prepare = (what: string, command: string, args: ReadonlyArray<string>, cwd: string): void => {
  process.stderr.write(`${what}\n`)
  const env = { ...process.env, TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1" }
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, env, encoding: "utf8" })
  if (status === 0) return
  process.stderr.write(`${stdout}${stderr}\n${what}: ${command} ended with ${status}\n`)
  process.exit(1)
}

if (chosen.some(({ peers }) => !peers.every(Runner.hasPackage))) {
  if (options.quick) process.stderr.write("Peers of bench/package.json are left out: they are not installed\n")
  else
    prepare(
      "Installing the peers",
      "npm",
      ["install", "--no-package-lock", "--no-audit", "--no-fund"],
      join(Runner.root, "bench")
    )
}
for (const { id, peers } of chosen) {
  for (const peer of peers) {
    const missing = Runner.missingCommands(peer)
    if (missing.length > 0)
      process.stderr.write(`${id}: ${peer.label} is left out: ${missing.join(" and ")} is not installed\n`)
  }
}
if (wantedRuntimes.includes("node")) {
  const turbo = join(Runner.root, "node_modules/.bin/turbo")
  prepare("Building what Node runs", turbo, ["run", "build", "--output-logs=errors-only"], Runner.root)
}

const versionOf = (command: string): string => {
  const { stdout } = spawnSync(command, ["--version"], { encoding: "utf8" })
  return /\d+\.\d+\.\d+/.exec(stdout)?.[0] ?? "of unknown version"
}

/** The machine, the runtimes and the command, in one line. */
const origin = (): string => {
  const [cpu] = cpus()
  const bin = (name: string) => join(Runner.root, "node_modules/.bin", name)
  const manifest = (path: string) => JSON.parse(readFileSync(join(Runner.root, path), "utf8")) as { version: string }
  const versions = [
    `Bun ${versionOf(bin("bun"))}`,
    `Deno ${versionOf(bin("deno"))}`,
    `Node ${versionOf(process.env.NODE ?? "node")}`,
    ...["effect", "lmdb"].map((name) => `${name} ${manifest(`node_modules/${name}/package.json`).version}`),
    ...Object.entries(peerVersions()).map(([name, version]) => `${name} ${version}`)
  ]
  const machine = `${cpus().length} cores (${cpu?.model ?? "unknown"}), ${Math.round(totalmem() / 2 ** 30)} GiB, ${platform()} ${arch()}`
  const args = process.argv.slice(2)
  const { stdout: commit } = spawnSync("git", ["rev-parse", "--short", "HEAD"], { cwd: Runner.root, encoding: "utf8" })
  return `Commit ${commit?.trim() || "unknown"}. Machine: ${machine}. ${versions.join(", ")}. Command: \`npm run bench${args.length === 0 ? "" : ` -- ${args.join(" ")}`}\`.`
}

const peerVersions = (): Record<string, string> =>
  (
    JSON.parse(readFileSync(join(Runner.root, "bench/package.json"), "utf8")) as {
      dependencies: Record<string, string>
    }
  ).dependencies

try {
  const runs = await Runner.runAll({
    suites: chosen,
    runtimes: wantedRuntimes,
    repetitions,
    quick: options.quick,
    say: (line) => process.stderr.write(`${line}\n`)
  })
  const results = join(Runner.root, "bench/RESULTS.md")
  const sections = chosen.map((suite) => Results.sectionOf(suite, runs, origin()))
  if (options.quick) process.stdout.write(`${runs.length} programs gave the right results\n`)
  else if (options.runtimes !== undefined) process.stdout.write(sections.join("\n\n").concat("\n"))
  else {
    const before = existsSync(results) ? readFileSync(results, "utf8") : ""
    writeFileSync(results, Results.pageOf(suites, sections, before))
    process.stderr.write("bench/RESULTS.md is written\n")
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
