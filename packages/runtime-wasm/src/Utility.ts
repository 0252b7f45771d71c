/**
 * How useful a module is to this node: `base * usefulness / (1 + hoursSincePreviousUse / 24)`, the formula of the
 * project's first papers. What is useless is purged first; see docs/ARCHITECTURE.md.
 */

/** What a node remembers of the use of a module. Counters only grow, so that those of several nodes can be added. */
export interface Usage {
  /** All runs, failed ones included. */
  readonly uses: number
  readonly failures: number
  /** Milliseconds since the epoch: of the last use, or of the module's arrival. */
  readonly lastUsedMs: number
}

/** Utility of a module that never fails, right after a use, is `base * 100` at most. */
export const base = 1

/** A module below this is dying: an unused one after 19 days, a proven one (100 uses) after 95. Chosen, not measured. */
export const dyingBelow = 1

/**
 * 0 to 100: the share of good runs, as if five runs had been seen before the first, one of them good. So a new module
 * begins at 20 and has to earn the rest.
 */
export const usefulness = ({ failures, uses }: Usage): number => (100 * (uses - failures + 1)) / (uses + 5)

/** The utility at a time, in milliseconds since the epoch. Halves within a day without use, then decays ever slower. */
export const utility = (usage: Usage, nowMs: number): number => {
  const hours = Math.max(0, nowMs - usage.lastUsedMs) / 3_600_000
  return (base * usefulness(usage)) / (1 + hours / 24)
}

/** What a listing says of a module. */
export const state = (utility: number): "seeded" | "dying" => (utility < dyingBelow ? "dying" : "seeded")
