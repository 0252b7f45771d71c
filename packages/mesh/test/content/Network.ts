/**
 * Nodes that move content over channels in memory, with latency, bandwidth and faults, in the time of Effect's clock.
 */
import * as ContentId from "@continuum/core/ContentId"
import { ContentStore, layerMemory } from "@continuum/core/ContentStore"
import * as Identity from "@continuum/core/Identity"
import { PeerUnreachable } from "@continuum/core/Transport"
import { Context, Effect, Fiber, Layer, Queue, type Scope } from "effect"
import { TestClock } from "effect/testing"
import type { Channel, ChannelListener } from "../../src/Channel.ts"
import type { ContentMessage } from "../../src/content/ContentMessage.ts"
import { decodeUnsafe, encode } from "../../src/content/ContentMessage.ts"
import * as ContentRoutingMesh from "../../src/content/ContentRoutingMesh.ts"

export interface Node {
  readonly key: Identity.PublicKey
  readonly store: ContentStore["Service"]
  readonly mesh: ContentRoutingMesh.ContentRoutingMesh
  /** Peers that may not read here. */
  readonly strangers: Set<Identity.PublicKey>
  /** What happens when this node dials a peer; by default it is unreachable. */
  readonly dials: Map<Identity.PublicKey, Effect.Effect<void>>
}

/** A node with a store of its own. Its key comes from the number. */
export const makeNode = Effect.fnUntraced(function* (number: number): Effect.fn.Return<Node, never, Scope.Scope> {
  const { publicKey: key } = Identity.keyPairFromSeed(new Uint8Array(32).fill(number))
  const store = Context.get(yield* Layer.build(Layer.fresh(layerMemory)), ContentStore)
  const strangers = new Set<Identity.PublicKey>()
  const dials: Node["dials"] = new Map()
  const mesh = yield* ContentRoutingMesh.make({
    isGranted: (peer) => !strangers.has(peer),
    dial: (peer) => dials.get(peer) ?? Effect.fail(new PeerUnreachable({ peer, reason: "it is not on this network" }))
  }).pipe(Effect.provideService(ContentStore, store))
  return { key, store, mesh, strangers, dials }
})

/** What happens to what one side sends. */
export interface Way {
  readonly latencyMs?: number
  readonly bytesPerMs?: number
  /** Changes a message, or loses it. */
  readonly tamper?: (message: ContentMessage) => ContentMessage | undefined
  /** Called before each message leaves. */
  readonly onMessage?: (message: ContentMessage) => void
  /** Nothing is read at the other end. */
  readonly unread?: boolean
}

export interface Link {
  /** Breaks the connection for both sides. */
  readonly cut: () => void
  readonly isOpen: () => boolean
  /** Why a side ended the connection. */
  readonly endedBecause: () => string | undefined
}

/** Connects two nodes. `from.a` is what happens to what `a` sends. */
export const connect = Effect.fnUntraced(function* (
  a: Pick<Node, "key" | "mesh">,
  b: Pick<Node, "key" | "mesh">,
  from: { readonly a?: Way; readonly b?: Way } = {}
): Effect.fn.Return<Link, never, Scope.Scope> {
  let reason: string | undefined
  let open = true
  const ends: Array<ChannelListener> = []
  const cut = (why?: string) => {
    if (!open) return
    open = false
    reason = why
    queueMicrotask(() => {
      for (const end of ends) end.closed()
    })
  }
  const lines = [yield* makeLine(), yield* makeLine()]
  const channel = (peer: Identity.PublicKey, line: Line, way: Way): Channel => ({
    peer,
    send: (bytes) => {
      if (!open) return false
      way.onMessage?.(decodeUnsafe(bytes))
      return line.send(bytes.slice())
    },
    close: cut
  })
  ends.push(a.mesh.protocol.open(channel(b.key, lines[0]!, from.a ?? {})))
  ends.push(b.mesh.protocol.open(channel(a.key, lines[1]!, from.b ?? {})))
  for (const [index, way] of [from.a ?? {}, from.b ?? {}].entries()) {
    const deliver = (bytes: Uint8Array) => {
      if (!open) return
      const changed = way.tamper === undefined ? bytes : tampered(bytes, way.tamper)
      if (changed === undefined) return
      try {
        ends[1 - index]!.message(changed)
      } catch (error) {
        cut((error as Error).message)
      }
    }
    yield* Effect.forkScoped(lines[index]!.run(way, deliver, () => ends[index]!.drain()))
  }
  return { cut: () => cut(), isOpen: () => open, endedBecause: () => reason }
})

const tampered = (bytes: Uint8Array, tamper: NonNullable<Way["tamper"]>): Uint8Array | undefined => {
  const changed = tamper(decodeUnsafe(bytes))
  return changed === undefined ? undefined : encode(changed)
}

interface Line {
  readonly send: (bytes: Uint8Array) => boolean
  readonly run: (way: Way, deliver: (bytes: Uint8Array) => void, drain: () => void) => Effect.Effect<void>
}

const creditBytes = 128 * 1024

/** One direction: messages in order, each as late as its length and the latency say. */
const makeLine = Effect.fnUntraced(function* (): Effect.fn.Return<Line> {
  const queue = yield* Queue.unbounded<Uint8Array>()
  let bytesOnTheWay = 0
  let full = false
  return {
    send: (bytes) => {
      Queue.offerUnsafe(queue, bytes)
      bytesOnTheWay += bytes.length
      full ||= bytesOnTheWay > creditBytes
      return !full
    },
    run: (way, deliver, drain) =>
      Effect.gen(function* () {
        if (way.unread === true) return
        for (;;) {
          const bytes = yield* Queue.take(queue)
          const ms = (way.latencyMs ?? 0) + (way.bytesPerMs === undefined ? 0 : bytes.length / way.bytesPerMs)
          if (ms > 0) yield* Effect.sleep(ms)
          deliver(bytes)
          bytesOnTheWay -= bytes.length
          if (full && bytesOnTheWay <= creditBytes / 2) {
            full = false
            drain()
          }
        }
      })
  }
})

/** Content of this length from a seed (xorshift32). */
export const contentOf = (seed: number, length: number): Uint8Array => {
  const words = new Uint32Array(Math.ceil(length / 4))
  let x = (seed * 2_654_435_761 + 1) >>> 0 || 1
  for (let i = 0; i < words.length; i++) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    words[i] = x
  }
  return new Uint8Array(words.buffer, 0, length)
}

export const put = (node: Node, content: Uint8Array): Effect.Effect<ContentId.ContentId> =>
  Effect.orDie(node.store.put(content))

/** Changes one byte of every group's first part. */
export const lyingGroups = (message: ContentMessage): ContentMessage =>
  message._tag === "Part" && message.bytes.length > 0
    ? { ...message, bytes: message.bytes.with(0, message.bytes[0]! ^ 1) }
    : message

/** Lets the test clock run until the effect has ended, and how long that took in its time. Dies after `msMax`. */
export const elapse = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>, msMax = 600_000) {
  const fiber = yield* Effect.forkChild(effect, { startImmediately: true })
  let ms = 0
  while (fiber.pollUnsafe() === undefined) {
    if (ms > msMax) return yield* Effect.die(new Error(`It has not ended after ${msMax} ms`))
    yield* TestClock.adjust(stepMs)
    ms += stepMs
  }
  return { result: yield* Fiber.join(fiber), ms }
})
const stepMs = 20
