/**
 * `GET /events?topics=actors,jit&mesh=bee`: what happens on this node, or on another one that lets this one watch, from now on: as
 * server-sent events, or as messages of a WebSocket. Each is one JSON document; the first one is `Subscribed`.
 *
 * A client that reads slowly holds its own stream back, loses the oldest events and is told how many. The guard has checked the API
 * key before a request comes here.
 */
import * as Nearest from "@continuum/core/Nearest"
import { Effect, Layer, Pull, Schema, Semaphore, Stream } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { EventWatch, type WatchedEvent, type WatchError } from "../EventWatch.ts"
import { TopicName } from "../NodeEvents.ts"
import * as EventSocket from "./EventSocket.ts"
import { refuse } from "./Refusal.ts"

/** Clients that watch at a time. Each costs a fiber or two and up to 256 events. Chosen, not measured. */
const watchersMax = 256

/** A sign of life for clients and proxies that give up on silence. Common proxies do after 30 to 60 s. */
const beatEvery = "15 seconds"

export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const router = yield* HttpRouter.HttpRouter
    const { watch } = yield* EventWatch
    const places = yield* Semaphore.make(watchersMax)

    const watched = Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      const asked = questionOf(request.url)
      if ("refusal" in asked) return asked.refusal
      const place = yield* Effect.acquireRelease(places.takeIfAvailable(1), (taken) =>
        taken ? places.release(1) : Effect.void
      )
      if (!place) return refuse(503, "TooManyWatchers", `${watchersMax} clients watch already. Try again later`)
      // In the scope of the request, which ends with the response or with the client.
      const pull = yield* Stream.toPull(watch(asked.mesh, asked.topics))
      // What keeps the watch from beginning has a status of its own.
      const first = yield* Pull.catchDone(pull, () => Effect.die(new Error("The events of a node have no end")))
      const events = Stream.concat(Stream.fromIterable(first), Stream.fromPull(Effect.succeed(pull)))
      if (EventSocket.isUpgrade(request))
        return yield* EventSocket.serve(
          request,
          Stream.map(events, (event) => JSON.stringify(event)),
          failed
        )
      return HttpServerResponse.stream(serverSent(events), {
        contentType: "text/event-stream; charset=utf-8",
        headers: { "cache-control": "no-cache", "x-accel-buffering": "no" }
      })
    }).pipe(Effect.catch((error) => Effect.succeed(refused(error))))

    yield* router.add("GET", "/events", watched)
  })
)

const isTopic = Schema.is(TopicName)

type Question =
  | { readonly topics: ReadonlyArray<TopicName>; readonly mesh: string | undefined }
  | { readonly refusal: HttpServerResponse.HttpServerResponse }

/** What a URL asks for: all topics unless it names some, of this node unless it names another. */
const questionOf = (url: string): Question => {
  const query = new URL(url, "http://localhost").searchParams
  const wanted = query.get("topics")?.split(",") ?? TopicName.literals
  const topics = wanted.filter(isTopic)
  const unknown = wanted.find((name) => !isTopic(name))
  if (unknown !== undefined) {
    const [nearest] = Nearest.of(unknown, TopicName.literals)
    const hint = nearest === undefined ? "" : ` Did you mean "${nearest}"?`
    const known = TopicName.literals.join(", ")
    return {
      refusal: refuse(400, "TopicUnknown", `There is no topic "${unknown.slice(0, 100)}".${hint} Topics: ${known}`)
    }
  }
  return { topics, mesh: query.get("mesh") ?? undefined }
}

/** https://html.spec.whatwg.org/multipage/server-sent-events.html */
const serverSent = (events: Stream.Stream<WatchedEvent, WatchError>): Stream.Stream<Uint8Array> =>
  events.pipe(
    Stream.map((event) => `data: ${JSON.stringify(event)}\n\n`),
    Stream.catch((error) => Stream.succeed(`event: error\ndata: ${failed(error)}\n\n`)),
    Stream.merge(Stream.forever(Stream.fromEffect(Effect.as(Effect.sleep(beatEvery), ": \n\n"))), {
      haltStrategy: "left"
    }),
    Stream.encodeText
  )

/** A failure in the middle, as the last document of a stream. */
const failed = ({ _tag: tag, message }: WatchError): string => JSON.stringify({ error: { tag, message } })

const refused = ({ _tag, message }: WatchError) => refuse(statuses[_tag as keyof typeof statuses] ?? 500, _tag, message)

const statuses = { NotGranted: 403, PeerUnreachable: 502, TransportLost: 502 } as const
