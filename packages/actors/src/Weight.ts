/**
 * What a priority is worth: the share of the thread of an actor that is always busy, and the longest wait of any that is ready.
 */
import * as Limits from "./Limits.ts"

/**
 * The most work, in messages, that is done while an actor waits for its turn, when the others that are ready meanwhile have these
 * priorities. Each of them gets at most a turn, and its share of the time of two turns of the actor: the one that it waits for,
 * and the one before, which a better actor may have ended early. Holds for turns of at most `Limits.turnMessages`.
 */
export const waitBound = (priority: number, others: ReadonlyArray<number>): number => {
  const weight = weightOf(priority)
  return others.reduce((sum, other) => sum + Limits.turnMessages * (1 + (2 * weightOf(other)) / weight), 0)
}

/** The part of the thread of an actor that is always busy, relative to one of priority 128: doubled every 32 above it. */
export const weightOf = (priority: number): number => 2 ** ((priority - 128) / 32)
