/**
 * Builds the tiny model that a fresh node speaks with: a base that can do a little of everything, and one layer for each
 * domain that can do that one well. From a seed; the same seed gives the same files on the same kind of processor.
 *
 * Writes packages/genome/assets/tiny: the model in the layout of Hugging Face, each layer as a PEFT adapter with its card,
 * and report.json with the accuracy of each. `--out DIR` writes elsewhere, `--seed N` takes another seed.
 */
import { NodeServices } from "@effect/platform-node"
import { Clock, Effect, FileSystem } from "effect"
import { parseArgs } from "node:util"
import { join, resolve } from "node:path"
import * as TinyBuild from "../packages/genome/src/train/tiny/TinyBuild.ts"

const { values } = parseArgs({
  options: { out: { type: "string" }, seed: { type: "string", default: "1" } },
  strict: true
})
const out = resolve(values.out ?? join(import.meta.dirname, "../packages/genome/assets/tiny"))

const program = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const startMs = yield* Clock.currentTimeMillis
  const built = yield* TinyBuild.build({ ...TinyBuild.full, seed: Number(values.seed) }, (line) =>
    Effect.map(Clock.currentTimeMillis, (nowMs) => console.error(`${((nowMs - startMs) / 1000).toFixed(0)} s: ${line}`))
  )
  let bytes = 0
  for (const [name, content] of built.files) {
    const path = join(out, name)
    yield* fs.makeDirectory(join(path, ".."), { recursive: true })
    yield* fs.writeFile(path, content)
    bytes += content.length
  }
  console.log(TinyBuild.table(built.report))
  console.log(`${built.files.size} files, ${(bytes / 1e6).toFixed(2)} MB in ${out}`)
})

await Effect.runPromise(Effect.scoped(program).pipe(Effect.provide(NodeServices.layer)))
