/**
 * From the words of a question to what a search looks for: each word as it stands, mended where it is a slip of the
 * fingers, and with the words that the pages may have for it.
 *
 * A word that no page has is taken for the nearest one that some page has, at most one slip away, two in a long word
 * (F. J. Damerau found in 1964 that four of five slips are a single letter or a swap of neighbours).
 */
import * as Nearest from "@continuum/core/Nearest"
import * as Thesaurus from "./Thesaurus.ts"

/** One word of the question: what may stand for it in a passage, and how much of it that is, 0 to 1. */
export type Wanted = ReadonlyArray<{ readonly term: string; readonly weight: number }>

/** Tuned on test/retrieval/Newcomers.ts, `seen`. */
const mendedWeight = 0.6
const synonymWeight = 0.9
/** Letters of a word that is mended, and of one that may have two slips. Shorter ones have too many neighbours. Chosen, not measured. */
const mendedLengthMin = 4
const twoSlipsLengthMin = 8

/** `known`: the words that the pages have. In the order of the question. */
export const of = (
  terms: ReadonlyArray<string>,
  known: Iterable<string> & { has(term: string): boolean }
): ReadonlyArray<Wanted> =>
  terms.map((term) => {
    if (known.has(term) || Thesaurus.of(term).size > 0) return [{ term, weight: 1 }, ...synonyms(term, 1)]
    const meant = mended(term, known)
    return meant === undefined
      ? [{ term, weight: 1 }]
      : [{ term: meant, weight: mendedWeight }, ...synonyms(meant, mendedWeight)]
  })

const synonyms = (term: string, weight: number): Wanted =>
  Array.from(Thesaurus.of(term), (other) => ({ term: other, weight: weight * synonymWeight }))

const mended = (term: string, known: Iterable<string>): string | undefined => {
  if (term.length < mendedLengthMin || /\d/.test(term)) return undefined
  const slipsMax = term.length >= twoSlipsLengthMin ? 2 : 1
  let best: { readonly term: string; readonly slips: number } | undefined
  for (const words of [known, Thesaurus.terms]) {
    for (const other of words) {
      if (Math.abs(other.length - term.length) > slipsMax || other.length < mendedLengthMin) continue
      const slips = Nearest.distanceOf(term, other)
      if (slips <= slipsMax && slips < (best?.slips ?? Infinity)) best = { term: other, slips }
    }
  }
  return best?.term
}
