/** Our durable actors on LMDB: a checksum on each record, group commit, replies after the flush. */
import * as Actor from "@continuum/actors/Actor"
import { ActorSystem } from "@continuum/actors/ActorSystem"
import { finish } from "../Measure.ts"
import { initialState, type State } from "../Stores.ts"
import { runStore } from "./Workload.ts"

const add = (state: State) => {
  const next = { ...state, count: state.count + 1 }
  return Actor.reply(next, next.count)
}
const count = (state: State) => Actor.reply(state, state.count)
const Flushed = Actor.actor("flushed", { state: initialState, add, count })
const Committed = Actor.actor("committed", { state: initialState, add, count }, { ack: "committed" })

await runStore({
  open: async (dir) => {
    const system = await ActorSystem.start({ dir })
    const flushed = Array.from({ length: 1_024 }, (_, writer) => system.ref(Flushed, `${writer}`))
    const committed = Array.from({ length: 64 }, (_, writer) => system.ref(Committed, `${writer}`))
    return {
      flushed: (writer) => flushed[writer]!.add(),
      committed: (writer) => committed[writer]!.add(),
      close: system.stop
    }
  },
  read: async (dir) => {
    const system = await ActorSystem.start({ dir })
    const refs = [
      ...Array.from({ length: 1_024 }, (_, writer) => system.ref(Flushed, `${writer}`)),
      ...Array.from({ length: 64 }, (_, writer) => system.ref(Committed, `${writer}`))
    ]
    const counts = await Promise.all(refs.map((ref) => ref.count()))
    await system.stop()
    return counts
  }
})
finish()
