/**
 * What the process does that is going to be killed: it counts with durable actors, half of which are made of events, and two more send
 * what they count to durable mailboxes. It says each number on standard output once it is acknowledged. It kills itself with SIGKILL
 * in the middle of a commit.
 */
import { actor, emit, reply } from "@continuum/actors/Actor"
import { ActorStorage } from "@continuum/actors/ActorStorage"
import * as ActorStorageLmdb from "@continuum/actors/ActorStorageLmdb"
import { ActorSystem } from "@continuum/actors/ActorSystem"
import { Effect, Layer } from "effect"
import { writeSync } from "node:fs"
import * as process from "node:process"

const Counter = actor("counter", { state: 0, add: (state, n: number) => state + n, get: (state) => state })
const Journaled = actor(
  "journaled",
  {
    state: 0,
    add: (_, n: number) => emit(n, (total: number) => total),
    get: () => emit([], (total: number) => total)
  },
  { journal: { apply: (state: number, n: number) => state + n, snapshotEvery: 7, keep: 20 } }
)

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

/** The storage that ends its process so many microseconds after this commit has begun: before, in or after its flush. */
const deadly = (storage: ActorStorage["Service"], commit: number, microseconds: number): ActorStorage["Service"] => {
  let commits = 0
  const killAt = (timeMs: number): void => {
    // LMDB's own turns come in between.
    if (performance.now() < timeMs) setImmediate(killAt, timeMs)
    else process.kill(process.pid, "SIGKILL")
  }
  return {
    ...storage,
    commit: (batch) =>
      Effect.suspend(() => {
        if (++commits === commit) killAt(performance.now() + microseconds / 1_000)
        return storage.commit(batch)
      })
  }
}

/** `args`: the directory, the number of the commit that is the last, and how many microseconds after its begin it ends. */
export const countUntilKilled = ([dir, commit, microseconds]: ReadonlyArray<string>): Promise<never> =>
  Effect.gen(function* () {
    const system = yield* ActorSystem
    const counters = Array.from({ length: 5 }, (_, i) => [
      { name: `c${i}`, ref: system.ref(Counter, `c${i}`) },
      { name: `j${i}`, ref: system.ref(Journaled, `j${i}`) }
    ]).flat()
    const tellers = ["till", "book"].map((name) => ({ name, ref: system.ref(Teller, name) }))
    const all = [...counters, ...tellers]
    const found = new Map<string, number>()
    for (const { name, ref } of all) {
      found.set(name, yield* ref.get())
      say("found", name, found.get(name)!)
    }
    // Only now are there tills, which handle what the last process left.
    const tills = { till: system.ref(Till, "t"), book: system.ref(Book, "b") }
    for (const [name, till] of Object.entries(tills)) {
      for (let look = 0; look < 5_000 && (yield* till.get()) < found.get(name)!; look++) yield* Effect.sleep(1)
      say("received", name, yield* till.get())
    }
    return yield* Effect.forEach(
      all,
      ({ name, ref }) => Effect.forever(Effect.map(ref.add(1), (value) => say("acknowledged", name, value))),
      { concurrency: "unbounded", discard: true }
    )
  }).pipe(
    Effect.andThen(Effect.never),
    Effect.provide(ActorSystem.layer()),
    Effect.provide(
      Layer.effect(
        ActorStorage,
        Effect.map(ActorStorageLmdb.make({ dir: dir! }), (storage) =>
          deadly(storage, Number(commit), Number(microseconds))
        )
      )
    ),
    Effect.runPromise
  )
