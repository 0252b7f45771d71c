/** Measures all programs on one library. */
import { finish, measure } from "../../Measure.ts"
import type { Library } from "./Library.ts"
import { programs } from "./Programs.ts"

/** A library that begins anew for each batch, so that no batch pays for the actors of the one before. */
export interface Opened extends Library {
  readonly close: () => unknown
}

export const measureAll = async (open: () => Opened | Promise<Opened>): Promise<never> => {
  for (const { id, run } of programs) {
    await measure(id, async (operations) => {
      const library = await open()
      await run(library, operations)
      await library.close()
    })
  }
  return finish()
}
