/**
 * ContentRouting over the mesh: asks the peer that is said to have some content, then all that are connected, and puts
 * what it verified into this node's store. Several callers of one id share one transfer.
 *
 * When the last source is lost in the middle, it waits a few seconds for one to come back, and what is there is kept for
 * the next try. A peer that sent something false is not asked again for an hour.
 */
import type { ContentId } from "@continuum/core/ContentId"
import type { ContentRouting } from "@continuum/core/ContentRouting"
import { type ContentNotStored, ContentStore, ContentUnknown } from "@continuum/core/ContentStore"
import type { PublicKey } from "@continuum/core/Identity"
import type { PeerUnreachable } from "@continuum/core/Transport"
import { Effect, Fiber, FiberSet, Schedule, type Scope, Semaphore } from "effect"
import type { ChannelProtocol } from "../Channel.ts"
import { contentHaveTimeoutMs, contentReturnMs, contentTransfersMax, contentUnfinishedMs } from "../Limits.ts"
import * as ContentPeers from "./ContentPeers.ts"
import { SourceFailed } from "./ContentSource.ts"
import * as Liars from "./Liars.ts"
import * as Signal from "./Signal.ts"
import * as Transfer from "./Transfer.ts"
import * as UnfinishedContents from "./UnfinishedContents.ts"
import type { ContentForged } from "./VerifiedStream.ts"

export interface ContentRoutingMeshOptions {
  /** Whether a peer holds the grant `content.read`. */
  readonly isGranted: (peer: PublicKey) => boolean
  /** Connects to a peer by its key. Its content channel may open a moment later. */
  readonly dial: (peer: PublicKey) => Effect.Effect<void, PeerUnreachable>
}

export interface ContentRoutingMesh {
  /** For the mesh, which opens it on every connection. */
  readonly protocol: ChannelProtocol
  readonly routing: ContentRouting["Service"]
}

/** One transfer and how many wait for it. */
interface Flight {
  readonly fiber: Fiber.Fiber<void, ContentUnknown | ContentNotStored>
  waiting: number
}

export const make = Effect.fn("ContentRoutingMesh.make")(function* (
  options: ContentRoutingMeshOptions
): Effect.fn.Return<ContentRoutingMesh, never, ContentStore | Scope.Scope> {
  const store = yield* ContentStore
  const { opened, protocol, sources } = yield* ContentPeers.make(options.isGranted)
  const run = yield* FiberSet.makeRuntime()
  const places = yield* Semaphore.make(contentTransfersMax)
  const liars = Liars.make()
  const unfinished = UnfinishedContents.make()
  const flights = new Map<ContentId, Flight>()
  yield* Effect.forkScoped(Effect.repeat(unfinished.expire, Schedule.spaced(contentUnfinishedMs)))

  const gone = (peer: PublicKey) => new SourceFailed({ peer, reason: "gone" })

  /** The channel of a peer, after dialling it where there is none. */
  const connect = Effect.fnUntraced(function* (peer: PublicKey) {
    const open = sources.get(peer)
    if (open !== undefined) return open
    yield* Effect.mapError(options.dial(peer), () => gone(peer))
    yield* Effect.timeoutOption(
      Signal.until(opened, () => sources.has(peer)),
      contentHaveTimeoutMs
    )
    return sources.get(peer) ?? (yield* gone(peer))
  })

  const candidates = Effect.fnUntraced(function* (hint: PublicKey | undefined) {
    const found: Array<Transfer.Candidate> = []
    for (const peer of new Set([...(hint === undefined ? [] : [hint]), ...sources.keys()])) {
      if (!(yield* liars.has(peer))) found.push({ peer, hinted: peer === hint, connect: connect(peer) })
    }
    return found
  })

  const onLiar = (peer: PublicKey, lie: ContentForged) =>
    Effect.andThen(
      Effect.logWarning("A peer sent false content and is not asked again for a while", { peer, lie: lie.message }),
      liars.add(peer)
    )

  /** Rounds, as long as each brings something, with a wait for a peer to come back between them. */
  const transfer = Effect.fnUntraced(function* (id: ContentId, hint: PublicKey | undefined) {
    const one = Transfer.make({ id, assembly: yield* unfinished.take(id), places, onLiar })
    const missing = () => one.assembly()?.missing() ?? Number.POSITIVE_INFINITY
    return yield* Effect.gen(function* () {
      for (;;) {
        const [before, seen] = [missing(), opened.version()]
        const peers = yield* candidates(hint)
        if (yield* one.round(peers)) return one.assembly()!.content()
        if (missing() === before) return yield* new ContentUnknown({ contentId: id, peers: peers.length })
        yield* Effect.timeoutOption(opened.changed(seen), contentReturnMs)
      }
    }).pipe(
      Effect.onExit(() => {
        const left = one.assembly()
        return left !== undefined && left.missing() > 0 ? unfinished.keep(left) : Effect.void
      })
    )
  })

  const bring = Effect.fnUntraced(function* (id: ContentId, hint: PublicKey | undefined) {
    const stored = yield* Effect.flatMap(transfer(id, hint), store.put)
    if (stored !== id) yield* Effect.die(new Error(`What verified as ${id} was stored as ${stored}`))
  })

  /** Joins the transfer of this id, or starts it; the last who leaves ends it. */
  const share = (id: ContentId, hint: PublicKey | undefined) =>
    Effect.acquireUseRelease(
      Effect.sync(() => {
        const flight = flights.get(id) ?? { fiber: run(bring(id, hint)), waiting: 0 }
        flights.set(id, flight)
        flight.waiting++
        return flight
      }),
      ({ fiber }) => Fiber.join(fiber),
      (flight) => {
        if (--flight.waiting > 0) return Effect.void
        flights.delete(id)
        return Fiber.interrupt(flight.fiber)
      }
    )

  return {
    protocol,
    routing: {
      fetch: Effect.fn("ContentRoutingMesh.fetch")(function* (id, { hint } = {}) {
        if (yield* store.has(id)) return { fetched: false }
        yield* share(id, hint)
        return { fetched: true }
      }),
      providers: Effect.fn("ContentRoutingMesh.providers")(function* (id) {
        const found: Array<PublicKey> = []
        yield* Effect.forEach(
          sources.values(),
          (source) =>
            source.have(id).pipe(
              Effect.andThen(Effect.sync(() => void found.push(source.peer))),
              Effect.timeoutOption(contentHaveTimeoutMs),
              Effect.catchTag("SourceFailed", () => Effect.void)
            ),
          { concurrency: "unbounded", discard: true }
        )
        return found
      })
    }
  }
})
