/**
 * What happens on a node, as events by topic: of its actors, of its peers, of its JIT. For whoever watches at `/events`, here or, through
 * the actor of the node, on another one.
 *
 * Nobody waits for a watcher: a slow one loses its oldest events and is told how many.
 */
import * as ActorEvents from "@continuum/actors/ActorEvents"
import type { ActorSystem } from "@continuum/actors/ActorSystem"
import type { FeedItem } from "@continuum/actors/TopicFeed"
import * as Topic from "@continuum/actors/Topic"
import { PublicKey } from "@continuum/core/Identity"
import * as JitEvents from "@continuum/runtime-wasm/JitEvents"
import { Schema, Stream } from "effect"

const peer = { publicKey: PublicKey, name: Schema.String, address: Schema.String }

/** Peers as they come and go, strangers included. */
export const PeerEvent = Schema.Union([Schema.TaggedStruct("Connected", peer), Schema.TaggedStruct("Lost", peer)])
export const peers = Topic.make<typeof PeerEvent.Type>("peers")

export const TopicName = Schema.Literals(["actors", "peers", "jit"])
export type TopicName = typeof TopicName.Type

const topics = { actors: ActorEvents.topic, peers, jit: JitEvents.topic } as const satisfies Record<
  TopicName,
  Topic.Topic<any>
>

const happened = <Name extends TopicName, Event extends Schema.Top>(topic: Name, event: Event) =>
  Schema.TaggedStruct("Event", {
    topic: Schema.Literal(topic),
    /** By the clock of the node where it happened, in milliseconds since 1970. */
    timeMs: Schema.Number,
    event
  })

/** What a node tells of itself. */
export const LocalEvent = Schema.Union([
  /** From now on. */
  Schema.TaggedStruct("Subscribed", { topics: Schema.Array(TopicName) }),
  happened("actors", ActorEvents.ActorEvent),
  happened("peers", PeerEvent),
  happened("jit", JitEvents.JitEvent),
  /** So many events came too fast for whoever watches, and are lost. */
  Schema.TaggedStruct("Missed", { count: Schema.Int })
])
export type LocalEvent = typeof LocalEvent.Type

/** The events of this node from now on; never ends. */
export const watch = (system: ActorSystem["Service"], names: ReadonlyArray<TopicName>): Stream.Stream<LocalEvent> =>
  Stream.concat(
    Stream.succeed<LocalEvent>({ _tag: "Subscribed", topics: names }),
    system.feed(names.map((name) => topics[name])) as Stream.Stream<FeedItem & LocalEvent>
  )
