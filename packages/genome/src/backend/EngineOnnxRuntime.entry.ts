/**
 * The program of an engine process: opens a model, keeps layers, answers requests token by token until its node is gone.
 */
import * as ContentId from "@continuum/core/ContentId"
import { Effect, Exit } from "effect"
import { readFile } from "node:fs/promises"
import process from "node:process"
import * as Composition from "../Composition.ts"
import { compositionsMax } from "../Limits.ts"
import { Batcher } from "../model/Batcher.ts"
import * as Weights from "../model/Weights.ts"
import { WeightsDamaged } from "./BackendError.ts"
import type { FromEngine, ToEngine } from "./EngineProtocol.ts"
import * as ModelOnnxRuntime from "./ModelOnnxRuntime.ts"
import { pause, receive, send } from "./ParentProcess.ts"

const tell = (message: FromEngine) => send(message)

type Open = Extract<ToEngine, { readonly _tag: "Open" }>
type Start = Extract<ToEngine, { readonly _tag: "Start" }>

const readWeights = ({ config, contentId, weightsFile: file }: Open) =>
  Effect.tryPromise({
    try: () => readFile(file),
    catch: (cause) => new WeightsDamaged({ file, reason: `cannot be read: ${(cause as Error).message}` })
  }).pipe(
    Effect.flatMap((bytes) => Effect.map(Weights.read(file, bytes, config), (weights) => ({ bytes, weights }))),
    Effect.flatMap(({ bytes, weights }) =>
      contentId === undefined || ContentId.verify(contentId, bytes)
        ? Effect.succeed(weights)
        : Effect.fail(new WeightsDamaged({ file, reason: `does not have the hash ${contentId}` }))
    )
  )

const layers = new Map<ContentId.ContentId, Composition.Matrix>()
/** Those in use lately, the oldest first: the same object each time, so that its tensors are wrapped once. */
const compositions = new Map<string, Composition.Matrix>()

const open = async (message: Open): Promise<void> => {
  const exit = await Effect.runPromiseExit(readWeights(message))
  if (Exit.isFailure(exit)) {
    const error = Exit.findErrorOption(exit)
    if (error._tag === "None") throw new Error("the weights could not be read")
    const { file, reason, tensor } = error.value
    return tell(tensor === undefined ? { _tag: "Damaged", file, reason } : { _tag: "Damaged", file, tensor, reason })
  }
  const model = await ModelOnnxRuntime.open(message.config, exit.value, message.threads)
  const batcher = new Batcher(model, () => performance.now(), message.batchRowsMax)
  handle = (request) => {
    if (request._tag === "Start") start(batcher, message, request)
    else if (request._tag === "Cancel") batcher.cancel(request.id)
    else if (request._tag === "Load") layers.set(request.contentId, request.matrix)
    else if (request._tag === "Unload") unload(request.contentId)
    if (batcher.size > 0) work(batcher)
  }
  tell({ _tag: "Ready" })
}

const start = (batcher: Batcher<Composition.Matrix>, { config }: Open, request: Start) => {
  const composition = request.layers.map(({ contentId, weight }) => `${contentId}*${weight}`).join("+")
  const cachedTokens = batcher.start({
    id: request.id,
    prompt: [...request.prompt],
    composition,
    layers: composed(composition, request, config),
    sampling: request.sampling,
    tokensMax: request.tokensMax,
    priority: request.priority
  })
  tell({ _tag: "Started", id: request.id, cachedTokens })
}

const composed = (name: string, request: Start, config: Open["config"]): Composition.Matrix => {
  if (request.layers.length === 0) return ModelOnnxRuntime.noLayers
  const matrix =
    compositions.get(name) ??
    Composition.compose(
      request.layers.map(({ contentId, weight }) => ({ matrix: layers.get(contentId)!, weight })),
      config
    )
  compositions.delete(name)
  compositions.set(name, matrix)
  for (const oldest of compositions.keys()) {
    if (compositions.size <= compositionsMax) break
    compositions.delete(oldest)
  }
  return matrix
}

const unload = (contentId: ContentId.ContentId) => {
  layers.delete(contentId)
  for (const name of compositions.keys()) if (name.includes(contentId)) compositions.delete(name)
}

let working = false
const work = (batcher: Batcher<Composition.Matrix>) => {
  if (working) return
  working = true
  void (async () => {
    while (batcher.size > 0) {
      const events = await batcher.step()
      const tokens = events.flatMap((event) => (event._tag === "Token" ? [[event.id, event.token] as const] : []))
      const ends = events.flatMap((event) => (event._tag === "End" ? [[event.id, event.reason] as const] : []))
      // Also without events: it is the sign of life while a long prompt is read.
      tell({ _tag: "Stepped", tokens, ends })
      await pause()
    }
    working = false
  })()
}

let handle = (message: ToEngine): void => {
  if (message._tag === "Open") void open(message)
}
process.on("unhandledRejection", (error) => {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
})
receive((message) => handle(message as ToEngine))
