/** One actor sends to another in bursts of 1,000 and asks it for the count after each. An operation is one message counted. */
import { check, finished, type Program, type Send } from "./Library.ts"

const burst = 1_000

export const count: Program = {
  id: "count",
  label: "Counting",
  run: async ({ spawn }, operations) => {
    const total = await finished<number>((done) => {
      let counted = 0
      const counter: Send<number> = spawn((amount) => {
        if (amount === 0) producer(counted)
        else counted += amount
      })
      const producer: Send<number> = spawn((sofar) => {
        if (sofar === operations) return done(sofar)
        for (let i = Math.min(burst, operations - sofar); i > 0; i--) counter(1)
        counter(0)
      })
      producer(0)
    })
    check("The count", total, operations)
  }
}
