/** An arbiter picks one of two hundred smokers, who smokes and says so. An operation is one cigarette. */
import { check, finished, type Program, randomOf, type Send } from "./Library.ts"

const smokers = 200

export const cigaretteSmokers: Program = {
  id: "cigsmok",
  label: "Cigarette smokers",
  run: async ({ spawn }, operations) => {
    const random = randomOf(3)
    const smoked = Array.from({ length: smokers }, () => 0)
    await finished<void>((done) => {
      let left = operations
      const all = smoked.map((_, i) =>
        spawn<void>(() => {
          smoked[i]!++
          arbiter(undefined)
        })
      )
      const arbiter: Send<void> = spawn(() => {
        if (left-- === 0) done()
        else all[random(smokers)]!(undefined)
      })
      arbiter(undefined)
    })
    check(
      "The number of cigarettes",
      smoked.reduce((sum, times) => sum + times, 0),
      operations
    )
  }
}
