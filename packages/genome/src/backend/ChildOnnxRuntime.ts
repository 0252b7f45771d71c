/**
 * A process of the runtime that this node runs on (Bun, Deno or Node), in which onnxruntime computes.
 *
 * A process and not a thread: a run of a session blocks its event loop, native code that fails aborts its process, and
 * Bun aborts the whole program when a thread is ended in the middle of a run (measured with Bun 1.4.5). It ends when its
 * input closes, so it does not outlive the node, and at once (SIGKILL) when its scope does.
 */
import * as Codec from "@continuum/core/Codec"
import { Effect, Schema, type Scope } from "effect"
import { spawn } from "node:child_process"
import process from "node:process"
import { engineMessageBytesMax, engineWordsBytesMax } from "../Limits.ts"

/** There is no such process to be had, or it is gone. */
export class EngineGone extends Schema.TaggedError<EngineGone>()("EngineGone", { reason: Schema.String }) {
  override get message() {
    return `The process of the model engine is gone: ${this.reason}`
  }
}

export interface Child {
  readonly pid: number
  /** Messages to a process that is gone are dropped: `onExit` has been or will be called. */
  readonly send: (message: unknown) => void
  readonly kill: () => void
}

export interface Options {
  /** The program: a file beside the caller's, such as `new URL("./X.entry.ts", import.meta.url)`. */
  readonly entry: URL
  /** Called for each message, in order. */
  readonly onMessage: (message: unknown) => void
  /** Called once, when the process is gone. */
  readonly onExit: (error: EngineGone) => void
}

/** Starts a process; it ends with the scope. Fails with `EngineGone` when it cannot be started. */
export const start = (options: Options): Effect.Effect<Child, EngineGone, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Child, EngineGone>((resume) => {
      const [command, args] = commandLine(options.entry)
      const child = spawn(command, args, { cwd: "/", env: environment(), stdio: ["pipe", "pipe", "pipe"] })
      const frames = Codec.makeRpcSerialization(engineMessageBytesMax).makeUnsafe()
      let words = ""
      let fate: string | undefined
      child.once("error", (cause) => resume(Effect.fail(new EngineGone({ reason: cause.message }))))
      child.stdin.on("error", () => {})
      child.stderr.on("data", (chunk: Uint8Array) => {
        words = (words + new TextDecoder().decode(chunk)).slice(-engineWordsBytesMax)
      })
      child.stdout.on("data", (chunk: Uint8Array) => {
        try {
          for (const message of frames.decode(chunk)) options.onMessage(message)
        } catch (cause) {
          fate = `it sent something that is no message (${String(cause)})`
          child.kill("SIGKILL")
        }
      })
      child.once("close", (code: number | null, signal: string | null) => {
        const end = signal === null ? `it exited with code ${code}` : `it was ended by ${signal}`
        const said = lastLine(words)
        options.onExit(new EngineGone({ reason: (fate ?? end) + (said === "" ? "" : `; it said: ${said}`) }))
      })
      child.once("spawn", () =>
        resume(
          Effect.succeed({
            pid: child.pid!,
            send: (message) => {
              if (child.stdin.writable) child.stdin.write(frames.encode(message) as Uint8Array)
            },
            kill: () => void child.kill("SIGKILL")
          })
        )
      )
    }),
    (child) => Effect.sync(child.kill)
  )

const lastLine = (words: string): string => words.trim().split("\n").at(-1)!.trim()

/** Whether this file runs as TypeScript; then the entry does, too. */
const isSource = import.meta.url.endsWith(".ts")

/** What the runtimes themselves look at; nothing else of the node's environment is the engine's business. */
const environment = (): Record<string, string> =>
  Object.fromEntries(
    ["PATH", "HOME", "TMPDIR", "DENO_DIR"].flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value]]
    })
  )

const commandLine = (entry: URL): [command: string, args: ReadonlyArray<string>] => {
  const file = decodeURIComponent(isSource ? entry.pathname : entry.pathname.replace(/\.ts$/, ".js"))
  const permissions = ["--allow-read", "--allow-env", "--allow-ffi", "--allow-sys"]
  if (process.versions["bun"] !== undefined) return [process.execPath, ["--no-install", file]]
  if (process.versions["deno"] !== undefined) {
    return [process.execPath, ["run", "--quiet", "--no-prompt", "--no-lock", ...permissions, file]]
  }
  return [process.execPath, [...(isSource ? ["--conditions=source"] : []), file]]
}
