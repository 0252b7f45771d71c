/** The floor: a function called in a microtask. No mailbox, no supervision, no deadline; nothing is an actor. */
import { finish } from "../Measure.ts"
import { runPromiseSubject } from "./Workload.ts"

let total = 0

await runPromiseSubject({
  ask: (amount) =>
    new Promise((resolve) =>
      queueMicrotask(() => {
        total += amount
        resolve(total)
      })
    ),
  tell: (amount) =>
    queueMicrotask(() => {
      total += amount
    }),
  pingPong: (messages) =>
    new Promise((resolve) => {
      let pings = 0
      let pongs = 0
      let left = messages
      const ping = () => {
        pings++
        if (--left > 0) queueMicrotask(pong)
        else resolve({ pings, pongs })
      }
      const pong = () => {
        pongs++
        if (--left > 0) queueMicrotask(ping)
        else resolve({ pings, pongs })
      }
      queueMicrotask(ping)
    })
})
finish()
