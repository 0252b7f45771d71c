/**
 * The embedded backend: a Llama model from a folder, on onnxruntime in a process of its own.
 *
 * Many requests share the engine, each with layers of its own. A request whose engine dies before its first text is
 * started once more in a new one; later it fails with `BackendFailed`. Layers come by `load`, or on demand from
 * `LayerSource`.
 */
import type { ContentId } from "@continuum/core/ContentId"
import { Clock, Effect, Layer as EffectLayer, Queue, Schema, Stream } from "effect"
import * as Composition from "../Composition.ts"
import * as Layer from "../Layer.ts"
import { LayerSource } from "../LayerSource.ts"
import { batchRowsMax, engineRequestsMax, engineRetriesMax } from "../Limits.ts"
import * as ModelFolder from "../model/ModelFolder.ts"
import * as StopText from "../model/StopText.ts"
import { encodePrompt, makeDecoder } from "../model/Tokenizer.ts"
import { Backend, type Chunk, GenerateRequest } from "./Backend.ts"
import { BackendBusy, type BackendError, type BackendFailed, PromptTooLong, RequestMalformed } from "./BackendError.ts"
import * as EngineOnnxRuntime from "./EngineOnnxRuntime.ts"
import type { Engine } from "./EngineOnnxRuntime.ts"

export interface Options {
  /** A model in the layout of Hugging Face: see `ModelFolder`. */
  readonly directory: string
  /** Name of the base model, where the folder does not say it. */
  readonly base?: string
  /** Cores that one run may use. Default 1: a tiny model gains nothing by more. */
  readonly threads?: number
  /** Rows that are computed together, 1 to `batchRowsMax`. Default `batchRowsMax`. */
  readonly batchRowsMax?: number
}

/** Opens the model; a damaged one fails here and not at the first request. */
export const layer = (options: Options) => EffectLayer.effect(Backend, make(options))

type Event =
  | { readonly _tag: "Start"; readonly cachedTokens: number }
  | { readonly _tag: "Token"; readonly token: number }
  | { readonly _tag: "End"; readonly reason: "stop" | "length" }
  | { readonly _tag: "Gone"; readonly error: BackendFailed }

const make = Effect.fn("EmbeddedOnnxRuntime.make")(function* (options: Options) {
  const folder = yield* ModelFolder.read(options.directory, options.base)
  const { base, config, contentId: weightsId, weightsPath } = folder
  const source = yield* LayerSource
  const rowsMax = Math.max(1, Math.min(options.batchRowsMax ?? batchRowsMax, batchRowsMax))
  const engine = yield* EngineOnnxRuntime.make({
    _tag: "Open",
    config,
    weightsFile: weightsPath,
    ...(weightsId === undefined ? {} : { contentId: weightsId }),
    threads: options.threads ?? 1,
    batchRowsMax: rowsMax
  })
  yield* engine
  /** Given by `load`: a new engine needs them again. */
  const given = new Map<ContentId, Layer.Layer>()
  let requests = 0
  let ids = 0

  const loadInto = Effect.fnUntraced(function* (target: Engine, contentId: ContentId, layer: Layer.Layer) {
    if (target.layers.has(contentId)) return
    const matrix = yield* Composition.prepare(contentId, layer, base, config)
    target.load({ _tag: "Load", contentId, matrix })
  })

  /** Starts a request in an engine that has its layers, and says in which. */
  const start = Effect.fnUntraced(function* (
    message: EngineOnnxRuntime.StartMessage,
    events: Queue.Enqueue<Event>,
    onStart: (target: Engine) => void
  ) {
    const contentIds = message.layers.map(({ contentId }) => contentId)
    const listener: EngineOnnxRuntime.Listener = {
      onStart: (cachedTokens) => Queue.offerUnsafe(events, { _tag: "Start", cachedTokens }),
      onToken: (token) => Queue.offerUnsafe(events, { _tag: "Token", token }),
      onEnd: (reason) => Queue.offerUnsafe(events, { _tag: "End", reason }),
      onGone: (error) => Queue.offerUnsafe(events, { _tag: "Gone", error })
    }
    for (;;) {
      const target = yield* engine
      for (const contentId of contentIds) {
        if (target.layers.has(contentId)) continue
        yield* loadInto(target, contentId, given.get(contentId) ?? (yield* source.get(contentId)))
      }
      // In one step with the look whether all are there: somebody may have unloaded one in the meantime.
      const isStarted = yield* Effect.sync(() => {
        const hasAll = contentIds.every((contentId) => target.layers.has(contentId))
        if (!hasAll) return false
        onStart(target)
        target.start(message, listener)
        return true
      })
      if (isStarted) return
    }
  })

  /** Sends the answer's text to `emit`. Gives how it ended. */
  const answer = Effect.fnUntraced(function* (
    request: GenerateRequest,
    prompt: ReadonlyArray<number>,
    emit: (text: string) => Effect.Effect<unknown>
  ) {
    // No more events than tokens fit the context.
    const events = yield* Queue.unbounded<Event>()
    const message: EngineOnnxRuntime.StartMessage = {
      _tag: "Start",
      id: ids++,
      prompt: Uint16Array.from(prompt),
      layers: (request.layers ?? []).map(({ contentId, weight }) => ({ contentId, weight: weight ?? 1 })),
      sampling: request.sampling ?? {},
      tokensMax: Math.min(request.tokensMax ?? config.max_position_embeddings, config.max_position_embeddings),
      priority: request.priority ?? 128
    }
    let target: Engine | undefined
    const started = start(message, events, (engine) => (target = engine))
    return yield* Effect.andThen(started, follow(events, request.stop ?? [], emit)).pipe(
      Effect.ensuring(Effect.sync(() => target?.cancel(message.id)))
    )
  })

  const run = Effect.fnUntraced(function* (request: GenerateRequest, queue: Queue.Enqueue<Chunk, BackendError>) {
    const startMs = yield* Clock.currentTimeMillis
    const { turns, ...others } = yield* decodeRequest(request).pipe(
      Effect.mapError((error) => new RequestMalformed({ reason: error.message }))
    )
    const prompt = encodePrompt(turns)
    const contextTokens = config.max_position_embeddings
    if (prompt.length >= contextTokens) return yield* new PromptTooLong({ promptTokens: prompt.length, contextTokens })
    let hasText = false
    const emit = (text: string) => {
      hasText = true
      return Queue.offer(queue, { _tag: "Text", text })
    }
    const end = yield* answer({ turns, ...others }, prompt, emit).pipe(
      Effect.retry({ while: (error) => error._tag === "BackendFailed" && !hasText, times: engineRetriesMax })
    )
    const endMs = yield* Clock.currentTimeMillis
    yield* Queue.offer(queue, {
      _tag: "End",
      reason: end.reason,
      usage: {
        promptTokens: prompt.length,
        cachedTokens: end.cachedTokens,
        completionTokens: end.completionTokens,
        ttftMs: (end.firstMs ?? endMs) - startMs,
        ms: endMs - startMs
      }
    })
  })

  return Backend.of({
    capabilities: Effect.succeed({
      backend: "embedded",
      base,
      contextTokens: config.max_position_embeddings,
      layers: "many",
      concurrency: rowsMax,
      seeded: true
    }),
    generate: (request) =>
      Stream.callback<Chunk, BackendError>((queue) =>
        Effect.suspend((): Effect.Effect<unknown, BackendError> => {
          if (requests >= engineRequestsMax) return Effect.fail(new BackendBusy({ queueCapacity: engineRequestsMax }))
          requests++
          return Effect.ensuring(
            run(request, queue),
            Effect.sync(() => void requests--)
          )
        }).pipe(Effect.andThen(Queue.end(queue)))
      ),
    countTokens: (turns) => Effect.sync(() => encodePrompt(turns).length),
    load: Effect.fnUntraced(function* (layer) {
      const contentId = yield* Effect.mapError(
        Layer.contentId(layer),
        ({ message }) => new RequestMalformed({ reason: message })
      )
      yield* loadInto(yield* engine, contentId, layer)
      given.set(contentId, layer)
      return contentId
    }),
    unload: (contentId) =>
      Effect.map(engine, (target) => {
        given.delete(contentId)
        target.unload(contentId)
      }),
    loaded: Effect.map(engine, ({ layers }) => [...layers]).pipe(Effect.orElseSucceed(() => []))
  })
})

const decodeRequest = Schema.decodeUnknownEffect(GenerateRequest)

/** Turns the events of a request into text, until its end or a stop text. */
const follow = Effect.fnUntraced(function* (
  events: Queue.Dequeue<Event>,
  stops: ReadonlyArray<string>,
  emit: (text: string) => Effect.Effect<unknown>
) {
  const decoder = makeDecoder()
  const stop = StopText.make(stops)
  let cachedTokens = 0
  let completionTokens = 0
  let firstMs: number | undefined
  for (;;) {
    const event = yield* Queue.take(events)
    if (event._tag === "Gone") return yield* event.error
    if (event._tag === "End") {
      const last = stop.push(decoder.end())
      const text = last.stopped ? last.text : last.text + stop.end()
      if (text !== "") yield* emit(text)
      return { reason: last.stopped ? ("stop" as const) : event.reason, cachedTokens, completionTokens, firstMs }
    }
    if (event._tag === "Start") {
      cachedTokens = event.cachedTokens
      continue
    }
    completionTokens++
    firstMs ??= yield* Clock.currentTimeMillis
    const shown = stop.push(decoder.push([event.token]))
    if (shown.text !== "") yield* emit(shown.text)
    if (shown.stopped) return { reason: "stop" as const, cachedTokens, completionTokens, firstMs }
  }
})
