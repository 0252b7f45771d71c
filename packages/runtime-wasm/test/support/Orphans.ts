/** A node that is about to be killed: keeps a child busy and prints the ids of its processes. Run by ReaperProcess.test.ts. */
import { Effect } from "effect"
import { endless, pool } from "./Children.ts"

await Effect.runPromise(
  Effect.scoped(
    Effect.gen(function* () {
      const children = yield* pool()
      const request = yield* Effect.forkChild(children.request(endless, 3_600_000))
      while (children.pids().length === 0) yield* Effect.sleep("10 millis")
      // Past its start, and deep in the loop.
      yield* Effect.sleep("1 second")
      process.stdout.write(`${JSON.stringify(children.pids())}\n`)
      yield* Effect.never
      return request
    })
  )
)
