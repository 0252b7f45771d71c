/** Our durable actors without durable mailboxes: the state is stored, and no message. */
import * as Actor from "@continuum/actors/Actor"
import { ActorSystem } from "@continuum/actors/ActorSystem"
import { finish } from "../Measure.ts"
import { initialState, type State } from "../Stores.ts"
import { runStore, senders } from "./Workload.ts"

const Account = Actor.actor("account", {
  state: initialState,
  add: (state: State) => {
    const next = { ...state, count: state.count + 1 }
    return Actor.reply(next, next.count)
  },
  count: (state: State) => Actor.reply(state, state.count)
})

await runStore({
  open: async (dir) => {
    const { ref, stop } = await ActorSystem.start({ dir })
    const accounts = Array.from({ length: senders }, (_, sender) => ref(Account, `${sender}`))
    return {
      tell: async (sender) => void (await accounts[sender]!.add()),
      handled: (sender) => accounts[sender]!.count(),
      once: (sender) => accounts[sender]!.add(),
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
