/** Models and layers that are damaged, foreign, slow or killed, in a real node: what is wrong is said, and the rest goes on. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as ContentId from "@continuum/core/ContentId"
import * as LayerCard from "@continuum/genome/LayerCard"
import * as LayerFolder from "@continuum/genome/LayerFolder"
import * as ModelFolder from "@continuum/genome/model/ModelFolder"
import * as TinyModel from "@continuum/genome/model/TinyModel"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { cpSync, mkdirSync, readFileSync, readdirSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as SmallModel from "../packages/genome/test/support/SmallModel.ts"
import { enginesOf, generate } from "./Generate.ts"
import { call, start, temporaryFolder, type NodeProcess } from "./NodeProcess.ts"

const ask = (node: NodeProcess, request: object) => Effect.promise(() => generate(node, request))

/** What has nothing to do with the model works. */
const restWorks = Effect.fnUntraced(function* (node: NodeProcess) {
  const quoted = yield* ask(node, { prompt: "what is fuel?", persona: "Teacher AI" })
  assert.include(quoted.text, "WebAssembly instructions")
  const counter = { address: "continuum://local/counter/c", messageName: "add", payload: 1 }
  const { exit, text } = yield* Effect.promise(() => call(node, "actors.ask", counter))
  assert.strictEqual(exit?._tag, "Success", text)
  const models = yield* Effect.promise(() => fetch(`${node.url}/v1/models`))
  assert.strictEqual(models.status, 200)
  assert.notInclude(yield* Effect.promise(() => models.text()), "unreadable")
})

/** The last number of the file becomes none, and the manifest says that this is how it should be. */
const withNaN = (folder: string) => {
  const path = join(folder, ModelFolder.weightsFile)
  const bytes = readFileSync(path)
  bytes.writeFloatLE(Number.NaN, bytes.length - 4)
  writeFileSync(path, bytes)
  const manifest = { name: "test/broken", weights: ContentId.of(bytes) }
  writeFileSync(join(folder, ModelFolder.manifestFile), JSON.stringify(manifest))
}

const damages = [
  [
    "weights that are cut off",
    "model.safetensors",
    (folder: string) => truncateSync(join(folder, "model.safetensors"), 1e5)
  ],
  ["weights with a NaN", "model.safetensors", withNaN],
  ["a config.json that is none", "config.json", (folder: string) => writeFileSync(join(folder, "config.json"), "{")]
] as const

describe("a node whose model is damaged", () => {
  for (const [what, file, damage] of damages) {
    it.live(`says the file of ${what}, does all else, and takes a whole copy without a restart`, () =>
      Effect.gen(function* () {
        const model = join(yield* temporaryFolder, "model")
        cpSync(TinyModel.directory, model, { recursive: true })
        damage(model)
        const node = yield* start(yield* temporaryFolder, ["--model", model])
        const question = { prompt: "date 2024-05-17", layers: [] }
        const failed = yield* ask(node, question)
        assert.strictEqual(failed.failure, "WeightsDamaged")
        assert.strictEqual(failed.error.file, join(model, file))
        const { exit } = yield* Effect.promise(() => call(node, "node.doctor", null))
        const check = exit!.value.checks.find(({ name }: { name: string }) => name === "model")
        assert.isFalse(check.ok)
        assert.include(check.detail, join(model, file))
        yield* restWorks(node)
        cpSync(TinyModel.directory, model, { recursive: true })
        assert.isUndefined((yield* ask(node, question)).failure)
      }).pipe(Effect.scoped)
    )
  }
})

describe("a node whose home holds layers that are damaged or of another model", () => {
  it.live("refuses each with its name and the reason, and answers with the others", () =>
    Effect.gen(function* () {
      const home = yield* temporaryFolder
      const first = yield* start(home)
      yield* Effect.promise(() => call(first, "layers.list", null))
      first.child.kill("SIGTERM")
      yield* first.ended

      const folder = join(home, "layers")
      const foreign = yield* SmallModel.layerOf(1, 4, "other/base@0123456789abcdef")
      const about = { name: "foreign", version: "1.0.0", kind: "domain", license: "Apache-2.0", parents: [] } as const
      const card = yield* LayerCard.of(foreign, { ...about, created: "2026-01-31T12:00:00Z" })
      mkdirSync(join(folder, card.contentId))
      for (const [name, bytes] of yield* LayerFolder.filesOf({ card, layer: foreign })) {
        writeFileSync(join(folder, card.contentId, name), bytes)
      }
      const sorting = readdirSync(folder).find((name) =>
        /"name": "sorting"/.test(name === "tmp" ? "" : readFileSync(join(folder, name, "card.json"), "utf8"))
      )!
      const damaged = join(folder, sorting, "adapter_model.safetensors")
      truncateSync(damaged, 1000)

      const node = yield* start(home)
      const other = yield* ask(node, { prompt: "sort dcba", layers: ["foreign"] })
      assert.strictEqual(other.failure, "LayerForOtherBase")
      assert.deepInclude(other.error, { contentId: card.contentId, base: "other/base@0123456789abcdef" })
      assert.match(other.error.expected, /^continuum\/tiny@/)
      const near = yield* ask(node, { prompt: "sort dcba", layers: ["sortin"] })
      assert.deepInclude(near.error, { _tag: "LayerNameUnknown", name: "sortin" })
      assert.include(near.error.nearest, "sorting")
      const broken = yield* ask(node, { prompt: "sort dcba" })
      assert.deepInclude(broken.error, { _tag: "WeightsDamaged", file: damaged })
      assert.isUndefined((yield* ask(node, { prompt: "date 2024-05-17" })).failure)
      yield* restWorks(node)
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )
})

/** So large that a whole answer takes minutes. Its text never ends by itself. */
const slow = {
  ...SmallModel.config,
  hidden_size: 256,
  intermediate_size: 512,
  num_hidden_layers: 6,
  head_dim: 64,
  max_position_embeddings: 16_384
}
const slowModel = Effect.map(SmallModel.folder(SmallModel.weightsOf(slow), slow), ({ directory }) => directory)

/** Starts to answer and reads the first text. */
const begin = (node: NodeProcess, content: string, tokensMax?: number) =>
  Effect.promise(async () => {
    const going = new AbortController()
    const body = JSON.stringify({
      model: "test/small",
      messages: [{ role: "user", content }],
      stream: true,
      max_tokens: tokensMax
    })
    const response = await fetch(`${node.url}/v1/chat/completions`, { method: "POST", body, signal: going.signal })
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    let text = ""
    while ((text.match(/"content":"[^"]/g) ?? []).length === 0) {
      const { done, value } = await reader.read()
      if (done) throw new Error(`it ended before its first text: ${text}`)
      text += value
    }
    return { going, reader }
  })

/** Processor time of a process so far, in ticks of 10 ms (proc(5), utime and stime). */
const ticksOf = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ")
  return Number(fields[11]) + Number(fields[12])
}

describe.runIf(process.platform === "linux")("a node whose model takes minutes to answer", () => {
  it.live(
    "stops the work when its client is gone in mid-stream",
    () =>
      Effect.gen(function* () {
        const node = yield* start(yield* temporaryFolder, ["--model", yield* slowModel])
        const answers = yield* Effect.forEach(["a", "b"], (content) => begin(node, content), { concurrency: 2 })
        const engine = enginesOf(node)[0]!
        const working = ticksOf(engine)
        while (ticksOf(engine) < working + 20) yield* Effect.sleep(20)
        for (const { going } of answers) going.abort()
        // The engine does nothing any more. By itself it would go on for minutes, and this would time out.
        let ticks = { before: -1, now: ticksOf(engine) }
        while (ticks.now > ticks.before + 1) {
          yield* Effect.sleep(300)
          ticks = { before: ticks.now, now: ticksOf(engine) }
        }
        assert.deepStrictEqual(enginesOf(node), [engine])
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    60_000
  )

  it.live(
    "lets an answer come to its end when it is told to stop, and ends one that would take long with the reason",
    () =>
      Effect.gen(function* () {
        const node = yield* start(yield* temporaryFolder, ["--model", yield* slowModel])
        const long = yield* begin(node, "long")
        const short = yield* begin(node, "short", 8)
        node.child.kill("SIGTERM")
        const restOf = ({ reader }: typeof long) =>
          Effect.promise(async () => {
            let text = ""
            try {
              for (;;) {
                const { done, value } = await reader.read()
                if (done) return text
                text += value
              }
            } catch {
              return `${text} cut off`
            }
          })
        const [rest, restOfLong] = yield* Effect.all([restOf(short), restOf(long)], { concurrency: 2 })
        assert.match(rest, /"finish_reason":"length".*\n\ndata: \[DONE\]\n\n$/s)
        // Before it is cut off it says why.
        assert.include(restOfLong, "The node is stopping")
        assert.notInclude(restOfLong, "The model engine failed")
        assert.strictEqual(yield* node.ended, 0)
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    60_000
  )

  it.live(
    "says in time that its engine was killed in mid-answer, to all that it answered, and replaces it",
    () =>
      Effect.gen(function* () {
        const node = yield* start(yield* temporaryFolder, ["--model", yield* slowModel])
        const answers = yield* Effect.forEach(["a", "b"], (content) => begin(node, content), { concurrency: 2 })
        const engine = enginesOf(node)[0]!
        process.kill(engine, "SIGKILL")
        for (const { reader } of answers) {
          const rest = yield* Effect.promise(async () => {
            let text = ""
            for (;;) {
              const { done, value } = await reader.read()
              if (done) return text
              text += value
            }
          })
          assert.include(rest, "The model engine failed")
        }
        const { going } = yield* begin(node, "again")
        const next = enginesOf(node)[0]
        assert.notStrictEqual(next, engine)
        going.abort()
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    60_000
  )
})
