/** nact: actors are functions of state and message, each message handled in a `setImmediate` of its own. */
import { dispatch, query, spawn, start } from "nact"
import { finish } from "../Measure.ts"
import { runPromiseSubject } from "./Workload.ts"

interface CounterMessage {
  readonly amount: number
  /** Present when the sender asks. */
  readonly reply?: unknown
}

const system = start()
const counter = spawn<number, CounterMessage>(
  system,
  (total, { amount, reply }) => {
    const next = total + amount
    if (reply !== undefined) dispatch(reply, next)
    return next
  },
  "counter",
  { initialState: 0 }
)

/** nact requires a time limit of every query; ours has the same by default. */
const queryMsMax = 30_000

interface Game {
  pings: number
  pongs: number
  ended: () => void
}
const game: Game = { pings: 0, pongs: 0, ended: () => {} }
const ping = spawn<number, number>(
  system,
  (state, left) => {
    game.pings++
    if (left > 0) dispatch(pong, left - 1)
    else game.ended()
    return state + 1
  },
  "ping",
  { initialState: 0 }
)
const pong = spawn<number, number>(
  system,
  (state, left) => {
    game.pongs++
    if (left > 0) dispatch(ping, left - 1)
    else game.ended()
    return state + 1
  },
  "pong",
  { initialState: 0 }
)

await runPromiseSubject({
  ask: (amount) => query<number>(counter, (reply) => ({ amount, reply }), queryMsMax),
  tell: (amount) => dispatch(counter, { amount }),
  pingPong: async (messages) => {
    game.pings = 0
    game.pongs = 0
    await new Promise<void>((resolve) => {
      game.ended = resolve
      dispatch(ping, messages - 1)
    })
    return game
  }
})
finish()
