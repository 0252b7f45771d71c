/**
 * Freezes messages and states in depth, in tests and development, so that code which changes a message it sent or
 * received fails here as it would go wrong between machines, where every message is a copy.
 *
 * Only arrays and plain objects are frozen: bytes cannot be, and what a class keeps in its instances is its own affair. What is
 * frozen already is taken to be frozen in depth, which keeps the cost to the new parts of a state.
 */

/** The value itself, frozen. */
export const deepFreeze = <A>(value: A): A => {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== Array.prototype && prototype !== null) return value
  Object.freeze(value)
  for (const key in value) {
    const part = (value as Record<string, unknown>)[key]
    if (typeof part === "object" && part !== null) deepFreeze(part)
  }
  return value
}
