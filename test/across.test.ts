/**
 * The scenarios of actors with the asker in this process, on Bun, and the asked actors in another, on Bun, Deno and Node,
 * joined by real Hyperswarm: what is seen must be what is seen within one process.
 */
import { ActorSystem } from "@continuum/actors/ActorSystem"
import { scenarios } from "@continuum/actors/testing/RouterScenarios"
import { allActions } from "@continuum/mesh/Mesh"
import * as Testnet from "@continuum/mesh/testing/Testnet"
import type { PublicKey } from "@continuum/core/Identity"
import { assert, describe, it } from "@effect/vitest"
import { Effect, References, type Scope, Stream } from "effect"
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

interface Target {
  readonly node: PublicKey
  readonly realm: PublicKey
  readonly kill: () => void
}

/** Starts the target on a runtime; its keys once it is ready. */
const startTarget = (
  [command, ...args]: readonly [string, ...Array<string>],
  bootstrap: string,
  asker: string
): Effect.Effect<Target, Error, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => spawn(command, [...args, bootstrap, asker], { cwd: root, stdio: ["pipe", "pipe", "pipe"] })),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  ).pipe(
    Effect.flatMap((child) =>
      Effect.callback<Target, Error>((resume) => {
        let output = ""
        const read = (chunk: Buffer) => {
          output += chunk.toString()
          const line = output.split("\n").find((one) => one.startsWith("{") && one.endsWith("}"))
          if (line === undefined) return
          const keys = JSON.parse(line) as Omit<Target, "kill">
          resume(Effect.succeed({ ...keys, kill: () => child.kill("SIGKILL") }))
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

describe("an actor with a journal of this process is lent to another one", () => {
  for (const [runtime, command] of Object.entries(runtimes)) {
    it.live(
      `on ${runtime}: it replays there, and comes back with every event that was acknowledged when that is killed`,
      () =>
        Effect.gen(function* () {
          const testnet = yield* Testnet.make()
          const [bootstrap = ""] = testnet.bootstrap
          const here = yield* Node.start("asker", bootstrap)
          const target = yield* startTarget(command, bootstrap, here.identity.node.publicKey)
          yield* here.mesh.add(target.node)
          yield* here.mesh.grant(target.node, allActions)
          const address = "continuum://local/log/l"
          const log = here.system.at(here.Log, address)
          const expected: Array<string> = []
          const add = (text: string) =>
            Effect.map(log.add(text), (length) => {
              expected.push(text)
              assert.strictEqual(length, expected.length)
            })
          for (const text of ["a", "b", "c"]) yield* add(text)
          yield* here.system.migrate(address, target.realm)
          assert.strictEqual(yield* log.where(), "target")
          assert.deepStrictEqual(yield* log.get(), expected)
          // Across a snapshot.
          for (const text of ["d", "e", "f", "g"]) yield* add(text)
          yield* here.system.migrate(address, "local")
          assert.strictEqual(yield* log.where(), "asker")
          yield* add("h")
          yield* here.system.migrate(address, target.realm)
          for (const text of ["i", "j"]) yield* add(text)
          target.kill()
          // Nobody is asked twice: what may have been handled there is not sent again.
          while ((yield* Effect.exit(log.where()))._tag === "Failure") yield* Effect.sleep("100 millis")
          assert.strictEqual(yield* log.where(), "asker")
          yield* add("k")
          assert.deepStrictEqual(yield* log.get(), expected)
          const events = yield* Stream.runCollect(here.system.journal(address))
          assert.deepStrictEqual(
            events.map(({ event, sequence }) => [sequence, event]),
            expected.map((text, index) => [index + 1, text])
          )
        }).pipe(Effect.scoped, Effect.provideService(References.MinimumLogLevel, "None"))
    )
  }
})
