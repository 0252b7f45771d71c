/** Ten producers and ten consumers share a buffer of fifty. An operation is one item produced and consumed. */
import { check, finished, type Program, type Send } from "./Library.ts"

const pairs = 10
const capacity = 50
type Message =
  | { readonly is: "item"; readonly item: number; readonly from: Send<void> }
  | { readonly is: "free"; readonly consumer: Send<number> }

export const boundedBuffer: Program = {
  id: "bndbuffer",
  label: "Bounded buffer",
  run: async ({ spawn }, operations) => {
    let sum = 0
    let longest = 0
    await finished<void>((done) => {
      let consumed = 0
      let produced = 0
      const items: Array<number> = []
      const free: Array<Send<number>> = []
      const blocked: Array<Send<void>> = []
      const buffer: Send<Message> = spawn((message) => {
        if (message.is === "free") {
          const item = items.shift()
          if (item === undefined) return void free.push(message.consumer)
          blocked.shift()?.(undefined)
          return message.consumer(item)
        }
        const consumer = free.shift()
        if (consumer !== undefined) consumer(message.item)
        else items.push(message.item)
        longest = Math.max(longest, items.length)
        // Every producer has one item on the way at most.
        if (items.length > capacity - pairs) blocked.push(message.from)
        else message.from(undefined)
      })
      for (let i = 0; i < pairs; i++) {
        const producer: Send<void> = spawn(() => {
          if (produced < operations) buffer({ is: "item", item: produced++, from: producer })
        })
        const consumer: Send<number> = spawn((item) => {
          if (item >= 0) {
            sum += item
            if (++consumed === operations) return done()
          }
          buffer({ is: "free", consumer })
        })
        producer(undefined)
        consumer(-1)
      }
    })
    check("The sum", sum, (operations * (operations - 1)) / 2)
    check("Whether the buffer kept to its size", longest <= capacity, true)
  }
}
