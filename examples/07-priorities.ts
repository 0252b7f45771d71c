/**
 * Priorities: three actors that keep the thread busy share it by weight, and one that wakes does not wait for them.
 * An actor 32 steps above another gets twice its time.
 */
import { Actor, ActorSystem } from "@continuum/actors"
import { Effect } from "effect"

const priorities = { low: 96, normal: 128, high: 160 }
const steps = { low: 0, normal: 0, high: 0 }
let left = 1_000_000

const system = await ActorSystem.start()

const busy = Object.entries(priorities).map(([name, priority]) => {
  const Busy = Actor.actor(
    name,
    {
      state: 0,
      // An Effect makes way between any two of its operations; a plain loop could not.
      run: (state) =>
        Effect.as(
          Effect.whileLoop({
            while: () => left > 0,
            body: () => Effect.sync(() => left--),
            step: () => steps[name as keyof typeof steps]++
          }),
          state
        )
    },
    { priority }
  )
  return system.ref(Busy, "one").run()
})

const Urgent = Actor.actor("urgent", { state: 0, ask: (state) => state + 1 }, { priority: 255 })
await system.ref(Urgent, "one").ask()
console.log(`the urgent one answers while there is work left: ${left > 0}`)

await Promise.all(busy)
const total = steps.low + steps.normal + steps.high
for (const name of ["low", "normal", "high"] as const) {
  console.log(`${name}: ${Math.round((100 * steps[name]) / total)} %`)
}
await system.stop()
