/**
 * What `JSON.parse` does not tell of a text: how deep it is nested, and whether an object names a key twice, of which it
 * keeps the last without a word. Two programs that keep different ones would read different things from the same bytes.
 */

export interface JsonStructure {
  /** Objects and arrays within each other; 0 for a single string or number. */
  readonly depth: number
  /** The first key that occurs twice in one object. */
  readonly repeatedKey: string | undefined
}

/** For a text that `JSON.parse` accepts. Linear in its length, without recursion. */
export const structureOf = (json: string): JsonStructure => {
  /** Keys of each open object; `undefined` for an open array. */
  const open: Array<Set<string> | undefined> = []
  let depth = 0
  let repeatedKey: string | undefined
  let expectsKey = false
  const enter = (keys: Set<string> | undefined) => {
    depth = Math.max(depth, open.push(keys))
    expectsKey = keys !== undefined
  }
  for (let at = 0; at < json.length; at++) {
    switch (json[at]) {
      case "{":
        enter(new Set())
        break
      case "[":
        enter(undefined)
        break
      case "}":
      case "]":
        open.pop()
        expectsKey = false
        break
      case ",":
        expectsKey = open.at(-1) !== undefined
        break
      case '"': {
        const end = endOfString(json, at)
        if (expectsKey) {
          const key = JSON.parse(json.slice(at, end)) as string
          const keys = open.at(-1)!
          if (keys.has(key)) repeatedKey ??= key
          keys.add(key)
          expectsKey = false
        }
        at = end - 1
        break
      }
      default:
    }
  }
  return { depth, repeatedKey }
}

/** Where the string that begins at `start` ends, one past its closing quote. */
const endOfString = (json: string, start: number): number => {
  let at = start + 1
  while (json[at] !== '"') at += json[at] === "\\" ? 2 : 1
  return at + 1
}
