/**
 * Customers come to a barber with a thousand chairs, and each who leaves is followed by the next. An operation is one haircut. Never
 * so many come that one finds no chair and has to come again, as in Savina: how often that happens is decided by the order in
 * which a library handles messages, and more of it would count as slowness.
 */
import { check, finished, type Program, type Send } from "./Library.ts"

const chairs = 1_000
const customersAtOnce = 1_000
type Message = "cut" | Customer
interface Customer {
  readonly number: number
  readonly answer: Send<boolean>
}

export const barber: Program = {
  id: "barber",
  label: "Sleeping barber",
  run: async ({ spawn }, operations) => {
    let cuts = 0
    let refusals = 0
    let sent = 0
    await finished<void>((done) => {
      const waiting: Array<Customer> = []
      let isAsleep = true
      const room: Send<Message> = spawn((message) => {
        if (message !== "cut") {
          if (waiting.length >= chairs) {
            refusals++
            return message.answer(false)
          }
          waiting.push(message)
          if (!isAsleep) return
        }
        const next = waiting.shift()
        isAsleep = next === undefined
        if (next !== undefined) chair(next)
      })
      const chair: Send<Customer> = spawn(({ answer }) => {
        cuts++
        answer(true)
        room("cut")
      })
      const arrive = (): void => {
        if (sent === operations) return
        const number = sent++
        const customer: Send<boolean> = spawn((isDone) => {
          if (!isDone) return room({ number, answer: customer })
          if (cuts === operations) done()
          else arrive()
        })
        room({ number, answer: customer })
      }
      for (let i = Math.min(customersAtOnce, operations); i > 0; i--) arrive()
    })
    check("The number of haircuts", cuts, operations)
    check("The number of those who found no chair", refusals, 0)
  }
}
