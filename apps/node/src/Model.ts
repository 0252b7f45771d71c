/**
 * The model of the node, on the embedded engine: the one of `--model`, or the tiny one that comes with it.
 *
 * Its process starts in the background, so that the doors open before it does; requests wait for it. One that cannot
 * start, or whose files are damaged, is tried again at the next request, which gets the error; `doctor` tells it too, and
 * everything else of the node works without it.
 */
import { Backend } from "@continuum/genome/backend/Backend"
import type { BackendFailed, WeightsDamaged } from "@continuum/genome/backend/BackendError"
import * as EmbeddedOnnxRuntime from "@continuum/genome/backend/EmbeddedOnnxRuntime"
import { batchRowsMax } from "@continuum/genome/Limits"
import * as ModelFolder from "@continuum/genome/model/ModelFolder"
import * as TinyModel from "@continuum/genome/model/TinyModel"
import { encodePrompt } from "@continuum/genome/model/Tokenizer"
import { Context, Effect, FileSystem, Layer, Schema, Semaphore, Stream } from "effect"
import { NodeConfig } from "./NodeConfig.ts"

export class Model extends Context.Service<
  Model,
  {
    readonly backend: Backend["Service"]
    /** Waits for the engine. */
    readonly ready: Effect.Effect<void, WeightsDamaged | BackendFailed>
    /** By the name of a layer that was measured with the model: part of the held-out exercises that it answers to the letter. */
    readonly accuracy: Effect.Effect<Readonly<Record<string, number>>>
  }
>()("@continuum/node/Model") {}

/** Stands for a model whose files cannot be read. No layer fits it, and it has no room for a prompt. */
const unreadable = { base: "unreadable", config: { max_position_embeddings: 0 } }

export const layer = Layer.effect(
  Model,
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const { settings } = yield* NodeConfig
    const directory = settings.model ?? TinyModel.directory
    const engine = EmbeddedOnnxRuntime.layer({ directory })
    const services = yield* Effect.context<Layer.Services<typeof engine>>()
    // What is wrong with it says the engine, which reads it again.
    const { base, config } = yield* Effect.orElseSucceed(ModelFolder.read(directory), () => unreadable)
    const one = yield* Semaphore.make(1)
    let opened: Backend["Service"] | undefined
    const open = Effect.suspend(() =>
      opened !== undefined
        ? Effect.succeed(opened)
        : Layer.buildWithScope(engine, scope).pipe(
            Effect.provideContext(services),
            Effect.map((context) => (opened = Context.get(context, Backend)))
          )
    ).pipe(one.withPermit)
    yield* Effect.forkScoped(
      Effect.tapError(open, (error) => Effect.logError(`The model does not start: ${error.message}`)).pipe(
        Effect.ignore
      )
    )
    const backend = Backend.of({
      capabilities: Effect.succeed({
        backend: "embedded",
        base,
        contextTokens: config.max_position_embeddings,
        layers: "many",
        concurrency: batchRowsMax,
        seeded: true
      }),
      generate: (request) =>
        opened?.generate(request) ?? Stream.unwrap(Effect.map(open, (backend) => backend.generate(request))),
      countTokens: (turns) => Effect.sync(() => encodePrompt(turns).length),
      load: (layer) => Effect.flatMap(open, (backend) => backend.load(layer)),
      unload: (contentId) => Effect.flatMap(open, (backend) => backend.unload(contentId)),
      loaded: Effect.suspend(() => opened?.loaded ?? Effect.succeed([]))
    })
    const accuracy = yield* Effect.cached(Effect.provideContext(measured(directory), services))
    return { backend, ready: Effect.asVoid(open), accuracy }
  })
)

/** What `report.json` beside the model says of its layers; nothing when it cannot be read. */
const Report = Schema.fromJsonString(
  Schema.Struct({
    accuracy: Schema.Record(
      Schema.String,
      Schema.Struct({ layer: Schema.Number.check(Schema.isBetween({ minimum: 0, maximum: 1 })) })
    )
  })
)
const measured = (directory: string) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const text = yield* fs.readFileString(`${directory}/report.json`)
    const { accuracy } = yield* Schema.decodeUnknownEffect(Report)(text)
    return Object.fromEntries(Object.entries(accuracy).map(([name, { layer }]) => [name, layer]))
  }).pipe(Effect.orElseSucceed((): Readonly<Record<string, number>> => ({})))
