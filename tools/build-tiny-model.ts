/**
 * Builds the tiny model that a fresh node speaks with: a base that can do a little of everything, and one layer for each
 * domain that can do that one well. From a seed; the same seed gives the same files on the same kind of processor.
 *
 * Writes packages/genome/assets/tiny: the model in the layout of Hugging Face, each layer as a PEFT adapter with its card,
 * and report.json with the accuracy of each. `--out DIR` writes elsewhere, `--seed N` takes another seed, `--base DIR` takes
 * the base from there and trains the layers only; `--resume DIR` keeps checkpoints there, and goes on from those it finds.
 */
import { NodeServices } from "@effect/platform-node"
import { Clock, Effect, FileSystem } from "effect"
import { parseArgs } from "node:util"
import { join, resolve } from "node:path"
import * as ModelFolder from "../packages/genome/src/model/ModelFolder.ts"
import * as Weights from "../packages/genome/src/model/Weights.ts"
import * as Checkpoint from "../packages/genome/src/train/Checkpoint.ts"
import * as TinyBuild from "../packages/genome/src/train/tiny/TinyBuild.ts"

const { values } = parseArgs({
  options: {
    out: { type: "string" },
    seed: { type: "string", default: "1" },
    base: { type: "string" },
    resume: { type: "string" }
  },
  strict: true
})
const out = resolve(values.out ?? join(import.meta.dirname, "../packages/genome/assets/tiny"))

/** Steps between two checkpoints: half a minute of work at most. */
const everySteps = 100

const program = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const startMs = yield* Clock.currentTimeMillis
  const file = values.base === undefined ? undefined : join(values.base, ModelFolder.weightsFile)
  const base =
    file === undefined ? {} : { weights: yield* Weights.read(file, yield* fs.readFile(file), TinyBuild.config) }
  const folder = values.resume
  if (folder !== undefined) yield* fs.makeDirectory(folder, { recursive: true })
  const resume: TinyBuild.Recipe["resume"] = Effect.fnUntraced(function* (training) {
    if (folder === undefined) return {}
    const path = join(folder, `${training}.safetensors`)
    const save = (checkpoint: Checkpoint.Checkpoint) =>
      Checkpoint.save(path, checkpoint).pipe(Effect.provideService(FileSystem.FileSystem, fs))
    // A damaged one ends the build: whoever named the folder decides whether to delete it.
    const from = yield* Effect.orDie(Checkpoint.load(path)).pipe(Effect.provideService(FileSystem.FileSystem, fs))
    return { from, saving: { everySteps, save } }
  })
  const built = yield* TinyBuild.build({ ...TinyBuild.full, seed: Number(values.seed), ...base, resume }, (line) =>
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
