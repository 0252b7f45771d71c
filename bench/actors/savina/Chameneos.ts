/** A hundred creatures meet two by two in a mall and change their colours. An operation is one meeting. */
import { check, finished, type Program, type Send } from "./Library.ts"

const creatures = 100
const colours = 3
interface Visitor {
  readonly colour: number
  readonly meet: Send<number>
}

/** Both keep their colour if they have the same, and otherwise become of the third. */
const complement = (a: number, b: number): number => (a === b ? a : colours - a - b)

export const chameneos: Program = {
  id: "chameneos",
  label: "Chameneos",
  run: async ({ spawn }, operations) => {
    const met = Array.from({ length: creatures }, () => 0)
    await finished<void>((done) => {
      let left = operations
      let gone = 0
      let waiting: Visitor | undefined
      const mall: Send<Visitor> = spawn((visitor) => {
        if (left === 0) {
          visitor.meet(-1)
        } else if (waiting === undefined) {
          waiting = visitor
        } else {
          left--
          const other = waiting
          waiting = undefined
          other.meet(visitor.colour)
          visitor.meet(other.colour)
        }
        // The last one may wait for somebody who does not come.
        if (left === 0 && waiting !== undefined) waiting.meet(-1)
        if (left === 0) waiting = undefined
      })
      for (let i = 0; i < creatures; i++) {
        let colour = i % colours
        const creature: Send<number> = spawn((other) => {
          if (other < 0) {
            if (++gone === creatures) done()
            return
          }
          met[i]!++
          colour = complement(colour, other)
          mall({ colour, meet: creature })
        })
        mall({ colour, meet: creature })
      }
    })
    check(
      "Twice the number of meetings",
      met.reduce((sum, times) => sum + times, 0),
      2 * operations
    )
  }
}
