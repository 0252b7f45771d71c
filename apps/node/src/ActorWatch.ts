/** The life of one actor, of this node or another: how it is when the watch begins, and what happens to it from then on. */
import type { ActorSummary, WatchedEvent } from "@continuum/actors/rpc"
import { Effect, Stream } from "effect"
import type * as EventWatch from "./EventWatch.ts"

/**
 * `events`: those of all actors of its node, `Subscribed` first. `address`: the actor there. Never ends; fails when `events` does, or
 * when there is no such actor.
 */
export const watch = <E, F>(
  events: Stream.Stream<EventWatch.WatchedEvent, E>,
  address: string,
  inspect: Effect.Effect<Pick<ActorSummary, "state" | "restarts">, F>
): Stream.Stream<WatchedEvent, E | F> => {
  const now = Effect.map(inspect, ({ restarts, state }): WatchedEvent => ({ _tag: "Now", state, restarts }))
  return Stream.flatMap(events, (event): Stream.Stream<WatchedEvent, F> => {
    switch (event._tag) {
      case "Subscribed":
        return Stream.fromEffect(now)
      case "Missed":
        return Stream.succeed({ _tag: "Missed", count: event.count })
      case "Interrupted":
        return Stream.succeed({ _tag: "Interrupted", reason: event.reason })
      case "Event":
        return event.topic === "actors" && event.event.address === address
          ? Stream.succeed({ _tag: "Happened", time: new Date(event.timeMs).toISOString(), event: event.event })
          : Stream.empty
    }
  })
}
