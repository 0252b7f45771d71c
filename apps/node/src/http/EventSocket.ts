/**
 * Texts of a stream as messages of a WebSocket, held back by a client that does not read.
 *
 * effect/http upgrades a connection too, but hides what waits in it, so that a client that does not read would fill the memory. This
 * makes the same upgrade with `ws` and looks at `bufferedAmount` before each message.
 */
import { WebSocketServer, type WebSocket } from "@effect/platform-node/NodeWS"
import { Effect, Fiber, Stream } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import type { IncomingMessage } from "node:http"

/** Bytes that wait in one socket before the next message waits for it. 256 events of 1 kB. Chosen, not measured. */
const bufferedBytesMax = 256 * 1024
/** How often a full socket is looked at: `ws` tells nobody that it has room again. */
const lookEvery = "20 millis"
/** How long a client may read nothing while a message waits for it. */
const unreadMax = "1 minute"
/** Signs of life on a socket without messages. */
const beatEvery = "15 seconds"
/** Clients have nothing to say here. */
const messageBytesMax = 1_024

// What a socket is closed with: https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1
const goingAway = 1001
const internalError = 1011

const server = new WebSocketServer({ noServer: true, maxPayload: messageBytesMax })

export const isUpgrade = ({ headers }: HttpServerRequest.HttpServerRequest): boolean =>
  headers["upgrade"]?.toLowerCase() === "websocket"

/** Sends all that the stream has until it ends or the client goes; `failed` is the last message of one that fails. */
export const serve = <E>(
  request: HttpServerRequest.HttpServerRequest,
  texts: Stream.Stream<string, E>,
  failed: (error: E) => string
): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  Effect.scoped(
    Effect.gen(function* () {
      const socket = yield* Effect.acquireRelease(upgraded(request.source as IncomingMessage), (socket) =>
        Effect.sync(() => socket.close(goingAway))
      )
      const gone = Effect.callback<void>((resume) => {
        socket.once("close", () => resume(Effect.void))
        socket.on("error", () => socket.terminate())
      })
      const closed = yield* Effect.forkChild(gone, { startImmediately: true })
      const sent = Stream.runForEach(
        Stream.catch(texts, (error) => Stream.succeed(failed(error))),
        (text) =>
          Effect.andThen(
            whenRoom(socket),
            Effect.sync(() => socket.send(text))
          )
      ).pipe(Effect.andThen(Effect.sync(() => socket.close(internalError))), Effect.andThen(Fiber.join(closed)))
      const beating = Effect.forever(
        Effect.andThen(
          Effect.sleep(beatEvery),
          Effect.sync(() => socket.ping())
        )
      )
      yield* Effect.raceFirst(Fiber.join(closed), Effect.raceFirst(sent, beating))
      return HttpServerResponse.empty()
    })
  )

const upgraded = (source: IncomingMessage): Effect.Effect<WebSocket> =>
  Effect.callback((resume) => {
    // A handshake that is refused calls nobody, and ends the connection.
    const refused = () => resume(Effect.interrupt)
    source.socket.once("close", refused)
    // A client sends nothing before its handshake is answered, so nothing was read ahead.
    server.handleUpgrade(source, source.socket, Buffer.alloc(0), (socket) => {
      source.socket.off("close", refused)
      resume(Effect.succeed(socket))
    })
  })

/** Waits until what was sent before is on its way. A client that reads nothing for long loses its connection. */
const whenRoom = (socket: WebSocket): Effect.Effect<void> => {
  const full = Effect.suspend(function waiting(): Effect.Effect<void> {
    return socket.bufferedAmount <= bufferedBytesMax
      ? Effect.void
      : Effect.andThen(Effect.sleep(lookEvery), Effect.suspend(waiting))
  })
  return Effect.timeoutOrElse(full, {
    duration: unreadMax,
    orElse: () => Effect.sync(() => socket.terminate())
  })
}
