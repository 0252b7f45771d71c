/** A node that is about to be killed: runs a function for ever, and says how often it has got an answer. */
import { ActorSystem } from "@continuum/actors/ActorSystem"
import * as ActorStorageLmdb from "@continuum/actors/ActorStorageLmdb"
import * as ContentStore from "@continuum/core/ContentStore"
import * as Jit from "@continuum/runtime-wasm/Jit"
import { layerLazy } from "@continuum/runtime-wasm/sandbox/Sandbox"
import { Effect, Layer } from "effect"
import { writeSync } from "node:fs"

/** A node whose actors are durable in a directory. */
export const durable = (dir: string, nodeName = "here", nodeKey = "") =>
  Jit.layer({ nodeName, nodeKey }).pipe(
    Layer.provideMerge(ActorSystem.layer()),
    Layer.provide(ActorStorageLmdb.layer({ dir })),
    Layer.provideMerge(layerLazy)
  )

export const source = '(module (func (export "run") (param f64) (result f64) local.get 0 f64.const 3 f64.mul))'

export const countForEver = (dir: string) =>
  Effect.gen(function* () {
    const jit = yield* Jit.Jit
    for (let answers = 1; ; answers++) {
      yield* jit.run({ target: { lang: "wat", source }, input: answers })
      writeSync(1, `${answers}\n`)
    }
  }).pipe(Effect.provide(durable(dir)), Effect.provide(ContentStore.layerMemory))

if (process.argv[2] !== undefined && process.argv[1]?.endsWith("Counting.ts")) {
  await Effect.runPromise(countForEver(process.argv[2]) as Effect.Effect<never>)
}
