/** A million of our actors: created, left alone, and each sent one more message. */
import * as Actor from "@continuum/actors/Actor"
import { ActorSystem } from "@continuum/actors/ActorSystem"
import process from "node:process"
import { check, finish, quick, record } from "../../Measure.ts"
import { heapBytes } from "./Heap.ts"

const actors = quick ? 1_000 : 1_000_000
/** Messages sent before the actors get their turns. */
const burst = 1_000

const Counter = Actor.actor("counter", { state: 0, add: (state, n: number) => state + n, get: (state) => state })
const system = await ActorSystem.start({ freeze: false })

/** Sends one message to each and waits until the last has handled it. CPU nanoseconds for one. */
const tellAll = async (amount: number, total: number): Promise<number> => {
  const cpu = process.cpuUsage()
  for (let i = 0; i < actors; i++) {
    system.ref(Counter, String(i)).tell.add(amount)
    if (i % burst === burst - 1) await new Promise((resolve) => setImmediate(resolve))
  }
  check("The state of the last", await system.ref(Counter, String(actors - 1)).get(), total)
  const { system: inKernel, user } = process.cpuUsage(cpu)
  return ((user + inKernel) * 1_000) / actors
}

const before = await heapBytes()
const create = await tellAll(1, 1)
check("The number of active actors", system.totals().activeActors, actors)
record({ case: "create", cpuNs: create })
record({ case: "room", bytes: ((await heapBytes()) - before) / actors })
record({ case: "message", cpuNs: await tellAll(2, 3) })
check("The number of messages handled", system.totals().processed, 2 * (actors + 1))
record({ case: "process", bytes: process.memoryUsage().rss / actors })
finish()
