import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { expectNothingSilentlyWrong, population, scribble, tamper, withStorage } from "./storage/Damage.ts"

describe("damage anywhere in the file", () => {
  for (let seed = 100; seed < 200; seed++) {
    it.live(`never makes a state silently wrong (seed ${seed})`, () =>
      Effect.gen(function* () {
        const dir = yield* population
        tamper(dir, (file) => scribble(file, seed))
        yield* withStorage({ dir }, (storage) => expectNothingSilentlyWrong(storage, seed))
      })
    )
  }
})
