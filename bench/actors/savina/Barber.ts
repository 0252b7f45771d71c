/**
 * Customers come to a barber with a thousand chairs; who finds none comes again. An operation is one message: how many customers
 * come in vain before one gets a chair is decided by the order in which a library handles messages, and not by its speed.
 */
import { check, finished, type Program, type Send } from "./Library.ts"

const chairs = 1_000
const customersAtOnce = 1_500
type Message = "cut" | Customer
interface Customer {
  readonly number: number
  readonly answer: Send<boolean>
}

export const barber: Program = {
  id: "barber",
  label: "Sleeping barber",
  run: async ({ spawn }, operations) => {
    let messages = 0
    let comings = 0
    let cuts = 0
    let refusals = 0
    let customers = 0
    let waitingMost = 0
    await finished<void>((done) => {
      /** Counts a message; false when there were enough, and nobody does anything any more. */
      const goesOn = (): boolean => {
        if (messages === operations) return false
        if (++messages === operations) done()
        return true
      }
      const waiting: Array<Customer> = []
      let isAsleep = true
      const room: Send<Message> = spawn((message) => {
        if (!goesOn()) return
        if (message !== "cut") {
          comings++
          if (waiting.length >= chairs) {
            refusals++
            return message.answer(false)
          }
          waitingMost = Math.max(waitingMost, waiting.push(message))
          if (!isAsleep) return
        }
        const next = waiting.shift()
        isAsleep = next === undefined
        if (next !== undefined) chair(next)
      })
      const chair: Send<Customer> = spawn(({ answer }) => {
        if (!goesOn()) return
        cuts++
        answer(true)
        room("cut")
      })
      const arrive = (): void => {
        const number = customers++
        const customer: Send<boolean> = spawn((isDone) => {
          if (!goesOn()) return
          if (isDone) arrive()
          else room({ number, answer: customer })
        })
        room({ number, answer: customer })
      }
      for (let i = 0; i < customersAtOnce; i++) arrive()
    })
    check("The number of messages", messages, operations)
    check("Whether more waited than there are chairs", waitingMost > chairs, false)
    // Who came was refused, has a chair, or sits with the barber, if he has not been shaved.
    check("Whether someone got lost", comings >= cuts + refusals && comings <= cuts + refusals + chairs + 1, true)
  }
}
