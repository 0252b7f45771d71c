/** Effect without actors: a fiber for each, which takes from an unbounded Queue. Nothing supervises it. */
import { Effect, Fiber, Queue } from "effect"
import type { Send } from "./Library.ts"
import { measureAll } from "./MeasureAll.ts"

await measureAll(() => {
  const fibers: Array<Fiber.Fiber<never>> = []
  return {
    spawn: <Message>(receive: (message: Message) => void): Send<Message> => {
      const queue = Effect.runSync(Queue.unbounded<Message>())
      const handle = Effect.map(Queue.take(queue), receive)
      fibers.push(Effect.runFork(Effect.forever(handle, { disableYield: true })))
      return (message) => void Queue.offerUnsafe(queue, message)
    },
    spawnOnce: <Message>(receive: (message: Message) => void): Send<Message> => {
      const queue = Effect.runSync(Queue.unbounded<Message>())
      Effect.runFork(Effect.map(Queue.take(queue), receive))
      return (message) => void Queue.offerUnsafe(queue, message)
    },
    close: () => {
      for (const fiber of fibers) fiber.interruptUnsafe()
    }
  }
})
