/**
 * XState: transition logic, which is its lightest kind of actor. `send` runs the receiver before it returns, unless that is
 * busy. XState has no ask; the event carries the function that takes the reply.
 */
import { createActor, fromTransition } from "xstate"
import { finish } from "../Measure.ts"
import { runPromiseSubject } from "./Workload.ts"

type CounterEvent =
  | { readonly type: "add"; readonly amount: number }
  | { readonly type: "ask"; readonly amount: number; readonly reply: (total: number) => void }

const counter = createActor(
  fromTransition((total: number, event: CounterEvent) => {
    const next = total + event.amount
    if (event.type === "ask") event.reply(next)
    return next
  }, 0)
).start()

type HitEvent = { readonly type: "begin" } | { readonly type: "hit"; readonly left: number }
let ended: () => void = () => {}
let partnerOfPing: { readonly send: (event: HitEvent) => void }
let partnerOfPong: typeof partnerOfPing
const ping = createActor(
  fromTransition((state: number, event: HitEvent) => {
    if (event.type === "begin") return 0
    if (event.left > 0) partnerOfPing.send({ type: "hit", left: event.left - 1 })
    else ended()
    return state + 1
  }, 0)
).start()
const pong = createActor(
  fromTransition((state: number, event: HitEvent) => {
    if (event.type === "begin") return 0
    if (event.left > 0) partnerOfPong.send({ type: "hit", left: event.left - 1 })
    else ended()
    return state + 1
  }, 0)
).start()
partnerOfPing = pong
partnerOfPong = ping

await runPromiseSubject({
  ask: (amount) => new Promise((reply) => counter.send({ type: "ask", amount, reply })),
  tell: (amount) => counter.send({ type: "add", amount }),
  pingPong: async (messages) => {
    ping.send({ type: "begin" })
    pong.send({ type: "begin" })
    await new Promise<void>((resolve) => {
      ended = resolve
      ping.send({ type: "hit", left: messages - 1 })
    })
    return { pings: ping.getSnapshot().context, pongs: pong.getSnapshot().context }
  }
})
finish()
