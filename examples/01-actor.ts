/**
 * The smallest actor: a state, two messages, and a ref whose methods are typed by the handlers.
 */
import { actor, ActorSystem, reply } from "@continuum/actors"

const Counter = actor("counter", {
  state: 0,
  // What a handler returns is the new state and the reply.
  add: (state, n: number) => state + n,
  // `reply` separates the two.
  describe: (state) => reply(state, `the count is ${state}`)
})

const system = await ActorSystem.start()
const counter = system.ref(Counter, "cart-42")

console.log(await counter.add(1))
console.log(await counter.add(41))
console.log(await counter.describe())

await system.stop()
