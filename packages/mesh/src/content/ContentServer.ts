/**
 * Answers what one peer asks on its content channel. Nothing without the grant `content.read`.
 *
 * Each request runs by itself; groups of one peer leave one after the other, so that a peer that asks for much waits for
 * itself. A request is forgotten when it is cancelled, and all are when the channel closes.
 */
import type { PublicKey } from "@continuum/core/Identity"
import { ContentStore } from "@continuum/core/ContentStore"
import { Effect, type Fiber, FiberSet, Semaphore, type Scope } from "effect"
import { contentPartBytesMax, contentRequestsPerPeerMax } from "../Limits.ts"
import { ContentMessageMalformed, type ContentRequest } from "./ContentMessage.ts"
import type { ContentOutbox } from "./ContentOutbox.ts"
import * as ServedContents from "./ServedContents.ts"
import { groupOf, groupsOf } from "./VerifiedStream.ts"

/** Serves one peer. */
export interface ContentServer {
  /** Throws `ContentMessageMalformed` when the peer asks for more at a time than any node of ours does. */
  readonly request: (message: ContentRequest) => void
  readonly cancel: (request: number) => void
  readonly closed: () => void
}

type ServePeer = (peer: PublicKey, outbox: ContentOutbox) => ContentServer

/** `isGranted` says whether a peer may read content; it is asked at each request. */
export const make = Effect.fn("ContentServer.make")(function* (
  isGranted: (peer: PublicKey) => boolean
): Effect.fn.Return<ServePeer, never, ContentStore | Scope.Scope> {
  const store = yield* ContentStore
  const contents = yield* ServedContents.make
  const run = yield* FiberSet.makeRuntime()

  return (peer, outbox) => {
    const running = new Map<number, Fiber.Fiber<void>>()
    const turn = Semaphore.makeUnsafe(1)

    const sendGroup = Effect.fnUntraced(function* (request: number, bytes: Uint8Array) {
      for (let at = 0; ; at += contentPartBytesMax) {
        const last = at + contentPartBytesMax >= bytes.length
        yield* outbox.answer({ _tag: "Part", request, bytes: bytes.subarray(at, at + contentPartBytesMax), last })
        if (last) return
      }
    })

    const answer = Effect.fnUntraced(
      function* ({ request, ...message }: ContentRequest) {
        if (!isGranted(peer)) return yield* outbox.answer({ _tag: "Refused", request })
        if (message._tag === "Have") {
          const held = yield* store.has(message.contentId)
          return yield* outbox.answer({ _tag: held ? "Held" : "Missing", request })
        }
        if (message._tag === "Outline") {
          const { outline } = yield* contents.get(message.contentId)
          return yield* outbox.answer({ _tag: "Outlined", request, ...outline })
        }
        const { content } = yield* contents.get(message.contentId)
        if (message.index >= groupsOf(content.length)) return yield* outbox.answer({ _tag: "Missing", request })
        // A copy, so that a slow reader holds one group in memory and not the content.
        yield* sendGroup(request, groupOf(content, message.index).slice())
      },
      (effect, { request }) =>
        effect.pipe(
          Effect.catchTag("ContentBusy", () => outbox.answer({ _tag: "Busy", request })),
          Effect.catchTags({
            ContentUnknown: () => outbox.answer({ _tag: "Missing", request }),
            ContentCorrupt: () => outbox.answer({ _tag: "Missing", request })
          }),
          Effect.catchDefect((defect) =>
            Effect.andThen(
              Effect.logError("Content could not be served", { peer, defect }),
              outbox.answer({ _tag: "Missing", request })
            )
          )
        )
    )

    return {
      request: (message) => {
        if (running.size >= contentRequestsPerPeerMax) {
          throw new ContentMessageMalformed({ reason: `more than ${contentRequestsPerPeerMax} requests at a time` })
        }
        if (running.has(message.request)) {
          throw new ContentMessageMalformed({ reason: `request ${message.request} is not answered yet` })
        }
        const answering = message._tag === "Group" ? turn.withPermit(answer(message)) : answer(message)
        const fiber = run(answering)
        running.set(message.request, fiber)
        fiber.addObserver(() => void running.delete(message.request))
      },
      cancel: (request) => running.get(request)?.interruptUnsafe(),
      closed: () => {
        for (const fiber of running.values()) fiber.interruptUnsafe()
      }
    }
  }
})
