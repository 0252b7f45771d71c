/** A teller has a thousand accounts transfer money among each other, with an acknowledgement. An operation is one transfer. */
import { check, finished, type Program, randomOf, type Send } from "./Library.ts"

const accounts = 1_000
const atOnce = 500
const opening = 1_000_000
type Message =
  | { readonly is: "debit"; readonly amount: number; readonly to: number }
  | { readonly is: "credit"; readonly amount: number; readonly from: number }
  | { readonly is: "credited" }

export const banking: Program = {
  id: "banking",
  label: "Banking",
  run: async ({ spawn }, operations) => {
    const random = randomOf(4)
    const balances = Array.from({ length: accounts }, () => opening)
    let done_ = 0
    await finished<void>((done) => {
      let begun = 0
      const all: Array<Send<Message>> = []
      const teller: Send<boolean> = spawn((isDone) => {
        if (isDone && ++done_ === operations) return done()
        if (begun++ >= operations) return
        const from = random(accounts)
        all[from]!({ is: "debit", amount: 1 + random(100), to: random(accounts) })
      })
      for (let i = 0; i < accounts; i++) {
        all.push(
          spawn((message) => {
            if (message.is === "credited") return teller(true)
            if (message.is === "credit") {
              balances[i]! += message.amount
              return all[message.from]!({ is: "credited" })
            }
            balances[i]! -= message.amount
            all[message.to]!({ is: "credit", amount: message.amount, from: i })
          })
        )
      }
      for (let i = 0; i < atOnce; i++) teller(false)
    })
    check("The number of transfers", done_, operations)
    check(
      "The money in all accounts",
      balances.reduce((sum, balance) => sum + balance, 0),
      accounts * opening
    )
  }
}
