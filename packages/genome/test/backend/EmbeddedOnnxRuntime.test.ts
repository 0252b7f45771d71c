import * as EmbeddedOnnxRuntime from "@continuum/genome/backend/EmbeddedOnnxRuntime"
import { Backend, collect, type GenerateRequest } from "@continuum/genome/backend/Backend"
import * as Safetensors from "@continuum/genome/formats/Safetensors"
import * as LayerSource from "@continuum/genome/LayerSource"
import * as Layer from "@continuum/genome/Layer"
import { NodeServices } from "@effect/platform-node"
import { assert, layer as services } from "@effect/vitest"
import { Context, Effect, Fiber, FileSystem, Layer as EffectLayer, Stream } from "effect"
import { execFileSync } from "node:child_process"
import * as SmallModel from "../support/SmallModel.ts"

const open = (directory: string, options: Partial<EmbeddedOnnxRuntime.Options> = {}) =>
  EffectLayer.build(
    EmbeddedOnnxRuntime.layer({ directory, ...options }).pipe(EffectLayer.provide(LayerSource.layerMemory([])))
  ).pipe(Effect.map((context) => Context.get(context, Backend)))

const user = (content: string, more: Partial<GenerateRequest> = {}): GenerateRequest => ({
  turns: [{ role: "user", content }],
  tokensMax: 24,
  ...more
})

/** Ids of the engine processes below this one. */
const engines = (): ReadonlyArray<number> =>
  execFileSync("ps", ["-eo", "pid,ppid,args"], { encoding: "utf8" })
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, parent, ...args]) => parent === String(process.pid) && args.join(" ").includes("EngineOnnxRuntime"))
    .map(([pid]) => Number(pid))

services(NodeServices.layer, { excludeTestServices: true, timeout: "60 seconds" })("EmbeddedOnnxRuntime", (it) => {
  it.effect("answers, streams whole characters, and counts what it used", () =>
    Effect.gen(function* () {
      const { directory, base } = yield* SmallModel.folder()
      const backend = yield* open(directory)
      const chunks = yield* Stream.runCollect(backend.generate(user("hello")))
      const texts = chunks.flatMap((chunk) => (chunk._tag === "Text" ? [chunk.text] : []))
      assert.match(texts.join(""), /^[a-z]{24}$/)
      const end = chunks.at(-1)!
      assert.isTrue(end._tag === "End" && end.reason === "length")
      if (end._tag !== "End") return
      assert.deepInclude(end.usage, { promptTokens: 8, completionTokens: 24, cachedTokens: 0 })
      assert.isAtMost(end.usage.ttftMs, end.usage.ms)
      assert.deepInclude(yield* backend.capabilities, { base, contextTokens: 192, layers: "many" })
    })
  )

  it.effect("a layer changes the answer exactly as if it were worked into the weights", () =>
    Effect.gen(function* () {
      const { directory, base } = yield* SmallModel.folder()
      const backend = yield* open(directory)
      const layer = yield* SmallModel.layerOf(1, 4, base)
      const contentId = yield* backend.load(layer)
      for (const weight of [1, 0.5]) {
        const other = yield* SmallModel.folder(yield* SmallModel.merged(layer, weight))
        const expected = yield* collect((yield* open(other.directory)).generate(user("hello")))
        const found = yield* collect(backend.generate(user("hello", { layers: [{ contentId, weight }] })))
        assert.strictEqual(found.text, expected.text)
      }
      const without = yield* collect(backend.generate(user("hello")))
      const nothing = yield* collect(backend.generate(user("hello", { layers: [{ contentId, weight: 0 }] })))
      assert.strictEqual(nothing.text, without.text)
      const withLayer = yield* collect(backend.generate(user("hello", { layers: [{ contentId }] })))
      assert.notStrictEqual(withLayer.text, without.text)
    })
  )

  it.effect("requests with different layers and lengths share a batch, and each gets what it would get alone", () =>
    Effect.gen(function* () {
      const { directory, base } = yield* SmallModel.folder()
      const backend = yield* open(directory)
      const ids = yield* Effect.forEach([1, 2, 3], (seed) =>
        Effect.flatMap(SmallModel.layerOf(seed, 2 * seed, base), backend.load)
      )
      const requests = Array.from({ length: 24 }, (_, i) =>
        user("x".repeat((i * 7) % 40) + i, {
          layers: i % 4 === 3 ? [] : [{ contentId: ids[i % 4]! }],
          tokensMax: 5 + ((i * 5) % 30)
        })
      )
      const alone = yield* Effect.forEach(requests, (request) => collect(backend.generate(request)))
      const together = yield* Effect.forEach(requests, (request) => collect(backend.generate(request)), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(
        together.map(({ text }) => text),
        alone.map(({ text }) => text)
      )
      assert.isAbove(new Set(alone.map(({ text }) => text.slice(0, 5))).size, 12)
    })
  )

  it.effect("a layer that overflows spoils its own answer and none of those beside it", () =>
    Effect.gen(function* () {
      const { directory, base } = yield* SmallModel.folder()
      const backend = yield* open(directory)
      const good = yield* backend.load(yield* SmallModel.layerOf(1, 4, base))
      const { targets, ...about } = yield* SmallModel.layerOf(2, 4, base)
      const huge = ({ shape }: { readonly shape: ReadonlyArray<number> }) =>
        Safetensors.fromFloat32(new Float32Array(shape[0]! * shape[1]!).fill(3e38), [...shape])
      const overflowing = yield* Layer.make({
        ...about,
        targets: targets.map((target) => ({ ...target, alpha: 1000, a: huge(target.a), b: huge(target.b) }))
      })
      const bad = yield* backend.load(overflowing)
      const requests = Array.from({ length: 12 }, (_, i) =>
        user(`hello ${i}`, { layers: i % 3 === 0 ? [] : [{ contentId: good }], tokensMax: 40 })
      )
      const alone = yield* Effect.forEach(requests, (request) => collect(backend.generate(request)))
      const spoilt = Effect.result(collect(backend.generate(user("x", { layers: [{ contentId: bad, weight: 8 }] }))))
      const [together, others] = yield* Effect.all(
        [
          Effect.forEach(requests, (request) => collect(backend.generate(request)), { concurrency: "unbounded" }),
          Effect.all(
            Array.from({ length: 4 }, () => spoilt),
            { concurrency: "unbounded" }
          )
        ],
        { concurrency: "unbounded" }
      )
      assert.strictEqual(others.length, 4)
      assert.deepStrictEqual(
        together.map(({ text }) => text),
        alone.map(({ text }) => text)
      )
    })
  )

  it.effect("the next turn of a conversation reuses what was computed, and another composition does not", () =>
    Effect.gen(function* () {
      const { directory, base } = yield* SmallModel.folder()
      const backend = yield* open(directory)
      const contentId = yield* backend.load(yield* SmallModel.layerOf(1, 4, base))
      const first = yield* collect(backend.generate(user("hello")))
      const turns = [
        { role: "user", content: "hello" },
        { role: "assistant", content: first.text },
        { role: "user", content: "more" }
      ] as const
      const second = yield* collect(backend.generate({ turns, tokensMax: 10 }))
      assert.strictEqual(second.usage.cachedTokens, first.usage.promptTokens + first.usage.completionTokens - 1)
      const swapped = yield* collect(backend.generate({ turns, tokensMax: 10, layers: [{ contentId }] }))
      assert.strictEqual(swapped.usage.cachedTokens, 0)
      const fresh = yield* open(directory)
      assert.strictEqual((yield* collect(fresh.generate({ turns, tokensMax: 10 }))).text, second.text)
      yield* fresh.load(yield* SmallModel.layerOf(1, 4, base))
      const again = yield* collect(fresh.generate({ turns, tokensMax: 10, layers: [{ contentId }] }))
      assert.strictEqual(again.text, swapped.text)
    })
  )

  it.effect("refuses a prompt that is too long with both numbers, and takes one that just fits", () =>
    Effect.gen(function* () {
      const { directory } = yield* SmallModel.folder()
      const backend = yield* open(directory)
      const error = yield* Effect.flip(collect(backend.generate(user("x".repeat(189)))))
      assert.deepInclude(error, { _tag: "PromptTooLong", promptTokens: 192, contextTokens: 192 })
      const fits = yield* collect(backend.generate(user("x".repeat(188))))
      assert.deepInclude(fits, { reason: "length" })
      assert.strictEqual(fits.usage.completionTokens, 1)
      const malformed = yield* Effect.flip(collect(backend.generate({ ...user("x"), sampling: { temperature: -1 } })))
      assert.strictEqual(malformed._tag, "RequestMalformed")
    })
  )

  it.effect("refuses a layer for another base, one that does not fit, and one that nobody knows", () =>
    Effect.gen(function* () {
      const { directory, base } = yield* SmallModel.folder()
      const backend = yield* open(directory)
      const other = yield* SmallModel.layerOf(1, 4, "somebody/else")
      assert.deepInclude(yield* Effect.flip(backend.load(other)), {
        _tag: "LayerForOtherBase",
        base: "somebody/else",
        expected: base
      })
      const right = yield* SmallModel.layerOf(1, 4, base)
      const [first, ...rest] = right.targets
      const unfit = yield* Layer.make({
        ...right,
        targets: [{ ...first!, name: "model.layers.9.self_attn.q_proj" }, ...rest]
      })
      assert.deepInclude(yield* Effect.flip(backend.load(unfit)), {
        _tag: "LayerUnfit",
        target: "model.layers.9.self_attn.q_proj"
      })
      const contentId = yield* Layer.contentId(right)
      const unknown = yield* Effect.flip(collect(backend.generate(user("x", { layers: [{ contentId }] }))))
      assert.deepInclude(unknown, { _tag: "LayerUnknown", contentId })
    })
  )

  it.effect("the same seed gives the same text, another seed another, and stop texts are not shown", () =>
    Effect.gen(function* () {
      const { directory } = yield* SmallModel.folder()
      const backend = yield* open(directory)
      const sample = (seed: number, more: Partial<GenerateRequest> = {}) =>
        collect(backend.generate(user("hello", { sampling: { temperature: 1, seed }, ...more })))
      const one = yield* sample(1)
      assert.strictEqual((yield* sample(1)).text, one.text)
      assert.notStrictEqual((yield* sample(2)).text, one.text)
      const stop = one.text.slice(5, 8)
      const stopped = yield* sample(1, { stop: [stop] })
      assert.strictEqual(stopped.text, one.text.slice(0, one.text.indexOf(stop)))
      assert.strictEqual(stopped.reason, "stop")
    })
  )

  it.effect("an interrupted answer stops the work and leaves the others alone", () =>
    Effect.gen(function* () {
      const { directory } = yield* SmallModel.folder()
      const backend = yield* open(directory, { batchRowsMax: 1 })
      const prompt = "a prompt of some length"
      yield* Stream.runDrain(Stream.take(backend.generate(user(prompt, { tokensMax: 160 })), 2))
      // With one row, this takes longer than the rest of the first would have.
      assert.strictEqual((yield* collect(backend.generate(user("b", { tokensMax: 180 })))).text.length, 180)
      // What ends goes into the KV cache; what was stopped does not. The start and the user's mark are all they share.
      const again = yield* collect(backend.generate(user(prompt, { tokensMax: 1 })))
      assert.strictEqual(again.usage.cachedTokens, 2)
      const third = yield* collect(backend.generate(user(prompt, { tokensMax: 1 })))
      assert.strictEqual(third.usage.cachedTokens, third.usage.promptTokens - 1)
    })
  )

  it.effect("an engine that is killed in mid-answer is a typed error there, and replaced for the next request", () =>
    Effect.gen(function* () {
      const { directory } = yield* SmallModel.folder()
      const before = new Set(engines())
      const backend = yield* open(directory)
      const expected = yield* collect(backend.generate(user("hello")))
      const [pid] = engines().filter((one) => !before.has(one))
      const error = yield* Stream.runDrain(
        Stream.tap(backend.generate(user("hello", { tokensMax: 180 })), () =>
          Effect.sync(() => process.kill(pid!, "SIGKILL"))
        )
      ).pipe(Effect.flip)
      assert.strictEqual(error._tag, "BackendFailed")
      assert.include(error.message, "SIGKILL")
      assert.strictEqual((yield* collect(backend.generate(user("hello")))).text, expected.text)
    })
  )

  it.effect("a request that had no text yet is started again when its engine dies", () =>
    Effect.gen(function* () {
      const { directory, base } = yield* SmallModel.folder()
      const before = new Set(engines())
      const backend = yield* open(directory)
      const contentId = yield* backend.load(yield* SmallModel.layerOf(1, 4, base))
      const request = user("hello", { layers: [{ contentId }] })
      const expected = yield* collect(backend.generate(request))
      const [pid] = engines().filter((one) => !before.has(one))
      // Stopped, it takes the request and cannot answer it.
      process.kill(pid!, "SIGSTOP")
      const answer = yield* Effect.forkChild(collect(backend.generate(request)))
      yield* Effect.sleep("200 millis")
      process.kill(pid!, "SIGKILL")
      assert.strictEqual((yield* Fiber.join(answer)).text, expected.text)
    })
  )

  it.effect("damaged weights are refused with the file and the tensor", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const broken = new Map(SmallModel.weights)
      broken.set(
        "model.norm.weight",
        broken.get("model.norm.weight")!.map((value, i) => (i === 3 ? Number.NaN : value))
      )
      const nan = yield* SmallModel.folder(broken)
      const error = yield* Effect.flip(open(nan.directory))
      assert.deepInclude(error, { _tag: "WeightsDamaged", tensor: "model.norm.weight" })
      assert.include(error.message, `${nan.directory}/model.safetensors`)

      const { directory } = yield* SmallModel.folder()
      const path = `${directory}/model.safetensors`
      const whole = yield* fs.readFile(path)
      yield* fs.writeFile(path, whole.subarray(0, whole.length - 1))
      assert.include((yield* Effect.flip(open(directory))).message, "bytes")
      const flipped = whole.slice()
      flipped[flipped.length - 4]! ^= 1
      yield* fs.writeFile(path, flipped)
      assert.include((yield* Effect.flip(open(directory))).message, "hash")
      yield* fs.remove(path)
      assert.include((yield* Effect.flip(open(directory))).message, "cannot be read")
    })
  )
})
