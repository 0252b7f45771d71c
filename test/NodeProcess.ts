/**
 * A real node in a process of its own, for system tests: `bun apps/node` on a temporary home and a free port.
 */
import { Effect, Schema, type Scope } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"

export const root = resolve(import.meta.dirname, "..")
const bun = join(root, "node_modules/.bin/bun")
const startMsMax = 30_000

export class NodeDidNotStart extends Schema.TaggedError<NodeDidNotStart>()("NodeDidNotStart", {
  exitCode: Schema.NullOr(Schema.Int),
  output: Schema.String
}) {}

export interface NodeProcess {
  readonly pid: number
  readonly url: string
  readonly home: string
  readonly key: string
  readonly child: ChildProcess
  /** What it has printed so far, stdout and stderr. */
  readonly output: () => string
  /** Its exit code, or the signal that ended it, once it has ended. */
  readonly ended: Effect.Effect<number | NodeJS.Signals>
}

/** A temporary folder that goes with the scope. */
export const temporaryFolder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "continuum-test-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

/** Starts a node and waits until it is ready. It is killed when the scope closes. */
export const start = (
  home: string,
  flags: ReadonlyArray<string> = [],
  environment: Record<string, string> = {}
): Effect.Effect<NodeProcess, NodeDidNotStart, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => launch(home, flags, environment)),
    ({ child }) => Effect.sync(() => child.kill("SIGKILL"))
  ).pipe(Effect.flatMap(waitUntilReady))

/** Runs a node that is expected not to start, and gives its exit code and what it printed. */
export const startFailing = (
  home: string,
  flags: ReadonlyArray<string> = []
): Effect.Effect<{ readonly exitCode: number | NodeJS.Signals; readonly output: string }> =>
  Effect.scoped(
    Effect.gen(function* () {
      const { child, output } = yield* Effect.acquireRelease(
        Effect.sync(() => launch(home, flags, {})),
        ({ child }) => Effect.sync(() => child.kill("SIGKILL"))
      )
      return { exitCode: yield* endOf(child), output: output() }
    })
  )

/** One call of the node's contract, as any program without our client would send it. The `exit` of the answer. */
export const call = async (node: NodeProcess, tag: string, payload: unknown, key: string | undefined = node.key) => {
  const response = await fetch(`${node.url}/rpc`, {
    method: "POST",
    headers: { "content-type": "application/ndjson", ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) },
    body: `${JSON.stringify({ _tag: "Request", id: "1", tag, payload, headers: [] })}\n`
  })
  const text = await response.text()
  if (response.status !== 200) return { status: response.status, exit: undefined, text }
  const last = text.trim().split("\n").at(-1) ?? ""
  return { status: 200, exit: (JSON.parse(last) as { exit?: RpcExit }).exit, text }
}

export interface RpcExit {
  readonly _tag: "Success" | "Failure"
  readonly value?: any
  readonly cause?: any
}

interface Launched {
  readonly child: ChildProcess
  readonly home: string
  readonly output: () => string
}

const launch = (home: string, flags: ReadonlyArray<string>, environment: Record<string, string>): Launched => {
  const given = flags.includes("--port") ? flags : ["--port", "0", ...flags]
  const child = spawn(bun, [join(root, "apps/node/index.ts"), "--home", home, ...given], {
    cwd: tmpdir(),
    env: { PATH: process.env.PATH, HOME: home, NODE_ENV: "test", ...environment },
    stdio: ["ignore", "pipe", "pipe"]
  })
  let text = ""
  child.stdout!.on("data", (chunk: Buffer) => (text += chunk.toString()))
  child.stderr!.on("data", (chunk: Buffer) => (text += chunk.toString()))
  return { child, home, output: () => text }
}

const endOf = (child: ChildProcess): Effect.Effect<number | NodeJS.Signals> =>
  Effect.callback((resume) => {
    const done = () => resume(Effect.succeed(child.exitCode ?? child.signalCode ?? 1))
    if (child.exitCode !== null || child.signalCode !== null) done()
    else child.once("close", done)
  })

const waitUntilReady = ({ child, home, output }: Launched): Effect.Effect<NodeProcess, NodeDidNotStart> =>
  Effect.tryPromise({
    try: async () => {
      const deadline = performance.now() + startMsMax
      while (performance.now() < deadline && child.exitCode === null) {
        try {
          const file = JSON.parse(readFileSync(join(home, "node.json"), "utf8")) as { pid: number; url: string }
          if (file.pid === child.pid && (await fetch(`${file.url}/healthz`)).ok) {
            const key = readFileSync(join(home, "api-key"), "utf8").trim()
            return { pid: file.pid, url: file.url, home, key, child, output, ended: endOf(child) }
          }
        } catch {
          // Not ready yet.
        }
        await new Promise((done) => setTimeout(done, 20))
      }
      throw new Error("not ready")
    },
    catch: () => new NodeDidNotStart({ exitCode: child.exitCode, output: output() })
  })
