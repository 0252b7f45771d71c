/**
 * The channel `continuum/content/1` on every connection: serves the peer and lets this node ask it.
 */
import type { ContentStore } from "@continuum/core/ContentStore"
import type { PublicKey } from "@continuum/core/Identity"
import { Effect, type Scope } from "effect"
import type { ChannelProtocol } from "../Channel.ts"
import { decodeUnsafe } from "./ContentMessage.ts"
import * as ContentOutbox from "./ContentOutbox.ts"
import * as ContentServer from "./ContentServer.ts"
import * as ContentSource from "./ContentSource.ts"
import * as Signal from "./Signal.ts"

export interface ContentPeers {
  readonly protocol: ChannelProtocol
  /** Peers with an open channel. */
  readonly sources: ReadonlyMap<PublicKey, ContentSource.ContentSource>
  /** Notified when a channel opens. */
  readonly opened: Signal.Signal
}

export const protocolName = "continuum/content/1"

export const make = Effect.fn("ContentPeers.make")(function* (
  isGranted: (peer: PublicKey) => boolean
): Effect.fn.Return<ContentPeers, never, ContentStore | Scope.Scope> {
  const serve = yield* ContentServer.make(isGranted)
  const sources = new Map<PublicKey, ContentSource.ContentSource>()
  const opened = Signal.make()

  const protocol: ChannelProtocol = {
    name: protocolName,
    open: (channel) => {
      const { peer } = channel
      const outbox = ContentOutbox.make(channel)
      const server = serve(peer, outbox)
      const source = ContentSource.make(peer, outbox)
      sources.set(peer, source)
      opened.notify()
      return {
        message: (bytes) => {
          const message = decodeUnsafe(bytes)
          switch (message._tag) {
            case "Have":
            case "Outline":
            case "Group":
              return server.request(message)
            case "Cancel":
              return server.cancel(message.request)
            default:
              return source.answer(message)
          }
        },
        drain: outbox.drain,
        closed: () => {
          // The next connection to the same peer may have opened already.
          if (sources.get(peer) === source) sources.delete(peer)
          source.closed()
          server.closed()
        }
      }
    }
  }
  return { protocol, sources, opened }
})
