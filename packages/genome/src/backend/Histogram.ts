/**
 * How often a number was how large: counts below fixed bounds, as Prometheus has them
 * (https://prometheus.io/docs/concepts/metric_types/#histogram). Adding is O(bounds) and keeps nothing of the number.
 */

export interface ReadonlyHistogram {
  /** For each bound, ascending: how many numbers were at most as large. */
  readonly buckets: () => ReadonlyArray<readonly [bound: number, count: number]>
  /** Of all numbers. */
  readonly count: () => number
  readonly sum: () => number
}

export interface Histogram extends ReadonlyHistogram {
  readonly add: (value: number) => void
}

/** `bounds`: ascending. */
export const make = (bounds: ReadonlyArray<number>): Histogram => {
  const counts = bounds.map(() => 0)
  let count = 0
  let sum = 0
  return {
    buckets: () => bounds.map((bound, i) => [bound, counts[i]!] as const),
    count: () => count,
    sum: () => sum,
    add: (value) => {
      count++
      sum += value
      for (const [i, bound] of bounds.entries()) if (value <= bound) counts[i]!++
    }
  }
}
