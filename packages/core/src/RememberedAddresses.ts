/** The same few addresses are read again and again, and reading one costs more than all else of a small envelope. */
import { type Address, parseParts } from "./Address.ts"
import { addressesRememberedMax } from "./Limits.ts"

const remembered = new Map<string, Address>()

/** The address of a text, frozen, or why it is none. */
export const read = (text: string): Address | string => {
  const known = remembered.get(text)
  if (known !== undefined) return known
  const parsed = parseParts(text)
  if (typeof parsed === "string") return parsed
  if (remembered.size >= addressesRememberedMax) remembered.clear()
  const frozen = Object.freeze(parsed)
  remembered.set(text, frozen)
  return frozen
}
