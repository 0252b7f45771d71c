/** Our actors through refs of Promises. Supervision, deadlines and counters are on, as always. */
import * as Actor from "@continuum/actors/Actor"
import { ActorSystem } from "@continuum/actors/ActorSystem"
import { finish } from "../Measure.ts"
import { runPromiseSubject } from "./Workload.ts"

const Counter = Actor.actor("counter", { state: 0, add: (state, amount: number) => state + amount })

const system = await ActorSystem.start()
const counter = system.ref(Counter, "one")

let ended: () => void = () => {}
let partnerOfPing: { readonly tell: { readonly hit: (left: number) => void } }
let partnerOfPong: typeof partnerOfPing
const Ping = Actor.actor("ping", {
  state: 0,
  begin: () => 0,
  hit: (state, left: number) => {
    if (left > 0) partnerOfPing.tell.hit(left - 1)
    else ended()
    return state + 1
  },
  count: (state) => state
})
const Pong = Actor.actor("pong", {
  state: 0,
  begin: () => 0,
  hit: (state, left: number) => {
    if (left > 0) partnerOfPong.tell.hit(left - 1)
    else ended()
    return state + 1
  },
  count: (state) => state
})
const ping = system.ref(Ping, "one")
const pong = system.ref(Pong, "one")
partnerOfPing = pong
partnerOfPong = ping

await runPromiseSubject({
  ask: (amount) => counter.add(amount),
  tell: (amount) => counter.tell.add(amount),
  pingPong: async (messages) => {
    await ping.begin()
    await pong.begin()
    await new Promise<void>((resolve) => {
      ended = resolve
      ping.tell.hit(messages - 1)
    })
    return { pings: await ping.count(), pongs: await pong.count() }
  }
})
await system.stop()
finish()
