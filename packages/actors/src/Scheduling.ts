/**
 * The run queue of a system for whoever looks: who waits for a turn, how long that may take at most, and a recording of turns. It costs
 * nothing while nobody asks.
 */
import { Duration, Effect } from "effect"
import { ActorCell } from "./ActorCell.ts"
import type { Kernel } from "./Kernel.ts"
import * as Limits from "./Limits.ts"
import type { Runnable } from "./RunQueue.ts"
import { RunTrace, type RunTurn } from "./RunTrace.ts"
import { waitBound } from "./Weight.ts"

/** An actor that waits for a turn. */
export interface ReadyActor {
  readonly address: string
  readonly priority: number
  /** The most work, in messages, that is done before its turn, if those that are ready now stay so. */
  readonly waitBound: number
}

export interface RunQueueState {
  /** Those of the highest priority first, at most `Limits.readyActorsShown`. */
  readonly ready: ReadonlyArray<ReadyActor>
  readonly readyCount: number
  /** Turns since the system began, and those that a better actor ended. */
  readonly turns: number
  readonly preemptions: number
}

export interface Recording {
  /** Oldest first. */
  readonly turns: ReadonlyArray<RunTurn>
  /** Turns of the recording that made room for later ones. */
  readonly forgotten: number
}

export interface Scheduling {
  readonly queue: () => RunQueueState
  /** The turns from now on, for so long; at most `Limits.recordMsMax`. Several may record at a time. */
  readonly record: (duration: Duration.Input) => Effect.Effect<Recording>
}

export const make = (kernel: Kernel): Scheduling => {
  const { runQueue } = kernel
  let recorders = 0

  const startTrace = () => {
    const { clock } = kernel
    // The clock of the decisions, in finer steps.
    const offsetMs = clock.currentTimeMillisUnsafe() - Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    const nowMs = () => offsetMs + Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    return new RunTrace(nowMs, addressOf)
  }

  return {
    queue: () => {
      const ready = runQueue.waiting()
      const priorities = ready.map(({ priority }) => priority)
      const shown = [...ready].sort((a, b) => b.priority - a.priority).slice(0, Limits.readyActorsShown)
      return {
        ready: shown.map((runnable) => ({
          address: addressOf(runnable.owner ?? runnable),
          priority: runnable.priority,
          waitBound: boundOf(runnable.priority, priorities)
        })),
        readyCount: ready.length,
        turns: runQueue.turns,
        preemptions: runQueue.preemptions
      }
    },
    record: (duration) =>
      Effect.acquireUseRelease(
        Effect.sync(() => {
          recorders++
          return (runQueue.trace ??= startTrace())
        }),
        (trace) => {
          const before = trace.forgotten
          const sinceMs = kernel.nowMs()
          return Effect.map(
            Effect.sleep(Duration.min(Duration.fromInputUnsafe(duration), Duration.millis(Limits.recordMsMax))),
            () => ({
              turns: trace.turns.filter(({ toMs }) => toMs >= sinceMs),
              forgotten: trace.forgotten - before
            })
          )
        },
        () =>
          Effect.sync(() => {
            if (--recorders === 0) runQueue.trace = undefined
          })
      )
  }
}

/** An actor that nobody knows by a name does not get one by being looked at. */
const addressOf = (runnable: Runnable): string => {
  if (!(runnable instanceof ActorCell)) return "a part of the system"
  return runnable.isUnnamed ? `${runnable.type.definition.kind} without a name` : runnable.address
}

/** Of one of several; itself is not among those that it waits for. */
const boundOf = (priority: number, all: ReadonlyArray<number>): number =>
  Math.ceil(waitBound(priority, all) - waitBound(priority, [priority]))
