/** Sixty actors get messages in turn, a hundred each before the next round. An operation is one message. */
import { check, finished, type Program, type Send } from "./Library.ts"

const actors = 60
const round = 100

export const forkJoinThroughput: Program = {
  id: "fjthrput",
  label: "Fork-join, throughput",
  run: async ({ spawn }, operations) => {
    const rounds = Math.ceil(operations / (actors * round))
    let handled = 0
    await finished<void>((done) => {
      let open = 0
      let begun = 0
      const workers = Array.from({ length: actors }, () =>
        spawn<number>(() => {
          handled++
          if (--open === 0) begin(0)
        })
      )
      const begin: Send<number> = spawn(() => {
        if (begun++ === rounds) return done()
        open = actors * round
        for (let i = 0; i < round; i++) for (const worker of workers) worker(i)
      })
      begin(0)
    })
    check("The number of messages", handled, rounds * actors * round)
  }
}
