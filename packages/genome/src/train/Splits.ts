/**
 * Keeps what is learned from apart from what is measured with: every prompt belongs to one of three sets by its hash, so
 * that no order of drawing examples, and no second run, can mix them.
 */

/** `train`: learned from. `select`: compared by, while choosing between layers. `report`: looked at once, at the end. */
export type Split = "train" | "select" | "report"

/** Of ten prompts, one is for the report and one to select by. Chosen, not measured. */
const buckets = 10

export const of = (prompt: string): Split => {
  const bucket = fnv1a(prompt) % buckets
  return bucket === 0 ? "report" : bucket === 1 ? "select" : "train"
}

/** FNV-1a, 32 bits (http://www.isthe.com/chongo/tech/comp/fnv), of UTF-8, with the final mix of MurmurHash3: its low bits are weak. */
const fnv1a = (text: string): number => {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
