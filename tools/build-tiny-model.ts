/**
 * Builds the tiny model that a fresh node speaks with: a base that can do a little of everything, and one layer for each
 * domain that can do that one well. From a seed; the same seed gives the same files on the same kind of processor.
 *
 * Writes packages/genome/assets/tiny: the model in the layout of Hugging Face, each layer as a PEFT adapter with its card,
 * and report.json with the accuracy of each. `--out DIR` writes elsewhere, `--seed N` takes another seed, `--base DIR` takes
 * the base from there and trains the layers only.
 */
import { NodeServices } from "@effect/platform-node"
import { Clock, Effect, FileSystem } from "effect"
import { parseArgs } from "node:util"
import { join, resolve } from "node:path"
import * as ModelFolder from "../packages/genome/src/model/ModelFolder.ts"
import * as Weights from "../packages/genome/src/model/Weights.ts"
import * as TinyBuild from "../packages/genome/src/train/tiny/TinyBuild.ts"

const { values } = parseArgs({
  options: { out: { type: "string" }, seed: { type: "string", default: "1" }, base: { type: "string" } },
  strict: true
})
const out = resolve(values.out ?? join(import.meta.dirname, "../packages/genome/assets/tiny"))

const program = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const startMs = yield* Clock.currentTimeMillis
  const file = values.base === undefined ? undefined : join(values.base, ModelFolder.weightsFile)
  const base =
    file === undefined ? {} : { weights: yield* Weights.read(file, yield* fs.readFile(file), TinyBuild.config) }
  const built = yield* TinyBuild.build({ ...TinyBuild.full, seed: Number(values.seed), ...base }, (line) =>
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
