/**
 * Timers: messages that an actor sends to itself, once or in a rhythm. A session ends when nobody has used it for a while; each use sets
 * its timer anew. Timers belong to one life of their actor: whoever ends or crashes has none any more.
 */
import { actor, ActorSystem } from "@continuum/actors"

const said: Array<string> = []

const Session = actor("session", {
  state: { uses: 0 },
  use: ({ uses }, _: void, context) => {
    // In place of the timer of this key that was set before.
    context.setTimer("idle", { after: "300 millis" }, "expire")
    if (uses === 0) context.setTimer("save", { every: "100 millis" }, "save")
    return { uses: uses + 1 }
  },
  save: (state) => {
    said.push("saved")
    return state
  },
  expire: ({ uses }, _: void, context) => {
    said.push(`expired after ${uses} uses`)
    context.end()
    return { uses }
  }
})

const system = await ActorSystem.start()
const session = system.ref(Session, "ada")
for (let use = 0; use < 3; use++) {
  await session.use()
  await new Promise((resolve) => setTimeout(resolve, 150))
}
console.log(`in use for longer than it may be idle: ${!said.some((line) => line.startsWith("expired"))}`)

while (!said.some((line) => line.startsWith("expired"))) await new Promise((resolve) => setTimeout(resolve, 10))
console.log(said.at(-1))
console.log(`saved again and again: ${said.filter((line) => line === "saved").length > 2}`)

// The timers ended with it.
const count = said.length
await new Promise((resolve) => setTimeout(resolve, 250))
console.log(`nothing is saved any more: ${said.length === count}`)
await system.stop()
