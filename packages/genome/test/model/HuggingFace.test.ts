import * as EmbeddedOnnxRuntime from "@continuum/genome/backend/EmbeddedOnnxRuntime"
import { Backend, collect, type Turn } from "@continuum/genome/backend/Backend"
import * as LayerSource from "@continuum/genome/LayerSource"
import * as HuggingFace from "@continuum/genome/model/HuggingFace"
import { encodePrompt } from "@continuum/genome/model/Tokenizer"
import { NodeServices } from "@effect/platform-node"
import { assert, layer as services } from "@effect/vitest"
import { Effect, FileSystem, Layer as EffectLayer } from "effect"
import { execFile } from "node:child_process"
import { basename, dirname, join } from "node:path"
import { promisify } from "node:util"
import * as SmallModel from "../support/SmallModel.ts"

const program = join(import.meta.dirname, "../support/TransformersJs.ts")

const conversations: ReadonlyArray<ReadonlyArray<Turn>> = [
  [{ role: "user", content: "hello" }],
  [
    { role: "system", content: "Sätze über €uro." },
    { role: "user", content: "  two  spaces\n" },
    { role: "assistant", content: "yes" },
    { role: "user", content: "12+34=" }
  ]
]

services(NodeServices.layer, { excludeTestServices: true, timeout: "60 seconds" })("HuggingFace", (it) => {
  it.effect("transformers.js loads the exported folder and says the same, token by token", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const { directory } = yield* SmallModel.folder()
      yield* fs.makeDirectory(`${directory}/onnx`)
      yield* fs.writeFile(
        `${directory}/${HuggingFace.onnxFile}`,
        HuggingFace.onnxOf(SmallModel.config, SmallModel.weights)
      )
      // In a process of its own, as all that onnxruntime computes.
      const { stdout } = yield* Effect.promise(() =>
        promisify(execFile)(process.execPath, [
          program,
          dirname(directory),
          basename(directory),
          JSON.stringify(conversations)
        ])
      )
      const found = JSON.parse(stdout) as ReadonlyArray<{
        readonly prompt: ReadonlyArray<number>
        readonly text: string
      }>
      const services = yield* EffectLayer.build(
        EmbeddedOnnxRuntime.layer({ directory }).pipe(EffectLayer.provide(LayerSource.layerMemory([])))
      )
      for (const [i, turns] of conversations.entries()) {
        assert.deepStrictEqual(found[i]!.prompt, encodePrompt(turns))
        const ours = yield* Effect.flatMap(Backend, (backend) =>
          collect(backend.generate({ turns, tokensMax: 24 }))
        ).pipe(Effect.provide(services))
        assert.strictEqual(found[i]!.text, ours.text)
        assert.strictEqual(ours.text.length, 24)
      }
    })
  )
})
