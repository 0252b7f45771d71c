/**
 * What was meant by a name that does not exist: the nearest names that do.
 *
 * Distance: optimal string alignment (R. A. Wagner and M. J. Fischer 1974, with neighbours swapped after F. J. Damerau
 * 1964), because swapped letters are the commonest slip of the fingers.
 */
import { nearestMax } from "./Limits.ts"

/** The candidates that begin with the text, or are at most a third of it away, or it in other case; nearest first, at most `nearestMax`. */
export const of = (text: string, candidates: Iterable<string>): Array<string> => {
  // Chosen, not measured: below this length two slips still leave a likely word.
  const farthest = Math.max(2, Math.floor(text.length / 3))
  const near: Array<{ readonly candidate: string; readonly distance: number }> = []
  for (const candidate of candidates) {
    // Only the shift key was wrong.
    if (candidate.toLowerCase() === text.toLowerCase()) {
      near.push({ candidate, distance: 0 })
      continue
    }
    const begins = text.length > 1 && candidate.startsWith(text)
    if (!begins && Math.abs(candidate.length - text.length) > farthest) continue
    const distance = begins ? 1 : distanceOf(text, candidate)
    if (distance <= farthest) near.push({ candidate, distance })
  }
  // The order of the candidates decides between equals.
  near.sort((a, b) => a.distance - b.distance)
  return near.slice(0, nearestMax).map(({ candidate }) => candidate)
}

/** Insertions, deletions, replacements and swaps of neighbours that turn one text into the other. O(a * b). */
export const distanceOf = (a: string, b: string): number => {
  let before: ReadonlyArray<number> = []
  let previous: ReadonlyArray<number> = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      const edited = Math.min(replaced, previous[j]! + 1, row[j - 1]! + 1)
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row.push(isSwap ? Math.min(edited, before[j - 2]! + 1) : edited)
    }
    before = previous
    previous = row
  }
  return previous[b.length]!
}
