/**
 * The scenarios of actors with the asker in this process, on Bun, and the asked actors in another, on Bun, Deno and Node,
 * joined by real Hyperswarm: what is seen must be what is seen within one process.
 */
import { ActorSystem } from "@continuum/actors/ActorSystem"
import { scenarios } from "@continuum/actors/testing/RouterScenarios"
import * as Testnet from "@continuum/mesh/testing/Testnet"
import { assert, describe, it } from "@effect/vitest"
import { Effect, References, type Scope } from "effect"
import { spawn } from "node:child_process"
import { join } from "node:path"
import { nodeExecutable } from "./NodeExecutable.ts"
import { root } from "./NodeProcess.ts"
import * as Node from "./scenarios/Node.ts"

const program = "test/scenarios/target.ts"
const bin = (name: string) => join(root, "node_modules/.bin", name)
const runtimes = {
  Bun: [bin("bun"), program],
  Deno: [bin("deno"), "run", "-A", "--no-check", program],
  Node: [nodeExecutable, "tools/node-run.mjs", program]
} as const

/** Starts the target on a runtime; its keys once it is ready. */
const startTarget = (
  [command, ...args]: readonly [string, ...Array<string>],
  bootstrap: string,
  asker: string
): Effect.Effect<{ readonly node: string; readonly realm: string }, Error, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => spawn(command, [...args, bootstrap, asker], { cwd: root, stdio: ["pipe", "pipe", "pipe"] })),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  ).pipe(
    Effect.flatMap((child) =>
      Effect.callback<{ readonly node: string; readonly realm: string }, Error>((resume) => {
        let output = ""
        const read = (chunk: Buffer) => {
          output += chunk.toString()
          const line = output.split("\n").find((one) => one.startsWith("{") && one.endsWith("}"))
          if (line !== undefined) resume(Effect.succeed(JSON.parse(line) as { node: string; realm: string }))
        }
        child.stdout.on("data", read)
        child.stderr.on("data", read)
        child.on("exit", () => resume(Effect.fail(new Error(`The target ended: ${output}`))))
      })
    )
  )

describe("an actor in another process is asked by the same line as one in this:", () => {
  for (const [runtime, command] of Object.entries(runtimes)) {
    it.live(`on Bun from here, on ${runtime} over there`, () =>
      Effect.gen(function* () {
        const testnet = yield* Testnet.make()
        const [bootstrap = ""] = testnet.bootstrap
        const here = yield* Node.start("asker", bootstrap)
        const target = yield* startTarget(command, bootstrap, here.identity.node.publicKey)
        yield* here.mesh.add(target.node)
        for (const { expected, name, see } of scenarios) {
          const place = { realm: target.realm, back: here.identity.realm.publicKey, run: "across" }
          const seen = yield* Effect.provideService(see(place), ActorSystem, here.system)
          assert.deepStrictEqual(seen, expected, name)
        }
      }).pipe(Effect.scoped, Effect.provideService(References.MinimumLogLevel, "None"))
    )
  }
})
