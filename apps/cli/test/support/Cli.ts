/**
 * Runs command lines: in this process, with output kept in memory, or as a child process as users run them.
 */
import { nodeExecutable } from "../../../../test/NodeExecutable.ts"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer } from "effect"
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { constants, tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { OutputClosed } from "../../src/CliError.ts"
import * as Main from "../../src/Main.ts"
import { Environment } from "../../src/NodeTarget.ts"
import { Output } from "../../src/Output.ts"
import * as Style from "../../src/Style.ts"

export const repository = resolve(import.meta.dirname, "../../../..")

/** What a command line came to. */
export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  /** The variables of the environment, all of them. */
  readonly variables?: Readonly<Record<string, string>>
  /** Whether stdout and stderr are a terminal. */
  readonly isTerminal?: boolean
  /** How many bytes of stdout the reader takes before it goes. */
  readonly readerTakes?: number
}

/** Runs a command line in this process. */
export const run = (argv: ReadonlyArray<string>, options: RunOptions = {}): Effect.Effect<Ran> => {
  const { isTerminal = false, readerTakes = Infinity, variables = {} } = options
  const stdout: Array<Uint8Array> = []
  let stderr = ""
  let taken = 0
  const layers = Layer.mergeAll(
    NodeServices.layer,
    Layer.succeed(Output, {
      write: (data) =>
        Effect.suspend(() => {
          if (taken >= readerTakes) return Effect.fail(new OutputClosed())
          const chunk = typeof data === "string" ? new TextEncoder().encode(data) : data
          taken += chunk.length
          stdout.push(chunk)
          return Effect.void
        }),
      remark: (text) => Effect.sync(() => void (stderr += text)),
      style: isTerminal ? Style.colored : Style.plain,
      remarkStyle: isTerminal ? Style.colored : Style.plain,
      isTerminal,
      remarksAreSeen: isTerminal
    }),
    Layer.succeed(Environment, { variable: (name) => variables[name], demand: () => Effect.void })
  )
  return Main.run(argv).pipe(
    Effect.provide(layers),
    Effect.map((code) => ({ code, stdout: Buffer.concat(stdout).toString("latin1"), stderr })),
    Effect.map((ran) => ({ ...ran, stdout: Buffer.from(ran.stdout, "latin1").toString() }))
  )
}

/** The command that each runtime needs, up to the CLI's own words. */
export const commands = {
  jtag: [join(repository, "jtag")],
  bun: [join(repository, "node_modules/.bin/bun"), join(repository, "apps/cli")],
  deno: [join(repository, "node_modules/.bin/deno"), "run", "--quiet", "--config", join(repository, "deno.json")],
  denoCli: join(repository, "apps/cli/index.ts"),
  node: [nodeExecutable, join(repository, "tools/node-run.mjs"), "apps/cli/index.ts"]
} as const

export interface SpawnOptions {
  readonly variables?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly stdin?: string
  /** Called with all of stdout so far; a signal is sent when it returns one. */
  readonly onOutput?: (stdout: string) => NodeJS.Signals | undefined
}

/** Runs a command as a child with an environment of its own: only PATH, a HOME that is given, and the variables. */
export const spawnCommand = (command: ReadonlyArray<string>, options: SpawnOptions = {}): Effect.Effect<Ran> =>
  Effect.callback((resume) => {
    const child = spawn(command[0]!, command.slice(1), {
      cwd: options.cwd ?? repository,
      env: { PATH: process.env["PATH"] ?? "", DENO_DIR: denoDir, ...options.variables },
      stdio: ["pipe", "pipe", "pipe"]
    })
    let stdout = ""
    let stderr = ""
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString()
      const signal = options.onOutput?.(stdout)
      if (signal !== undefined) child.kill(signal)
    })
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()))
    child.stdin.on("error", () => {})
    child.stdin.end(options.stdin ?? "")
    // As a shell reports it: 128 and the number of the signal.
    child.on("close", (code, signal) =>
      resume(Effect.succeed({ code: code ?? 128 + constants.signals[signal!], stdout, stderr }))
    )
    return Effect.sync(() => child.kill("SIGKILL"))
  })

// The user's own cache of compiled code, so that a test measures and checks what a user has.
const denoDir = process.env["DENO_DIR"] ?? join(process.env["HOME"] ?? tmpdir(), ".cache/deno")

interface Terminal {
  write(data: string): void
  close(): void
}
interface BunWithTerminal {
  readonly Terminal?: new (options: {
    cols: number
    rows: number
    data: (_: Terminal, chunk: Uint8Array) => void
  }) => Terminal
  spawn(
    command: ReadonlyArray<string>,
    options: object
  ): { readonly exited: Promise<number>; kill(signal: string): void }
}
const bunApi = (globalThis as { readonly Bun?: BunWithTerminal }).Bun

/** Whether this runtime can open a pseudo-terminal. */
export const hasTerminal = bunApi?.Terminal !== undefined

/** Runs a command on a pseudo-terminal. `answer` sees all of the screen so far and may type something. */
export const runInTerminal = (
  command: ReadonlyArray<string>,
  options: {
    readonly variables?: Readonly<Record<string, string>>
    readonly answer?: (screen: string) => string | undefined
  }
): Effect.Effect<{ readonly code: number; readonly screen: string }> =>
  Effect.callback((resume) => {
    let screen = ""
    const decoder = new TextDecoder()
    const terminal = new bunApi!.Terminal!({
      cols: 120,
      rows: 40,
      data: (_, chunk) => {
        screen += decoder.decode(chunk, { stream: true })
      }
    })
    // Again and again, because Deno throws away what was typed before it began to listen.
    const typist = setInterval(() => {
      const typed = options.answer?.(screen)
      if (typed !== undefined) terminal.write(typed)
    }, 150)
    const child = bunApi!.spawn(command, {
      terminal,
      cwd: repository,
      env: { PATH: process.env["PATH"] ?? "", DENO_DIR: denoDir, TERM: "xterm", ...options.variables }
    })
    void child.exited.then((code) => {
      clearInterval(typist)
      // The last of the output may come after the end of the process.
      setTimeout(() => {
        terminal.close()
        resume(Effect.succeed({ code, screen }))
      }, 50)
    })
    return Effect.sync(() => {
      clearInterval(typist)
      child.kill("SIGKILL")
    })
  })

/** A folder that goes with the scope. */
export const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "continuum-cli-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)
