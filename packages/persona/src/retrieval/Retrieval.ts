/**
 * Answers by quoting: the passage that fits the question best, word for word, with its page and heading below it. When no
 * passage has enough of the question it says so, and names the headings that come nearest. It never invents, and leaves
 * exercises to whoever can do them.
 */
import type { Backend } from "@continuum/genome/backend/Backend"
import { Effect } from "effect"
import * as Recital from "../Recital.ts"
import type { Template } from "../Templates.ts"
import type { Offer, Perception, Worker } from "../Worker.ts"
import type { Found, Index } from "./Bm25.ts"
import * as Comparison from "./Comparison.ts"
import * as Language from "./Language.ts"
import type { Library } from "./Library.ts"
import * as Query from "./Query.ts"
import * as Terms from "./Terms.ts"
import * as Thesaurus from "./Thesaurus.ts"

/**
 * A passage that has one word of the question must be about that word, and not only mention it. Below this much of the question a passage is about something else: less is enough where two of its words meet. Tuned on
 * test/retrieval/Questions.ts and Newcomers.ts.
 */
export const coverageMin = 0.33
const coverageMinOfOneWord = 0.44
/** From this BM25 score on, rare words of the question stand where they matter, however many others it has. Tuned likewise. */
const scoreEnough = 14
/** From here on a passage is what was asked for; below it is introduced as the closest one. */
const coverageSure = 0.7
/** To say that no page knows is what remains when nobody else is sure of anything. */
const confidenceUnknown = 0
/** Headings that are named when no page knows. */
const nearestHeadings = 3
/** Passages looked at: enough for some "tell me more". */
const searchedMax = 8

export const make = (library: Library["Service"], backend: Backend["Service"]): Worker => ({
  name: "retrieval",
  offer: (perception) =>
    Effect.gen(function* () {
      // Whoever asks to sort letters wants them sorted, whatever a page says of sorting.
      if (perception.exercise !== undefined || perception.introduction !== undefined) {
        return offer(library, backend, perception, [], [], 0)
      }
      const index = yield* library.index
      const { skip, text } = question(perception)
      const both = comparison(index, perception.persona, text, skip)
      if (both !== undefined) return offer(library, backend, perception, both, [], 0)
      const found = search(index, perception.persona, text)
      const best = found[skip]
      const quoted = best !== undefined && answers(best, skip) ? [best] : []
      return offer(library, backend, perception, quoted, found, skip)
    })
})

const search = (index: Index, persona: Template, text: string): ReadonlyArray<Found> => {
  const terms = Terms.of(Thesaurus.withoutPhrases(text))
  // Numbers alone are no question that a page could answer.
  if (!terms.some((term) => /\p{L}/u.test(term))) return []
  const wanted = Query.of(terms, index.terms)
  const found = index.search(wanted, searchedMax, (source) => persona.pages[source] ?? 1)
  // Of one word, a passage that is about it comes before one that says it often.
  return wanted.length > 1 ? found : found.toSorted((one, other) => Number(other.isHeaded) - Number(one.isHeaded))
}

/** A passage for each of the two things that a question compares, if there is one about each. */
const comparison = (index: Index, persona: Template, text: string, skip: number): ReadonlyArray<Found> | undefined => {
  const sides = skip === 0 ? Comparison.of(text) : undefined
  const [one, other] = (sides ?? []).map((side) => search(index, persona, side)[0])
  if (one === undefined || other === undefined || one.passage === other.passage) return undefined
  return [one, other].every((found) => found.isHeaded && answers(found, 0)) ? [one, other] : undefined
}

/** What to look for: the prompt; or, when it says no more than "tell me more", the last question, one passage further. */
const question = ({ history, prompt }: Perception): { readonly text: string; readonly skip: number } => {
  const asked = [...history.filter(({ role }) => role === "user").map(({ content }) => content), prompt]
  let skip = 0
  while (skip < asked.length - 1 && isFollowUp(asked[asked.length - 1 - skip]!)) skip++
  return { text: asked[asked.length - 1 - skip]!, skip }
}

const isFollowUp = (prompt: string): boolean =>
  /^\s*(?:(?:and|please|tell|say|show|explain|me|us|some|a|bit|little|any|anything|even|go|on|more|further|continue|else|what|now|next|then)[\s,.!?…]*)+$/i.test(
    prompt
  )

const offer = (
  library: Library["Service"],
  backend: Backend["Service"],
  perception: Perception,
  quoted: ReadonlyArray<Found>,
  found: ReadonlyArray<Found>,
  skip: number
): Offer => ({
  bid: {
    worker: "retrieval",
    confidence: quoted.length === 0 ? confidenceUnknown : Math.min(...quoted.map(({ coverage }) => coverage)),
    reason: quoted.length === 0 ? "no page answers this" : quoted.map(placeOf).join(" and ")
  },
  layers: [],
  sources: quoted.map(({ passage: { heading, source } }) => ({ source, heading })),
  answer: Recital.of(
    backend,
    perception,
    quoted.length === 0
      ? Effect.map(library.sources, (sources) => notKnown(perception, sources, found, skip))
      : Effect.sync(() => quoted.map((one) => quote(one, found.slice(skip + 1))).join("\n\n"))
  )
})

/** Who wants more of a word is also served by what mentions it. */
const answers = ({ coverage, isHeaded, score, words }: Found, skip: number): boolean =>
  words > 1
    ? coverage >= coverageMin || score >= scoreEnough
    : (isHeaded || skip > 0) && coverage >= coverageMinOfOneWord

const placeOf = ({ passage }: Found): string => `${passage.source}, "${passage.heading}"`

/** Word for word. What is not surely the answer is introduced as the closest, with the next places below it. */
const quote = (found: Found, others: ReadonlyArray<Found>): string => {
  const text = `${found.passage.text}\n\nSource: ${placeOf(found)}`
  if (found.coverage >= coverageSure) return text
  const places = [...new Set(others.map(placeOf))].filter((place) => place !== placeOf(found))
  const perhaps = places.length === 0 ? "" : `\nOr perhaps: ${places.slice(0, nearestHeadings - 1).join("; ")}`
  return `The closest that I have read:\n\n${text}${perhaps}`
}

const notKnown = (
  { persona, prompt }: Perception,
  sources: ReadonlyArray<string>,
  found: ReadonlyArray<Found>,
  skip: number
): string => {
  if (skip > 0) return "That is all that I have read about it."
  const english = Language.isForeign(prompt) ? "I read English only. " : ""
  if (Terms.of(prompt).length === 0) {
    return `${english}I do not see what that is about. Name a word or a task, such as "Explain RTOS" or "how do I share my machine?"`
  }
  const near = [...new Set(found.map(placeOf))]
  const nearest = near.length === 0 ? "" : ` The nearest are ${near.slice(0, nearestHeadings).join("; ")}.`
  const best = sources.filter((source) => (persona.pages[source] ?? 1) > 1)
  const hint = best.length === 0 ? "" : ` Ask me about what stands in ${best.join(" and ")}.`
  return `${english}I do not know: none of the pages that I have read answers this.${nearest}${hint}`
}
