/**
 * Effect's own cluster: an entity on the only runner, with storage in memory and no sockets, as `TestRunner` puts it together.
 * Messages are not persisted, so nothing of them is stored.
 */
import { Effect, Schema } from "effect"
import { Entity, TestRunner } from "effect/cluster"
import { Rpc } from "effect/rpc"
import { finish } from "../Measure.ts"
import { runEffectSubject } from "./Workload.ts"

const Counter = Entity.make("Counter", [
  Rpc.make("Add", { payload: { amount: Schema.Number }, success: Schema.Number })
])
const CounterLive = Counter.toLayer(
  Effect.sync(() => {
    let total = 0
    return Counter.of({ Add: ({ payload }) => Effect.sync(() => (total += payload.amount)) })
  })
)

await Effect.gen(function* () {
  const client = yield* Counter.client
  const counter = client("one")
  yield* Effect.promise(() =>
    runEffectSubject({
      ask: (amount) => counter.Add({ amount }),
      tell: (amount) => counter.Add({ amount }, { discard: true })
    })
  )
}).pipe(Effect.provide(CounterLive), Effect.provide(TestRunner.layer), Effect.scoped, Effect.runPromise)
finish()
