/** Our actors with durable mailboxes on LMDB. */
import * as Actor from "@continuum/actors/Actor"
import { ActorSystem } from "@continuum/actors/ActorSystem"
import { Effect } from "effect"
import { finish } from "../Measure.ts"
import { initialState, type State } from "../Stores.ts"
import { runStore, senders } from "./Workload.ts"

const Account = Actor.actor(
  "account",
  {
    state: initialState,
    add: (state: State) => {
      const next = { ...state, count: state.count + 1 }
      return Actor.reply(next, next.count)
    },
    count: (state: State) => Actor.reply(state, state.count)
  },
  { mailbox: "durable" }
)

await runStore({
  open: async (dir) => {
    const { ref, stop, system } = await ActorSystem.start({ dir })
    const accounts = Array.from({ length: senders }, (_, sender) => system.ref(Account, `${sender}`))
    return {
      // Of the ref for Effect, whose tell waits.
      tell: (sender) => Effect.runPromise(accounts[sender]!.tell.add()),
      handled: (sender) => Effect.runPromise(accounts[sender]!.count()),
      once: (sender, sequence) => ref(Account, `${sender}`, { id: { stream: "bench", sequence } }).add(),
      close: stop
    }
  },
  read: async (dir) => {
    const { ref, stop } = await ActorSystem.start({ dir })
    const counts = await Promise.all(Array.from({ length: senders }, (_, sender) => ref(Account, `${sender}`).count()))
    await stop()
    return counts
  }
})
finish()
