/** Twenty workers read and write one dictionary, one write in ten, each waiting for its answer. An operation is one request. */
import { check, finished, type Program, randomOf, type Send } from "./Library.ts"

const workers = 20
const keys = 512
interface Request {
  readonly key: number
  /** Absent: read. */
  readonly value: number | undefined
  readonly reply: Send<number>
}

export const concurrentDictionary: Program = {
  id: "concdict",
  label: "Concurrent dictionary",
  run: async ({ spawn }, operations) => {
    const random = randomOf(2)
    const each = Math.ceil(operations / workers)
    const entries = new Map<number, number>()
    let handled = 0
    let wrong = 0
    await finished<void>((done) => {
      let ended = 0
      const dictionary: Send<Request> = spawn(({ key, reply, value }) => {
        handled++
        if (value !== undefined) entries.set(key, value)
        reply(entries.get(key) ?? key)
      })
      for (let i = 0; i < workers; i++) {
        let left = each
        let key = 0
        const worker: Send<number> = spawn((answer) => {
          // Each key only ever holds itself.
          if (answer >= 0 && answer !== key) wrong++
          if (left-- === 0) {
            if (++ended === workers) done()
            return
          }
          key = random(keys)
          dictionary({ key, value: random(10) === 0 ? key : undefined, reply: worker })
        })
        worker(-1)
      }
    })
    check("The number of requests", handled, each * workers)
    check("The number of wrong answers", wrong, 0)
  }
}
