/**
 * Writes the tiny model, or another one, as a folder that transformers.js loads without a network:
 * `bun tools/export-transformers.ts FOLDER [--model DIR] [--layer NAME]`. `--layer`: with a layer that came with the model, worked
 * into its weights.
 *
 *   import { env, pipeline } from "@huggingface/transformers"
 *   Object.assign(env, { allowRemoteModels: false, localModelPath: "the folder that FOLDER is in" })
 *   const model = await pipeline("text-generation", "FOLDER's name", { dtype: "fp32" })
 *
 * It says the same as the engine, but for texts that spell out a mark of the tokenizer, such as `<|end|>`.
 */
import { NodeServices } from "@effect/platform-node"
import { Effect, FileSystem } from "effect"
import { resolve } from "node:path"
import { parseArgs } from "node:util"
import * as LayerFolder from "../packages/genome/src/LayerFolder.ts"
import * as HuggingFace from "../packages/genome/src/model/HuggingFace.ts"
import * as Merge from "../packages/genome/src/model/Merge.ts"
import * as ModelFolder from "../packages/genome/src/model/ModelFolder.ts"
import * as TinyModel from "../packages/genome/src/model/TinyModel.ts"
import * as Weights from "../packages/genome/src/model/Weights.ts"

const usage = (problem: string): never => {
  console.error(`${problem}\nusage: bun tools/export-transformers.ts FOLDER [--model DIR] [--layer NAME]`)
  process.exit(2)
}

const { values, positionals } = (() => {
  try {
    return parseArgs({
      options: { model: { type: "string", default: TinyModel.directory }, layer: { type: "string" } },
      allowPositionals: true,
      strict: true
    })
  } catch (error) {
    return usage(error instanceof Error ? error.message : String(error))
  }
})()
const [folder, ...more] = positionals
if (folder === undefined || more.length > 0) usage("Name one folder to write")

const program = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const directory = resolve(values.model)
  const { config, weightsPath } = yield* ModelFolder.read(directory)
  const weights = yield* Weights.read(weightsPath, yield* fs.readFile(weightsPath), config)
  const layer = values.layer === undefined ? undefined : yield* LayerFolder.read(`${directory}/layers/${values.layer}`)
  const merged = layer === undefined ? weights : yield* Merge.merge(weights, layer.layer)
  const out = resolve(folder!)
  yield* HuggingFace.write(out, config, merged)
  console.log(`${directory}${layer === undefined ? "" : ` with ${layer.card.name}`} is in ${out}`)
})

await Effect.runPromise(
  Effect.provide(program, NodeServices.layer).pipe(
    Effect.catch((error) =>
      Effect.sync(() => {
        console.error(error.message)
        process.exitCode = 1
      })
    )
  )
)
