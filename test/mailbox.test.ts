/** A durable mailbox on one node, filled from another: real processes, real Hyperswarm, and SIGKILL. */
import { allActions } from "@continuum/mesh/Mesh"
import * as Testnet from "@continuum/mesh/testing/Testnet"
import { assert, describe, it } from "@effect/vitest"
import { Effect, References, Scope, Exit } from "effect"
import { spawn } from "node:child_process"
import { join } from "node:path"
import { root, temporaryFolder } from "./NodeProcess.ts"
import * as Node from "./scenarios/Node.ts"
import { identityOf, Till } from "./scenarios/Payments.ts"

/** A payer's process: it is killed once it has said that it made so many payments. Its last word of each kind. */
const runPayer = (args: ReadonlyArray<string>, payments: number, until: Effect.Effect<void>) =>
  Effect.acquireUseRelease(
    Effect.sync(() =>
      spawn(join(root, "node_modules/.bin/bun"), ["test/scenarios/payer.ts", ...args, String(payments)], {
        cwd: root,
        stdio: ["pipe", "pipe", "pipe"]
      })
    ),
    (child) =>
      Effect.gen(function* () {
        const said = { found: -1, paid: 0 }
        yield* Effect.callback<void, Error>((resume) => {
          let output = ""
          child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()))
          child.stdout.on("data", (chunk: Buffer) => {
            output += chunk.toString()
            said.found = Number(/found (\d+)/.exec(output)?.[1] ?? -1)
            said.paid = Number([...output.matchAll(/paid (\d+)\n/g)].at(-1)?.[1] ?? 0)
            if (said.found >= 0 && said.paid - said.found >= payments && payments > 0) resume(Effect.void)
            if (said.found >= 0 && payments === 0) resume(Effect.void)
          })
          child.on("exit", () => resume(Effect.fail(new Error(`The payer ended: ${output}`))))
        })
        yield* until
        return said
      }),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )

describe("payments to a durable mailbox of another node", () => {
  it.live(
    "all arrive, in order and once, though the payer is killed again and again and the till is away for a while",
    () =>
      Effect.gen(function* () {
        const testnet = yield* Testnet.make()
        const [bootstrap = ""] = testnet.bootstrap
        const folder = yield* temporaryFolder
        const identity = identityOf(2)
        const startTill = Effect.gen(function* () {
          const scope = yield* Scope.make()
          const node = yield* Node.start("till", bootstrap, { dir: join(folder, "till"), identity }).pipe(
            Effect.provideService(Scope.Scope, scope)
          )
          yield* node.mesh.grant(identityOf(1).node.publicKey, allActions)
          yield* node.system.register(Till)
          return { till: node.system.ref(Till, "t"), stop: Scope.close(scope, Exit.void) }
        })
        const args = [bootstrap, join(folder, "payer"), identity.node.publicKey, identity.realm.publicKey]
        let node = yield* startTill
        // Killed while payments are on their way.
        const first = yield* runPayer(args, 30, Effect.void)
        assert.strictEqual(first.paid, 30)
        // The till goes away, and the payer goes on.
        yield* node.stop
        const second = yield* runPayer(args, 30, Effect.void)
        assert.isAtLeast(second.found, 30)
        node = yield* startTill
        // The last payer makes none: it only sends what the others left.
        const arrived = Effect.gen(function* () {
          while ((yield* node.till.paid()).length < second.paid) yield* Effect.sleep("20 millis")
        })
        const last = yield* runPayer(args, 0, Effect.timeout(arrived, "40 seconds").pipe(Effect.ignore))
        assert.deepStrictEqual(
          yield* node.till.paid(),
          Array.from({ length: last.found }, (_, index) => index + 1)
        )
        yield* node.stop
      }).pipe(Effect.scoped, Effect.provideService(References.MinimumLogLevel, "None")),
    120_000
  )
})
