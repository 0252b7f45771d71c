/**
 * What the process does that is going to be killed: it counts with ten durable actors at a time, and two more send what they count to
 * durable mailboxes. It says each number on standard output once it is acknowledged, and what it finds when it starts.
 */
import { actor, emit, reply } from "@continuum/actors/Actor"
import { ActorSystem } from "@continuum/actors/ActorSystem"
import { writeSync } from "node:fs"

const Counter = actor("counter", { state: 0, add: (state, n: number) => state + n, get: (state) => state })

/** Counts the payments of its teller, which come in order; one that came twice is counted twice. One till has a journal. */
const received = (state: number, n: number): number => {
  if (n > state + 1) throw new Error(`payment ${n} came after ${state}`)
  return state + 1
}
const Till = actor("till", { state: 0, pay: received, get: (state) => reply(state, state) }, { mailbox: "durable" })
const Book = actor(
  "book",
  { state: 0, pay: (_: number, n: number) => emit(n), get: (state: number) => reply(state, state) },
  { mailbox: "durable", journal: { apply: received, snapshotEvery: 7 } }
)
const Teller = actor("teller", {
  state: 0,
  add: (state, n: number, context) => {
    const to = context.name === "till" ? context.ref(Till, "t") : context.ref(Book, "b")
    to.tell.pay(state + n)
    return state + n
  },
  get: (state) => state
})

const say = (word: string, name: string, value: number) => writeSync(1, `${word} ${name} ${value}\n`)

export const countForEver = async (dir: string): Promise<never> => {
  const system = await ActorSystem.start({ dir })
  const names = Array.from({ length: 10 }, (_, i) => `c${i}`)
  for (const name of names) say("found", name, await system.ref(Counter, name).get())
  const tellers = ["till", "book"] as const
  for (const name of tellers) {
    const sent = await system.ref(Teller, name).get()
    say("found", name, sent)
    const arrived = name === "till" ? system.ref(Till, "t") : system.ref(Book, "b")
    // What the last life left is on its way.
    for (let look = 0; look < 5_000 && (await arrived.get()) < sent; look++)
      await new Promise((resolve) => setTimeout(resolve, 1))
    say("received", name, await arrived.get())
  }
  const count = async (name: string, counter: { readonly add: (n: number) => Promise<number> }): Promise<never> => {
    for (;;) say("acknowledged", name, await counter.add(1))
  }
  return Promise.race([
    ...names.map((name) => count(name, system.ref(Counter, name))),
    ...tellers.map((name) => count(name, system.ref(Teller, name)))
  ])
}
