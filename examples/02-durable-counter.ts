/**
 * A durable counter: run it again and it goes on where it was, also after `kill -9`. A reply means that the new state
 * is safe on the disk.
 */
import { actor, ActorSystem } from "@continuum/actors"

const Counter = actor("counter", { state: 0, add: (state, n: number) => state + n })

const system = await ActorSystem.start({ dir: process.env["COUNTER_DIR"] ?? "./data" })
console.log(await system.ref(Counter, "cart-42").add(1))
await system.stop()
