/**
 * The events of any node that this one may watch, as its clients get them: each with the node where it happened.
 *
 * Those of another node come by a streamed ask. When that node goes, the watcher is told, and hears on once it is back; what happened
 * between is lost.
 */
import type { ActorError } from "@continuum/actors/ActorError"
import { ActorSystem } from "@continuum/actors/ActorSystem"
import type { RemoteError } from "@continuum/actors/RemoteError"
import * as Address from "@continuum/core/Address"
import { PeerDirectory } from "@continuum/core/PeerDirectory"
import { PeerUnreachable } from "@continuum/core/Transport"
import { Cause, Context, Effect, Exit, Layer, Queue, Stream } from "effect"
import * as NodeActor from "./NodeActor.ts"
import * as NodeEvents from "./NodeEvents.ts"
import { NodeInfo } from "./NodeInfo.ts"

export type WatchedEvent = (NodeEvents.LocalEvent | { readonly _tag: "Interrupted"; readonly reason: string }) & {
  readonly node: string
  readonly nodeKey: string
}

export type WatchError = ActorError | RemoteError

export class EventWatch extends Context.Service<
  EventWatch,
  {
    /**
     * `node` is a peer by name or key; `local` and undefined are this node. The first event is `Subscribed`, and comes again after an
     * `Interrupted`. Fails when the watch cannot begin, or is no longer granted; never ends.
     */
    readonly watch: (
      node: string | undefined,
      topics: ReadonlyArray<NodeEvents.TopicName>
    ) => Stream.Stream<WatchedEvent, WatchError>
  }
>()("@continuum/node/EventWatch") {}

/** Between two tries to reach a node that went away. Chosen, not measured. */
const retryEvery = "1 second"

export const layer = Layer.effect(
  EventWatch,
  Effect.gen(function* () {
    const system = yield* ActorSystem
    const directory = yield* PeerDirectory
    const info = yield* NodeInfo

    const here = (topics: ReadonlyArray<NodeEvents.TopicName>): Stream.Stream<WatchedEvent> =>
      Stream.map(NodeEvents.watch(system, topics), (event) => ({
        ...event,
        node: info.name,
        nodeKey: info.publicKey
      }))

    const there = (name: string, topics: ReadonlyArray<NodeEvents.TopicName>) =>
      Stream.unwrap(
        Effect.gen(function* () {
          const { name: node, publicKey: nodeKey, realm } = yield* directory.find(name)
          if (realm === undefined) return yield* new PeerUnreachable({ peer: name, reason: "it was never connected" })
          const address = Address.format(Address.make(NodeActor.kind, NodeActor.name, realm))
          const ref = system.at(NodeActor.NodeActor, address, { timeout: "Infinity" })
          const watched = Stream.map(ref.events({ topics }), (event): WatchedEvent => ({ ...event, node, nodeKey }))
          const interrupted = (reason: string): WatchedEvent => ({ _tag: "Interrupted", reason, node, nodeKey })
          return Stream.callback<WatchedEvent, WatchError>((queue) => resumed(queue, watched, interrupted), {
            bufferSize: 1
          })
        })
      )

    return {
      watch: (name, topics) =>
        name === undefined || name === "local" || name === info.name || name === info.publicKey
          ? here(topics)
          : there(name, topics)
    }
  })
)

/** Reads on, again and again, as long as what fails is the way to the other node. */
const resumed = (
  queue: Queue.Queue<WatchedEvent, WatchError | Cause.Done>,
  watched: Stream.Stream<WatchedEvent, WatchError>,
  interrupted: (reason: string) => WatchedEvent
) =>
  Effect.gen(function* () {
    let begun = false
    for (;;) {
      let alive = false
      const exit = yield* Effect.exit(
        Stream.runForEach(watched, (event) => {
          begun = true
          alive = true
          return Queue.offer(queue, event)
        })
      )
      const error = Exit.isSuccess(exit) ? undefined : Cause.findErrorOption(exit.cause)
      if (error === undefined || error._tag === "None") {
        return yield* Exit.isSuccess(exit) ? Queue.end(queue) : Queue.failCause(queue, exit.cause as Cause.Cause<never>)
      }
      if (!begun || !isPassing(error.value)) return yield* Queue.fail(queue, error.value)
      if (alive) yield* Queue.offer(queue, interrupted(error.value.message))
      yield* Effect.sleep(retryEvery)
    }
  })

/** It is over when the other node, or its actor, is back; one that just starts does not know its actors yet. */
const isPassing = ({ _tag }: WatchError): boolean => !lasting.has(_tag)
const lasting: ReadonlySet<WatchError["_tag"]> = new Set([
  "NotGranted",
  "NotExposed",
  "MessageUnknown",
  "PayloadMalformed"
])
