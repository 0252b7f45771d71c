/** A hundred and twenty actors send pings to any of the others and wait for the pong before the next. An operation is one ping. */
import { check, finished, type Program, randomOf, type Send } from "./Library.ts"

const actors = 120
/** Who sends; the number of the actor for a ping, -1 for a pong. */
type Message = number

export const big: Program = {
  id: "big",
  label: "Big",
  run: async ({ spawn }, operations) => {
    const random = randomOf(1)
    const each = Math.ceil(operations / actors)
    let pings = 0
    await finished<void>((done) => {
      let ended = 0
      const all: Array<Send<Message>> = []
      for (let i = 0; i < actors; i++) {
        let left = each
        all.push(
          spawn((from) => {
            if (from >= 0) {
              pings++
              return all[from]!(-1)
            }
            if (left-- === 0) {
              if (++ended === actors) done()
              return
            }
            all[random(actors)]!(i)
          })
        )
      }
      for (const begin of all) begin(-1)
    })
    check("The number of pings", pings, each * actors)
  }
}
