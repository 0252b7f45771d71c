/**
 * The model of the node: the tiny one that comes with it, on the embedded engine.
 *
 * Its process starts in the background, so that the doors open before it does; requests wait for it. One that cannot
 * start is tried again at the next request, which gets the error; `doctor` tells it too.
 */
import { Backend } from "@continuum/genome/backend/Backend"
import * as BackendUses from "@continuum/genome/backend/BackendUses"
import type { BackendFailed, WeightsDamaged } from "@continuum/genome/backend/BackendError"
import * as EmbeddedOnnxRuntime from "@continuum/genome/backend/EmbeddedOnnxRuntime"
import { batchRowsMax } from "@continuum/genome/Limits"
import * as ModelFolder from "@continuum/genome/model/ModelFolder"
import * as TinyModel from "@continuum/genome/model/TinyModel"
import { encodePrompt } from "@continuum/genome/model/Tokenizer"
import type { LayerSummary } from "@continuum/genome/rpc"
import type { KnownLayer } from "@continuum/persona/NamedLayer"
import { Context, Effect, FileSystem, Layer, Schema, Semaphore, Stream } from "effect"

/** What the doctor asks of the model, besides answers. */
export class Model extends Context.Service<
  Model,
  {
    /** The layers that came with it, and what they do. None while their files are damaged, which `ready` tells. */
    readonly layers: Effect.Effect<ReadonlyArray<LayerSummary>>
    /** The same, and how often each was right when it was measured: what personas choose among. */
    readonly known: Effect.Effect<ReadonlyArray<KnownLayer>>
    /** Waits for the engine. */
    readonly ready: Effect.Effect<void, WeightsDamaged | BackendFailed>
  }
>()("@continuum/node/Model") {}

const engine = EmbeddedOnnxRuntime.layer({ directory: TinyModel.directory }).pipe(Layer.provide(TinyModel.layerSource))

/** What `report.json` beside the model says of its layers; nothing when it cannot be read. */
const Report = Schema.Struct({
  accuracy: Schema.Record(
    Schema.String,
    Schema.Struct({ layer: Schema.Number.check(Schema.isBetween({ minimum: 0, maximum: 1 })) })
  )
})
const measured = Effect.flatMap(FileSystem.FileSystem, (fs) =>
  fs.readFileString(`${TinyModel.directory}/report.json`)
).pipe(
  Effect.flatMap(Schema.decodeUnknownEffect(Schema.fromJsonString(Report))),
  Effect.map(({ accuracy }) => accuracy),
  Effect.orElseSucceed((): (typeof Report.Type)["accuracy"] => ({}))
)

export const layer = Layer.effectContext(
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const services = yield* Effect.context<Layer.Services<typeof engine>>()
    const { base, config } = yield* ModelFolder.read(TinyModel.directory)
    // Read when they are first asked for, or by the engine: the doors need not wait for a megabyte of layers.
    const cards = yield* Effect.cached(
      TinyModel.layers.pipe(
        Effect.map((all) => all.map(({ card }) => card)),
        Effect.orElseSucceed(() => []),
        Effect.provideContext(services)
      )
    )
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
    const { backend, usesOf } = BackendUses.count(
      Backend.of({
        capabilities: Effect.succeed({
          backend: "embedded",
          base,
          contextTokens: config.max_position_embeddings,
          layers: "many",
          concurrency: batchRowsMax,
          seeded: true
        }),
        generate: (request) => Stream.unwrap(Effect.map(open, (backend) => backend.generate(request))),
        countTokens: (turns) => Effect.sync(() => encodePrompt(turns).length),
        load: (layer) => Effect.flatMap(open, (backend) => backend.load(layer)),
        unload: (contentId) => Effect.flatMap(open, (backend) => backend.unload(contentId)),
        loaded: Effect.suspend(() => opened?.loaded ?? Effect.succeed([]))
      })
    )
    const layers = Effect.map(Effect.all([cards, backend.loaded]), ([cards, loaded]) =>
      cards.map((card): LayerSummary => {
        const { contentId, kind, name, rank, version } = card
        const { active, failed, succeeded } = usesOf(contentId)
        const uses = succeeded + failed
        return {
          contentId,
          name,
          version,
          kind,
          base: card.base,
          rank,
          state: active > 0 ? "hot" : loaded.includes(contentId) ? "warm" : "cold",
          uses,
          successRate: uses === 0 ? null : succeeded / uses
        }
      })
    )
    const accuracy = yield* Effect.cached(Effect.provideContext(measured, services))
    const known = Effect.map(Effect.all([cards, accuracy]), ([cards, accuracy]) =>
      cards.map(({ contentId, name }): KnownLayer => ({ contentId, name, accuracy: accuracy[name]?.layer }))
    )
    return Context.make(Model, { layers, known, ready: Effect.asVoid(open) }).pipe(Context.add(Backend, backend))
  })
)
