/** `scheduler.*`: who waits for a turn, and who had one when. */
import { ActorSystem } from "@continuum/actors/ActorSystem"
import { SchedulerRpcs } from "@continuum/actors/rpc"
import * as RunTrace from "@continuum/actors/RunTrace"
import { ThoughtStream } from "@continuum/actors/thoughtstream/ThoughtStream"
import { Effect } from "effect"

export const layer = SchedulerRpcs.toLayer(
  Effect.gen(function* () {
    const { scheduler } = yield* ActorSystem
    const stream = yield* ThoughtStream
    return {
      "scheduler.queue": () =>
        Effect.map(stream.queue, (turns) => {
          const { preemptions, ready, readyCount, turns: actorTurns } = scheduler.queue()
          return { turns, slots: stream.slots, ready, readyCount, actorTurns, preemptions }
        }),
      "scheduler.trace": ({ recordMs }) =>
        Effect.gen(function* () {
          const recorded = recordMs === undefined ? undefined : yield* scheduler.record(recordMs)
          const { entries, forgotten } = stream.trace
          return {
            entries,
            actorTurns: recorded?.turns ?? [],
            forgotten: forgotten + (recorded?.forgotten ?? 0),
            svg: recorded === undefined ? stream.trace.svg() : RunTrace.svg(recorded.turns)
          }
        })
    }
  })
)
