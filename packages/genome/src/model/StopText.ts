/**
 * Ends a text where one of some texts begins, also when that one comes in pieces: what could become it is held back.
 */

export interface StopText {
  /** What may be shown of the text so far and was not yet; `stopped` when a stop text is complete. */
  readonly push: (text: string) => { readonly text: string; readonly stopped: boolean }
  /** What was held back, when nothing more comes. */
  readonly end: () => string
}

/** O(stop texts * their length) for each character. */
export const make = (stops: ReadonlyArray<string>): StopText => {
  let held = ""
  return {
    push: (text) => {
      held += text
      const places = stops.map((stop) => held.indexOf(stop)).filter((place) => place >= 0)
      if (places.length > 0) {
        const shown = held.slice(0, Math.min(...places))
        held = ""
        return { text: shown, stopped: true }
      }
      const open = Math.max(0, ...stops.map((stop) => overlap(held, stop)))
      const shown = held.slice(0, held.length - open)
      held = held.slice(shown.length)
      return { text: shown, stopped: false }
    },
    end: () => {
      const rest = held
      held = ""
      return rest
    }
  }
}

/** Length of the longest end of `text` with which `stop` begins. */
const overlap = (text: string, stop: string): number => {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length
  }
  return 0
}
