/**
 * From the words of a question to what a search looks for: each word as it stands, mended where it is a slip of the
 * fingers, and with the words that the pages may have for it.
 *
 * A word that no page has is taken for the nearest one that some page has, at most one slip away, two in a long word
 * (F. J. Damerau found in 1964 that four of five slips are a single letter or a swap of neighbours).
 */
import * as Nearest from "@continuum/core/Nearest"
import { mendedTermsMax, queryTermsMax } from "../Limits.ts"
import * as Terms from "./Terms.ts"
import * as Thesaurus from "./Thesaurus.ts"

/** One word of the question: what may stand for it in a passage, and how much of it that is, 0 to 1. */
export type Wanted = ReadonlyArray<{ readonly term: string; readonly weight: number }>

/** Tuned on test/retrieval/Newcomers.ts. */
const mendedWeight = 0.6
const synonymWeight = 0.85
/** Letters of a word that is mended, and of one that may have two slips. Shorter ones have too many neighbours. Chosen, not measured. */
const mendedLengthMin = 4
const twoSlipsLengthMin = 8

/** `known`: the words that the pages have. In the order of the question, at most `queryTermsMax`. */
export const of = (
  terms: ReadonlyArray<string>,
  known: Iterable<string> & { has(term: string): boolean }
): ReadonlyArray<Wanted> => {
  let mends = 0
  return terms.slice(0, queryTermsMax).flatMap((term) => {
    const asItStands = [{ term, weight: 1 }, ...synonyms(term, 1)]
    if (known.has(term) || asItStands.length > 1) return [asItStands]
    if (Terms.isSwappedStopWord(term)) return []
    if (!isMendable(term) || mends === mendedTermsMax) return [asItStands]
    mends++
    const meant = nearest(term, known)
    return meant === undefined
      ? [asItStands]
      : [[{ term: meant, weight: mendedWeight }, ...synonyms(meant, mendedWeight)]]
  })
}

const synonyms = (term: string, weight: number): Wanted =>
  Array.from(Thesaurus.of(term), (other) => ({ term: other, weight: weight * synonymWeight }))

const isMendable = (term: string): boolean => term.length >= mendedLengthMin && !/\d/.test(term)

/** The nearest word of the pages, or else of newcomers, that begins or ends with the same letter. */
const nearest = (term: string, known: Iterable<string>): string | undefined => {
  const slipsMax = term.length >= twoSlipsLengthMin ? 2 : 1
  let best: { readonly term: string; readonly slips: number } | undefined
  for (const words of [known, Thesaurus.terms]) {
    for (const other of words) {
      if (Math.abs(other.length - term.length) > slipsMax || other.length < mendedLengthMin) continue
      if (other[0] !== term[0] && other.at(-1) !== term.at(-1)) continue
      const slips = Nearest.distanceOf(term, other)
      if (slips <= slipsMax && slips < (best?.slips ?? Infinity)) best = { term: other, slips }
    }
  }
  return best?.term
}
