/** A hundred actors in a ring hand one message on. An operation is one hop. */
import { check, finished, type Program, type Send } from "./Library.ts"

const actors = 100

export const threadRing: Program = {
  id: "threadring",
  label: "Thread ring",
  run: async ({ spawn }, operations) => {
    let hops = 0
    const last = await finished<number>((done) => {
      const ring: Array<Send<number>> = []
      for (let i = 0; i < actors; i++) {
        ring.push(
          spawn((left) => {
            hops++
            if (left === 0) done(i)
            else ring[(i + 1) % actors]!(left - 1)
          })
        )
      }
      ring[0]!(operations - 1)
    })
    check("The number of hops", hops, operations)
    check("The actor that got the last", last, (operations - 1) % actors)
  }
}
