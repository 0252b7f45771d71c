/** Our actors through refs of Effects, asked from one fiber. Supervision, deadlines and counters are on, as always. */
import * as Actor from "@continuum/actors/Actor"
import { ActorSystem } from "@continuum/actors/ActorSystem"
import { Effect } from "effect"
import { finish } from "../Measure.ts"
import { runEffectSubject } from "./Workload.ts"

const Counter = Actor.actor("counter", { state: 0, add: (state, amount: number) => state + amount })

await Effect.gen(function* () {
  const system = yield* ActorSystem
  const counter = system.ref(Counter, "one")
  yield* Effect.promise(() =>
    runEffectSubject({ ask: (amount) => counter.add(amount), tell: (amount) => counter.tell.add(amount) })
  )
}).pipe(Effect.provide(ActorSystem.layerWithoutStorage()), Effect.runPromise)
finish()
