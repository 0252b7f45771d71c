/** Twenty philosophers ask an arbiter for two forks, eat, and put them back. An operation is one meal. */
import { check, finished, type Program, type Send } from "./Library.ts"

const philosophers = 20
/** The number of the philosopher, negative (minus one) when it puts its forks back. */
type Request = number

export const dining: Program = {
  id: "philosopher",
  label: "Dining philosophers",
  run: async ({ spawn }, operations) => {
    const each = Math.ceil(operations / philosophers)
    let meals = 0
    let shared = 0
    await finished<void>((done) => {
      const taken = Array.from({ length: philosophers }, () => false)
      const left = Array.from({ length: philosophers }, () => each)
      let ended = 0
      const seats: Array<Send<boolean>> = []
      const arbiter: Send<Request> = spawn((request) => {
        const seat = request < 0 ? -request - 1 : request
        const next = (seat + 1) % philosophers
        if (request < 0) {
          if (!taken[seat] || !taken[next]) shared++
          taken[seat] = taken[next] = false
          return
        }
        const isFree = !taken[seat] && !taken[next]
        if (isFree) taken[seat] = taken[next] = true
        seats[seat]!(isFree)
      })
      for (let seat = 0; seat < philosophers; seat++) {
        seats.push(
          spawn((hasForks) => {
            if (hasForks) {
              meals++
              left[seat]!--
              arbiter(-seat - 1)
            }
            if (left[seat]! > 0) return arbiter(seat)
            if (++ended === philosophers) done()
          })
        )
      }
      for (const hungry of seats) hungry(false)
    })
    check("The number of meals", meals, each * philosophers)
    check("The number of forks that two had at once", shared, 0)
  }
}
