/**
 * Questions for two things at once, such as "what is the difference between an actor and a layer?": no passage is about both, and
 * the best answer is one for each. English only.
 */

const side = String.raw`(?:an?\s+|the\s+)?(.+?)`
const patterns: ReadonlyArray<RegExp> = [
  String.raw`.*\bdiffer(?:ence|ences)?\s+between\s+${side}\s+and\s+${side}`,
  String.raw`.*\bhow\s+(?:does|do|is|are)\s+${side}\s+(?:differ|different)\s+from\s+${side}`,
  String.raw`(?:please\s+)?compare\s+${side}\s+(?:and|to|with)\s+${side}`,
  String.raw`(?:what\s+is\s+)?${side}\s+(?:vs\.?|versus|compared\s+(?:to|with))\s+${side}`
].map((core) => new RegExp(String.raw`^\s*${core}[\s?.!]*$`, "i"))

/** Characters of the longest question that is looked at. */
const lengthMax = 200

/** The two things that a question compares. */
export const of = (question: string): readonly [one: string, other: string] | undefined => {
  if (question.length > lengthMax) return undefined
  for (const pattern of patterns) {
    const found = pattern.exec(question)
    if (found !== null) return [found[1]!, found[2]!]
  }
  return undefined
}
