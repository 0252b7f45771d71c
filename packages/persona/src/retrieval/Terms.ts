/**
 * The words of a text as a search compares them: lower case, without the words that stand in every question, and cut to
 * a stem. English only.
 *
 * The stems are lighter than Porter's (An algorithm for suffix stripping, 1980): plural, -ing and -ed, as Harman found
 * enough (How effective is suffixing?, 1991), so that "sharing machines" finds "share a machine".
 */

/** The terms in their order, with repetitions. */
export const of = (text: string): ReadonlyArray<string> =>
  [
    ...text
      .normalize("NFKC")
      .toLowerCase()
      .matchAll(/[\p{L}\p{N}]+/gu)
  ]
    .map(([word]) => word)
    .filter((word) => !stopWords.has(word))
    .map(stem)

/** Whether two neighbors swapped make it a word that says nothing, such as `hwo` or `waht`. */
export const isSwappedStopWord = (word: string): boolean =>
  Array.from({ length: word.length - 1 }, (_, at) => at).some((at) =>
    stopWords.has(word.slice(0, at) + word[at + 1]! + word[at]! + word.slice(at + 2))
  )

const vowel = /[aeiouy]/

/** The stem of a lower-case word. */
export const stem = (word: string): string => {
  if (word.length <= 3 || /\d/.test(word)) return word
  const singular = withoutPlural(word)
  for (const suffix of ["ing", "ed"]) {
    const root = singular.slice(0, -suffix.length)
    if (singular.endsWith(suffix) && root.length >= 3 && vowel.test(root)) return ended(undoubled(root))
  }
  return ended(singular)
}

const withoutPlural = (word: string): string => {
  if (word.endsWith("ies") && word.length > 4) return `${word.slice(0, -3)}y`
  if (word.endsWith("sses") || word.endsWith("ches") || word.endsWith("shes") || word.endsWith("xes")) {
    return word.slice(0, -2)
  }
  return word.endsWith("s") && !/(?:ss|us|is)$/.test(word) ? word.slice(0, -1) : word
}

/** `running` has two n, `run` one; `fall` keeps its two l. */
const undoubled = (root: string): string => (/([bdgmnprt])\1$/.test(root) ? root.slice(0, -1) : root)

/** `share` and `shar(ing)` meet without the e. */
const ended = (word: string): string => (word.length > 3 && word.endsWith("e") ? word.slice(0, -1) : word)

/** Words that say what kind of sentence this is, and not what it is about. */
const stopWords = new Set(
  (
    "a about an and any anything are as at be been being but by can could did do does doing done explain for from get gets give got had has have " +
    "he her hers him his how i if in into is it its just keep keeps know let like make may me mean means might mine more most much my need no " +
    "not of off on one or our ours out please say see shall she should so some something such tell than that the their them then " +
    "there these they thing things this those to too up us use used uses using very want was we were what whats when where which who whom whose why " +
    "already cant didnt doesnt dont hows im isnt ive whats wheres whos wont will with would you your yours describe define work works show understand hello hi hey thanks now again just really please today s t re ve ll"
  ).split(" ")
)
