/**
 * What Effect offers without actors: a fiber that takes from a Queue and answers through Deferreds. Unbounded, since
 * waiting for room would cost more, and nothing supervises the fiber.
 */
import { Deferred, Effect, Queue } from "effect"
import { finish } from "../Measure.ts"
import { runEffectSubject } from "./Workload.ts"

interface Message {
  readonly amount: number
  readonly reply: Deferred.Deferred<number> | undefined
}

const queue = await Effect.runPromise(Queue.unbounded<Message>())
let total = 0

const handle = Effect.flatMap(Queue.take(queue), ({ amount, reply }) => {
  total += amount
  return reply === undefined ? Effect.void : Deferred.succeed(reply, total)
})
Effect.runFork(Effect.forever(handle, { disableYield: true }))

await runEffectSubject({
  ask: (amount) =>
    Effect.suspend(() => {
      const reply = Deferred.makeUnsafe<number>()
      Queue.offerUnsafe(queue, { amount, reply })
      return Deferred.await(reply)
    }),
  tell: (amount) => Queue.offer(queue, { amount, reply: undefined })
})
finish()
