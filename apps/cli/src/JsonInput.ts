/**
 * JSON that a person typed as a word of the command line.
 */
import { Effect } from "effect"
import { JsonMalformed } from "./CliError.ts"

/** The value. Fails with `JsonMalformed`, naming `where` the word was given. */
export const parse = (where: string, input: string): Effect.Effect<unknown, JsonMalformed> =>
  Effect.try({
    try: () => JSON.parse(input) as unknown,
    catch: () => new JsonMalformed({ where, input })
  })
