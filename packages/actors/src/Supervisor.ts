/**
 * The supervisor's memory of one actor, and its decision after each end: restart and when, or stop and why.
 *
 * Pure: the caller gives time and chance, so that a test or a simulation can replay every decision. What the end of one actor
 * means for others is in `Relations`.
 */
import { Duration } from "effect"
import * as Limits from "./Limits.ts"
import type { Failure } from "./rpc.ts"
import * as SupervisionStrategy from "./SupervisionStrategy.ts"

/** What is known of the ends of one actor. Created at its first failure; an actor that never failed has none. */
export interface History {
  /** All restarts since the process began, those by hand included. */
  restarts: number
  /** The last failures, newest first, at most `failuresKept`. */
  readonly failures: Array<Failure>
  /** Times in milliseconds of the restarts within the period, oldest first. */
  recent: Array<number>
}

export const makeHistory = (): History => ({ restarts: 0, failures: [], recent: [] })

/** How an actor or a service ended. */
export interface End {
  readonly timeMs: number
  /** The message that was being handled; `start` for activation, `run` for the effect of a service. */
  readonly messageName: string
  /** Absent for a normal end. */
  readonly cause?: string
}

export type Decision =
  | { readonly _tag: "Restart"; readonly delayMs: number }
  /** `tooOften`: there were more restarts than the strategy allows. */
  | { readonly _tag: "Stop"; readonly reason: string; readonly tooOften: boolean }

/** Why an actor is gone that wanted to. */
export const endedNormally = "it ended normally"

/**
 * Notes the end and decides. The backoff counts restarts within the period, so an actor that behaved for a whole
 * period begins again at the shortest wait. `chance` is in [0, 1).
 */
export const ended = (
  strategy: SupervisionStrategy.SupervisionStrategy,
  history: History,
  end: End,
  chance: number
): Decision => {
  noteFailure(history, end)
  if (strategy.restart === "temporary")
    return { _tag: "Stop", reason: reasonOf(end, "temporary actors are not restarted"), tooOften: false }
  if (strategy.restart === "transient" && end.cause === undefined)
    return { _tag: "Stop", reason: endedNormally, tooOften: false }
  const periodMs = Duration.toMillis(strategy.period)
  history.recent = history.recent.filter((timeMs) => end.timeMs - timeMs < periodMs)
  const earlier = history.recent.length
  if (earlier >= strategy.intensity) {
    const limit = `more than ${strategy.intensity} restarts in ${Duration.format(strategy.period)}`
    return { _tag: "Stop", reason: reasonOf(end, limit), tooOften: true }
  }
  history.restarts++
  history.recent.push(end.timeMs)
  if (strategy.intensity === Number.POSITIVE_INFINITY && history.recent.length > backoffCountMax) history.recent.shift()
  return { _tag: "Restart", delayMs: SupervisionStrategy.backoffMs(strategy, earlier, chance) }
}

/** Keeps the failure, if it was one, without deciding anything. */
export const noteFailure = (history: History, end: End): void => {
  if (end.cause === undefined) return
  history.failures.unshift({
    time: new Date(end.timeMs).toISOString(),
    messageName: end.messageName,
    cause: end.cause.slice(0, Limits.causeCharactersMax)
  })
  history.failures.length = Math.min(history.failures.length, Limits.failuresKept)
}

/** Notes a restart by hand: it counts, and the period and its backoff begin anew. */
export const restartedByHand = (history: History): void => {
  history.restarts++
  history.recent = []
}

// With an infinite intensity the times would grow without end; no backoff still grows after 64 doublings.
const backoffCountMax = 64

const reasonOf = (end: End, why: string): string =>
  end.cause === undefined ? why : `${why}; last failure in "${end.messageName}": ${firstLine(end.cause)}`

const firstLine = (text: string): string => text.split("\n", 1)[0]!
