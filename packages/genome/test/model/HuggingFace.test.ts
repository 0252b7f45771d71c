import * as EmbeddedOnnxRuntime from "@continuum/genome/backend/EmbeddedOnnxRuntime"
import { type ActiveLayer, Backend, collect, type Turn } from "@continuum/genome/backend/Backend"
import type { Layer } from "@continuum/genome/Layer"
import * as LayerSource from "@continuum/genome/LayerSource"
import * as HuggingFace from "@continuum/genome/model/HuggingFace"
import type { LlamaConfig } from "@continuum/genome/model/LlamaConfig"
import * as Merge from "@continuum/genome/model/Merge"
import * as TinyModel from "@continuum/genome/model/TinyModel"
import { encodePrompt } from "@continuum/genome/model/Tokenizer"
import * as Weights from "@continuum/genome/model/Weights"
import * as TinyBuild from "@continuum/genome/train/tiny/TinyBuild"
import { NodeServices } from "@effect/platform-node"
import { assert, layer as services } from "@effect/vitest"
import { Effect, FileSystem, Layer as EffectLayer } from "effect"
import { execFile } from "node:child_process"
import { basename, dirname, join } from "node:path"
import { promisify } from "node:util"
import * as SmallModel from "../support/SmallModel.ts"

const program = join(import.meta.dirname, "../support/TransformersJs.ts")
const tokensMax = 24

type Conversation = ReadonlyArray<Turn>
const user = (content: string): Conversation => [{ role: "user", content }]

/** Writes a model as the project exports it and gives what transformers.js makes of it. */
const transformersJs = Effect.fnUntraced(function* (
  config: LlamaConfig,
  weights: ReadonlyMap<string, Float32Array>,
  conversations: ReadonlyArray<Conversation>
) {
  const fs = yield* FileSystem.FileSystem
  const directory = yield* fs.makeTempDirectoryScoped({ prefix: "continuum-export-" })
  yield* HuggingFace.write(directory, config, weights)
  return yield* loaded(directory, conversations)
})

/** What transformers.js makes of a folder, in a process of its own. */
const loaded = Effect.fnUntraced(function* (directory: string, conversations: ReadonlyArray<Conversation>) {
  const { stdout } = yield* Effect.promise(() =>
    promisify(execFile)(process.execPath, [
      program,
      dirname(directory),
      basename(directory),
      JSON.stringify(conversations),
      String(tokensMax)
    ])
  )
  return JSON.parse(stdout) as ReadonlyArray<{ readonly prompt: ReadonlyArray<number>; readonly text: string }>
})

/** What our engine makes of the same. */
const embedded = Effect.fnUntraced(function* (
  directory: string,
  conversations: ReadonlyArray<Conversation>,
  worn: Layer | undefined = undefined
) {
  const engine = EmbeddedOnnxRuntime.layer({ directory }).pipe(EffectLayer.provide(LayerSource.layerMemory([])))
  const backend = yield* Effect.provide(Backend, yield* EffectLayer.build(engine))
  const layers: ReadonlyArray<ActiveLayer> = worn === undefined ? [] : [{ contentId: yield* backend.load(worn) }]
  return yield* Effect.forEach(conversations, (turns) => collect(backend.generate({ turns, layers, tokensMax })), {
    concurrency: "unbounded"
  })
})

const strange: ReadonlyArray<Conversation> = [
  user("hello"),
  [
    { role: "system", content: "Sätze über €uro." },
    { role: "user", content: "  two  spaces\n" },
    { role: "assistant", content: "yes" },
    { role: "user", content: "12+34=" }
  ]
]

/** Of each domain, and something else. */
const sensible: ReadonlyArray<Conversation> = [
  "12+34=",
  "close ([{",
  "date 2024-05-17",
  "What is a layer?",
  "reverse hello",
  "sort dcba",
  "Sätze über €uro."
].map(user)

services(NodeServices.layer, { excludeTestServices: true, timeout: "120 seconds" })("HuggingFace", (it) => {
  it.effect("transformers.js loads the exported folder and says the same, token by token", () =>
    Effect.gen(function* () {
      const found = yield* transformersJs(SmallModel.config, SmallModel.weights, strange)
      const ours = yield* embedded((yield* SmallModel.folder()).directory, strange)
      for (const [i, turns] of strange.entries()) {
        assert.deepStrictEqual(found[i]!.prompt, encodePrompt(turns))
        assert.strictEqual(found[i]!.text, ours[i]!.text)
        assert.strictEqual(ours[i]!.text.length, tokensMax)
      }
    })
  )

  it.effect("transformers.js says the same as the engine with the model that comes with the package, alone", () =>
    Effect.gen(function* () {
      const found = yield* transformersJs(TinyBuild.config, yield* tinyWeights, sensible)
      const ours = yield* embedded(TinyModel.directory, sensible)
      assert.deepStrictEqual(
        found.map(({ text }) => text),
        ours.map(({ text }) => text)
      )
      assert.strictEqual(new Set(ours.map(({ text }) => text)).size, sensible.length)
    })
  )

  it.effect("and with a layer worked into its weights what the engine says with that layer on top", () =>
    Effect.gen(function* () {
      const alone = yield* embedded(TinyModel.directory, sensible)
      for (const name of ["dates", "reversing"]) {
        const { layer } = (yield* TinyModel.layers).find(({ card }) => card.name === name)!
        const found = yield* transformersJs(TinyBuild.config, yield* Merge.merge(yield* tinyWeights, layer), sensible)
        const ours = yield* embedded(TinyModel.directory, sensible, layer)
        assert.deepStrictEqual(
          found.map(({ text }) => text),
          ours.map(({ text }) => text)
        )
        assert.notDeepEqual(
          ours.map(({ text }) => text),
          alone.map(({ text }) => text)
        )
      }
    })
  )

  it.effect("tools/export-transformers.ts writes such a folder for people, with a layer", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const directory = `${yield* fs.makeTempDirectoryScoped({ prefix: "continuum-export-" })}/dates`
      const tool = join(import.meta.dirname, "../../../../tools/export-transformers.ts")
      const run = (...args: ReadonlyArray<string>) =>
        Effect.promise(() =>
          promisify(execFile)(process.execPath, [tool, ...args]).then(
            ({ stdout }) => stdout,
            ({ code, stderr }) => `${code}: ${stderr}`
          )
        )
      assert.include(yield* run(directory, "--layer", "dates"), "with dates is in")
      const [found] = yield* loaded(directory, [user("date 2024-05-17")])
      assert.strictEqual(found!.text, "17 May 2024")
      assert.match(yield* run(), /^2: Name one folder to write/)
      assert.match(yield* run(directory, "--layer", "nothing"), /^1: .*layers\/nothing/s)
    })
  )
})

const tinyWeights = Effect.gen(function* () {
  const path = `${TinyModel.directory}/model.safetensors`
  return yield* Weights.read(path, yield* (yield* FileSystem.FileSystem).readFile(path), TinyBuild.config)
})
