/** Two actors send one message to and fro. An operation is one message. */
import { check, finished, type Program, type Send } from "./Library.ts"

export const pingPong: Program = {
  id: "pingpong",
  label: "Ping-pong",
  run: async ({ spawn }, operations) => {
    const handled = { ping: 0, pong: 0 }
    await finished<void>((done) => {
      const ping: Send<number> = spawn((left) => {
        handled.ping++
        if (left === 0) done()
        else pong(left - 1)
      })
      const pong: Send<number> = spawn((left) => {
        handled.pong++
        if (left === 0) done()
        else ping(left - 1)
      })
      ping(operations - 1)
    })
    check("The number of pings", handled.ping, Math.ceil(operations / 2))
    check("The number of pongs", handled.pong, Math.floor(operations / 2))
  }
}
