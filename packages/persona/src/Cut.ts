/**
 * Ends a known text where a request wants it to end: before the first stop text, and after so many tokens.
 */
import { Effect } from "effect"

export interface Cut {
  readonly text: string
  readonly tokens: number
  /** `length`: there was more. */
  readonly reason: "stop" | "length"
}

/** The part of a text that may be said. `count` must not shrink when the text grows; it is called O(log length) times. */
export const cut = Effect.fnUntraced(function* (
  text: string,
  stop: ReadonlyArray<string>,
  tokensMax: number | undefined,
  count: (text: string) => Effect.Effect<number>
) {
  const stops = stop.map((one) => text.indexOf(one)).filter((at) => at >= 0)
  const whole = text.slice(0, Math.min(text.length, ...stops))
  const tokens = yield* count(whole)
  if (tokensMax === undefined || tokens <= tokensMax) return { text: whole, tokens, reason: "stop" } satisfies Cut
  const characters = [...whole]
  let fits = 0
  let fitsTokens = 0
  let tooMany = characters.length
  while (tooMany - fits > 1) {
    const middle = (fits + tooMany) >> 1
    const middleTokens = yield* count(characters.slice(0, middle).join(""))
    if (middleTokens <= tokensMax) {
      fits = middle
      fitsTokens = middleTokens
    } else tooMany = middle
  }
  return { text: characters.slice(0, fits).join(""), tokens: fitsTokens, reason: "length" } satisfies Cut
})
