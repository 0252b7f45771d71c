/**
 * Runs the programs of suites: a fresh process for each (suite, runtime, peer, repetition).
 *
 * All processes of one repetition run before the next repetition begins, so that whatever drifts on the machine (its clock
 * rate, its other programs) drifts alike for all peers.
 */
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { delimiter, join, resolve } from "node:path"
import process from "node:process"
import * as Erlang from "./Erlang.ts"
import type { Report } from "./Measure.ts"
import { type Peer, type Runtime, runtimeLabels, type Suite } from "./Suite.ts"

export const root = resolve(import.meta.dirname, "..")
const bin = (name: string) => join(root, "node_modules/.bin", name)

/** A measured process, and what it found. */
export interface Run {
  readonly suite: Suite
  readonly runtime: Runtime
  readonly peer: Peer
  readonly report: Report
}

export interface Options {
  readonly suites: ReadonlyArray<Suite>
  readonly runtimes: ReadonlyArray<Runtime>
  readonly repetitions: number
  /** Whether programs only show that they work. */
  readonly quick: boolean
  /** Hears what is done. */
  readonly say: (line: string) => void
}

/** Runs everything. Rejects at the first process that fails, with what it printed. */
export const runAll = async (options: Options): Promise<ReadonlyArray<Run>> => {
  const round = options.suites.flatMap((suite) =>
    suite.runtimes
      .filter((runtime) => options.runtimes.includes(runtime))
      .flatMap((runtime) =>
        suite.peers
          .filter((peer) => hasPackage(peer) && missingCommands(peer).length === 0)
          .filter((peer) => peer.runtimes?.includes(runtime) ?? true)
          .map((peer) => ({ suite, runtime, peer }))
      )
  )
  const runs: Array<Run> = []
  const total = round.length * options.repetitions
  for (let repetition = 1; repetition <= options.repetitions; repetition++) {
    for (const { suite, runtime, peer } of round) {
      options.say(`${runs.length + 1}/${total} ${suite.id}: ${peer.label} on ${runtimeLabels[runtime]}`)
      runs.push({ suite, runtime, peer, report: await runOne(suite, runtime, peer, options.quick) })
    }
  }
  return runs
}

export const hasPackage = (peer: Peer): boolean =>
  peer.needs === undefined || existsSync(join(root, "bench/node_modules", peer.needs))

/** The programs that a peer needs and this machine does not have. */
export const missingCommands = (peer: Peer): ReadonlyArray<string> =>
  (peer.commands ?? []).filter(
    (command) => !(process.env.PATH ?? "").split(delimiter).some((dir) => existsSync(join(dir, command)))
  )

/** The command line that runs a program of this folder on a runtime. */
const commandOf = (runtime: Runtime, program: string): ReadonlyArray<string> => {
  const path = join("bench", program)
  if (program.endsWith(".erl")) return Erlang.commandOf(root, path)
  if (runtime === "bun") return [bin("bun"), path]
  // The configuration is named, since Deno stops looking for it at bench/package.json and would take dist for the sources.
  if (runtime === "deno")
    return [bin("deno"), "run", "--allow-all", "--no-check", "--quiet", "--config", "deno.json", path]
  return [process.env.NODE ?? "node", "tools/node-run.mjs", path]
}

const runOne = async (suite: Suite, runtime: Runtime, peer: Peer, quick: boolean): Promise<Report> => {
  const [command = "", ...args] = commandOf(runtime, peer.program)
  const { code, stdout, stderr } = await execute(
    command,
    [...args, ...(peer.args ?? []), ...(quick ? ["--quick"] : [])],
    suite.msMax
  )
  const line = stdout.trimEnd().split("\n").at(-1) ?? ""
  const fail = (why: string) => {
    throw new Error(`${suite.id}: ${peer.label} on ${runtimeLabels[runtime]} ${why}\n${stdout}${stderr}`)
  }
  if (code !== 0) return fail(`ended with ${code}`)
  const report = parse(line)
  if (report === undefined) return fail("printed no report")
  // A process that leaves cases out is no faster for it.
  const missing = casesOf(suite, peer).filter((id) => !report.samples.some((sample) => sample.case === id))
  return missing.length === 0 ? report : fail(`did not measure ${missing.join(", ")}`)
}

/** The cases that a peer takes part in. */
export const casesOf = (suite: Suite, peer: Peer): ReadonlyArray<string> =>
  peer.cases ?? suite.cases.map(({ id }) => id)

const parse = (line: string): Report | undefined => {
  try {
    return JSON.parse(line) as Report
  } catch {
    return undefined
  }
}

interface Ended {
  /** Exit code, or the signal or reason that ended it. */
  readonly code: number | string
  readonly stdout: string
  readonly stderr: string
}

const execute = (command: string, args: ReadonlyArray<string>, msMax: number): Promise<Ended> =>
  new Promise((done) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, NODE_ENV: "production", NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"]
    })
    let stdout = ""
    let stderr = ""
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()))
    const timer = setTimeout(() => child.kill("SIGKILL"), msMax)
    const end = (code: number | string) => {
      clearTimeout(timer)
      done({ code, stdout, stderr })
    }
    child.on("error", (error) => end(error.message))
    child.on("close", (code, signal) => end(code ?? `${signal} (after at most ${msMax / 1_000} s)`))
  })
