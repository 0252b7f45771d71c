/**
 * What the process does that is going to be killed: it counts with ten durable actors at a time, and says each number on
 * standard output once it is acknowledged.
 */
import { actor } from "@continuum/actors/Actor"
import { ActorSystem } from "@continuum/actors/ActorSystem"
import { writeSync } from "node:fs"

const Counter = actor("counter", { state: 0, add: (state, n: number) => state + n, get: (state) => state })
const say = (word: string, name: string, value: number) => writeSync(1, `${word} ${name} ${value}\n`)

export const countForEver = async (dir: string): Promise<never> => {
  const system = await ActorSystem.start({ dir })
  const names = Array.from({ length: 10 }, (_, i) => `c${i}`)
  for (const name of names) say("found", name, await system.ref(Counter, name).get())
  const count = async (name: string): Promise<never> => {
    const counter = system.ref(Counter, name)
    for (;;) say("acknowledged", name, await counter.add(1))
  }
  return Promise.race(names.map(count))
}
