/**
 * `/v1`: models and chat completions for clients of OpenAI's API, unmodified.
 *
 * A client keeps its conversation itself and sends all of it, so nothing is remembered here. Whatever can be wrong is
 * known before the first byte of an answer, and has its status. When the client goes, the fiber of the request is
 * interrupted, and with it the model's work.
 */
import { Clock, Effect, Layer, Pull, Random, Stream } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { NodeInfo } from "../NodeInfo.ts"
import { Stop } from "../Stop.ts"
import * as OpenAiAnswer from "./OpenAiAnswer.ts"
import * as OpenAiError from "./OpenAiError.ts"
import * as OpenAiModels from "./OpenAiModels.ts"
import * as OpenAiRequest from "./OpenAiRequest.ts"

export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const router = yield* HttpRouter.HttpRouter
    const models = yield* OpenAiModels.make
    const { startedAtMs } = yield* NodeInfo
    const { isLate } = yield* Stop
    const stopping = Effect.fail(OpenAiError.stopping)
    const model = (id: string) => ({
      id,
      object: "model",
      created: Math.floor(startedAtMs / 1000),
      owned_by: "continuum"
    })

    const list = Effect.map(models.ids, (ids) =>
      HttpServerResponse.jsonUnsafe({ object: "list", data: ids.map(model) })
    )

    const retrieve = Effect.gen(function* () {
      const { url } = yield* HttpServerRequest.HttpServerRequest
      const name = url.split("?", 1)[0]!.slice(modelsPath.length + 1)
      const id = yield* Effect.flatMap(decoded(name), models.find)
      return HttpServerResponse.jsonUnsafe(model(id))
    })

    const complete = Effect.gen(function* () {
      const { text } = yield* HttpServerRequest.HttpServerRequest
      const body = yield* Effect.mapError(text, () => OpenAiError.badRequest("The body could not be read"))
      const request = yield* OpenAiRequest.parse(body)
      const answer = yield* models.answer(request)
      const head = {
        id: `chatcmpl-${(yield* Random.nextIntBetween(0, Number.MAX_SAFE_INTEGER)).toString(36)}`,
        created: Math.floor((yield* Clock.currentTimeMillis) / 1000),
        model: request.model
      }
      if (!request.stream) return HttpServerResponse.jsonUnsafe(yield* OpenAiAnswer.whole(head, answer))
      // In the scope of the request, which ends with the response or with the client.
      const pull = yield* Stream.toPull(answer)
      const first = yield* Pull.catchDone(pull, () => Effect.die(new Error("An answer had nothing in it")))
      const others = Stream.fromPull(Effect.succeed(Effect.suspend(() => (isLate() ? stopping : pull))))
      return HttpServerResponse.stream(OpenAiAnswer.events(head, first, others, request.includeUsage), {
        contentType: "text/event-stream; charset=utf-8",
        headers: { "cache-control": "no-cache", "x-accel-buffering": "no" }
      })
    })

    const answered = <R>(
      route: Effect.Effect<HttpServerResponse.HttpServerResponse, OpenAiError.OpenAiError, R>
    ): Effect.Effect<HttpServerResponse.HttpServerResponse, never, R> =>
      Effect.catchTag(route, "OpenAiError", (error) => Effect.succeed(OpenAiError.response(error)))
    yield* router.add("GET", modelsPath, answered(list))
    yield* router.add("GET", `${modelsPath}/:name`, answered(retrieve))
    yield* router.add("POST", "/v1/chat/completions", answered(complete))
  })
)

const modelsPath = "/v1/models"

/** A name in a path; it may hold spaces and slashes. */
const decoded = (name: string): Effect.Effect<string, OpenAiError.OpenAiError> =>
  Effect.try({
    try: () => decodeURIComponent(name),
    catch: () => OpenAiError.badRequest("The name of the model is not percent-encoded UTF-8", "model")
  })
