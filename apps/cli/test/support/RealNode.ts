/**
 * A real node, `bun apps/node`, in a data folder of its own.
 */
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { join } from "node:path"
import * as Cli from "./Cli.ts"

/** Starts a node and waits until it has announced itself. It ends with the scope at the latest. */
export const start = Effect.fnUntraced(function* (home: string) {
  const node = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const words = [join(Cli.repository, "apps/node"), "--home", home, "--port", "0", "--offline", "on"]
      const child = spawn(Cli.commands.bun[0], words, {
        cwd: Cli.repository,
        env: { PATH: process.env["PATH"] ?? "", HOME: home },
        stdio: ["ignore", "pipe", "pipe"]
      })
      let output = ""
      child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()))
      child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()))
      const ended = new Promise<number | null>((resolve) => child.on("close", resolve))
      return { child, ended, output: () => output }
    }),
    ({ child, ended }) =>
      Effect.andThen(
        Effect.sync(() => child.kill("SIGKILL")),
        Effect.promise(() => ended)
      )
  )
  while (!existsSync(join(home, "node.json"))) {
    if (node.child.exitCode !== null) return yield* Effect.die(new Error(`The node ended: ${node.output()}`))
    yield* Effect.sleep("50 millis")
  }
  return { ended: Effect.promise(() => node.ended), output: node.output }
})
