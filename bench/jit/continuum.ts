/** Functions as their callers run them: `Jit.run` on warm modules, with durable counters, as in a node. */
import { ActorSystem } from "@continuum/actors/ActorSystem"
import * as ActorStorageLmdb from "@continuum/actors/ActorStorageLmdb"
import * as ContentStoreDisk from "@continuum/core/ContentStoreDisk"
import { Jit, layer as jitLayer } from "@continuum/runtime-wasm/Jit"
import * as Sandbox from "@continuum/runtime-wasm/sandbox/Sandbox"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer } from "effect"
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { join, resolve } from "node:path"
import { check, finish, measure } from "../Measure.ts"
import { functions } from "./Functions.ts"

const parent = resolve(".cache/bench")
mkdirSync(parent, { recursive: true })
const dir = mkdtempSync(join(parent, "jit-"))

const node = jitLayer({ nodeName: "bench" }).pipe(
  Layer.provide(Sandbox.layer),
  Layer.provide(ActorSystem.layer().pipe(Layer.provide(ActorStorageLmdb.layer({ dir: join(dir, "state") })))),
  Layer.provide(ContentStoreDisk.layer(join(dir, "content"))),
  Layer.provide(NodeServices.layer)
)

const program = Effect.gen(function* () {
  const jit = yield* Jit
  for (const { input, output, source, tier } of functions) {
    const run = jit.run({ target: { lang: "js", source }, input })
    const first = yield* run
    check("The tier", first.report.tier, tier)
    yield* Effect.promise(() =>
      measure(tier, async (operations) => {
        let last = first
        for (let i = 0; i < operations; i++) last = await Effect.runPromise(run)
        check("The output", last.output, output)
        check("The cache", last.cache, "hit")
      })
    )
  }
})

try {
  await program.pipe(Effect.provide(node), Effect.scoped, Effect.runPromise)
} finally {
  rmSync(dir, { recursive: true, force: true })
}
finish()
