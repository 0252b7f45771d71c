/**
 * Finds passages by the words they share with a question: BM25 (S. Robertson and H. Zaragoza, The Probabilistic Relevance
 * Framework: BM25 and Beyond, 2009), with weighted fields as in BM25F (Robertson, Zaragoza and Taylor, 2004): a word in
 * a heading counts as several in the text.
 *
 * Deterministic, needs no model, and says how much of the question it found. Building is linear in the text; a search in
 * the passages that share a word with the question.
 */
import { queryTermsMax } from "../Limits.ts"
import type { Passage } from "./Page.ts"
import type { Wanted } from "./Query.ts"
import * as Terms from "./Terms.ts"

/** How soon more of the same word stops counting. 1.2 to 2 in the paper. */
export const k1 = 1.2
/** How much a long passage is held against it: 0 not at all, 1 fully. 0.75 in the paper. */
export const b = 0.75
/** A word in the nearest heading counts as this many in the text, one in the headings above it as less. Tuned on test/retrieval/Questions.ts. */
const headingWeight = 5
const pathWeight = 1
/** Words of the head of a row that it is about. Chosen, not measured. */
const rowHeadTermsMax = 4
/** A heading whose words were all asked for makes its passage this much better, one of which a part was, by that part. Tuned likewise. */
const wholeHeadingFactor = 2

export interface Found {
  readonly passage: Passage
  /** BM25, 0 and up; comparable within one search only. */
  readonly score: number
  /** How much of the question the passage has, each word weighted by how rare it is and how surely it is meant: 0 to 1. */
  readonly coverage: number
  /** How many words of the question it has. */
  readonly words: number
  /** Whether one of them stands in its heading, or at the head of its row: then it is about it, and does not only mention it. */
  readonly isHeaded: boolean
}

export interface Index {
  /** Words that some passage has, as `Terms` writes them. */
  readonly terms: Iterable<string> & { has(term: string): boolean }
  /** The best passages first, at most `count`; none when no word is known. `weight` multiplies the scores of a source, 1 is neutral. */
  readonly search: (
    wanted: ReadonlyArray<Wanted>,
    count: number,
    weight?: (source: string) => number
  ) => ReadonlyArray<Found>
}

interface Posting {
  readonly passage: number
  /** Weighted by field. */
  readonly frequency: number
}

/** An index that is made passage by passage: a page's worth of work at a time. */
export interface Builder {
  readonly add: (passage: Passage) => void
  /** The index over all that were added; it is not added to afterwards. */
  readonly build: () => Index
}

/** An index over passages. */
export const make = (passages: Iterable<Passage>): Index => {
  const builder = makeBuilder()
  for (const passage of passages) builder.add(passage)
  return builder.build()
}

export const makeBuilder = (): Builder => {
  const passages: Array<Passage> = []
  const postings = new Map<string, Array<Posting>>()
  const lengths: Array<number> = []
  const headings: Array<ReadonlySet<string>> = []
  const heads: Array<ReadonlySet<string>> = []
  const addPassage = (passage: Passage) => {
    const index = passages.push(passage) - 1
    const frequencies = new Map<string, number>()
    const add = (text: string, weight: number) => {
      for (const term of Terms.of(text)) frequencies.set(term, (frequencies.get(term) ?? 0) + weight)
    }
    const heading = Terms.of(passage.heading)
    headings.push(new Set(heading))
    const head = passage.kind === "row" ? Terms.of(passage.text.split(":", 1)[0]!) : []
    // A row that begins with a list is about none of it alone.
    heads.push(new Set([...heading, ...(head.length <= rowHeadTermsMax ? head : [])]))
    add(passage.text, 1)
    add(passage.heading, headingWeight)
    for (const above of passage.path.slice(0, -1)) add(above, pathWeight)
    let length = 0
    for (const [term, frequency] of frequencies) {
      length += frequency
      const known = postings.get(term)
      if (known === undefined) postings.set(term, [{ passage: index, frequency }])
      else known.push({ passage: index, frequency })
    }
    lengths.push(length)
  }
  return { add: addPassage, build: () => indexOf({ passages, postings, lengths, headings, heads }) }
}

interface Parts {
  readonly passages: ReadonlyArray<Passage>
  /** By term. */
  readonly postings: ReadonlyMap<string, ReadonlyArray<Posting>>
  /** Of each passage, weighted by field. */
  readonly lengths: ReadonlyArray<number>
  /** Terms of the nearest heading of each passage. */
  readonly headings: ReadonlyArray<ReadonlySet<string>>
  /** The same, with those at the head of a row. */
  readonly heads: ReadonlyArray<ReadonlySet<string>>
}

const indexOf = ({ heads, headings, lengths, passages, postings }: Parts): Index => {
  const lengthMean = lengths.reduce((sum, length) => sum + length, 0) / Math.max(1, passages.length)
  // Never below 0, also for a word that most passages have.
  const idf = (count: number) => Math.log(1 + (passages.length - count + 0.5) / (count + 0.5))

  /** The passages that have a word or what may stand for it: of several that it has, the best counts. */
  const matches = (wanted: Wanted) => {
    const passages = new Map<number, { readonly score: number; readonly mass: number }>()
    const lists = wanted.map(({ term, weight }) => ({ weight, list: postings.get(term) ?? [] }))
    const count = Math.max(...lists.map(({ list }) => list.length))
    // What may stand for a word makes it as common as the commonest of them.
    const mass = idf(count)
    for (const { list, weight } of lists) {
      for (const { passage, frequency } of list) {
        const norm = k1 * (1 - b + (b * lengths[passage]!) / lengthMean)
        const score = (weight * idf(list.length) * frequency * (k1 + 1)) / (frequency + norm)
        if (score > (passages.get(passage)?.score ?? 0)) passages.set(passage, { score, mass: weight * mass })
      }
    }
    return { passages, mass }
  }

  return {
    terms: { has: (term) => postings.has(term), [Symbol.iterator]: () => postings.keys() },
    search: (question, count, weight = () => 1) => {
      const words = new Map(question.slice(0, queryTermsMax).map((wanted) => [wanted[0]!.term, wanted]))
      const asked = weightsOf([...words.values()])
      const found = new Map<number, { score: number; mass: number; words: number }>()
      let massTotal = 0
      for (const wanted of words.values()) {
        const { mass, passages } = matches(wanted)
        massTotal += mass
        for (const [passage, match] of passages) {
          const entry = found.get(passage) ?? { score: 0, mass: 0, words: 0 }
          entry.words++
          entry.score += match.score
          entry.mass += match.mass
          found.set(passage, entry)
        }
      }
      return (
        [...found]
          .map(([index, { mass, score, words }]) => {
            const passage = passages[index]!
            return {
              passage,
              score: score * weight(passage.source) * (1 + (wholeHeadingFactor - 1) * shareOf(headings[index]!, asked)),
              coverage: mass / massTotal,
              words,
              index
            }
          })
          // The order of the pages decides between equals.
          .sort((one, other) => other.score - one.score || one.index - other.index)
          .slice(0, count)
          .map(({ coverage, index, passage, score, words }) => ({
            passage,
            score,
            coverage,
            words,
            isHeaded: [...heads[index]!].some((term) => asked.has(term))
          }))
      )
    }
  }
}

/** What may be meant, and how surely. */
const weightsOf = (question: ReadonlyArray<Wanted>): ReadonlyMap<string, number> => {
  const weights = new Map<string, number>()
  for (const { term, weight } of question.flat()) weights.set(term, Math.max(weight, weights.get(term) ?? 0))
  return weights
}

/** How much of a heading was asked for, 0 to 1. */
const shareOf = (heading: ReadonlySet<string>, asked: ReadonlyMap<string, number>): number => {
  let sum = 0
  for (const term of heading) sum += asked.get(term) ?? 0
  return heading.size === 0 ? 0 : sum / heading.size
}
