/**
 * JSON that a person typed as a word of the command line.
 */
import { Effect } from "effect"
import { JsonMalformed } from "./CliError.ts"

/** The value. Fails with `JsonMalformed`, naming `where` the word was given. */
export const parse = (where: string, input: string): Effect.Effect<unknown, JsonMalformed> =>
  Effect.try({
    try: () => JSON.parse(input, finite) as unknown,
    catch: (error) =>
      new JsonMalformed({ where, input, ...(error instanceof RangeError ? { reason: error.message } : {}) })
  })

/** JSON spells numbers that become infinite when they are read, and has no spelling for what they became. */
const finite = (_: string, value: unknown): unknown => {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new RangeError(`it has a number beyond ${Number.MAX_VALUE}`)
  }
  return value
}
