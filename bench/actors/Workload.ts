/**
 * What every actor library has to do here: a counter that is asked and told, and two actors that play ping-pong.
 *
 * One operation is one message handled. Messages are numbers and handlers add, so that what is measured is the way of
 * the message and not the work at its end. There is one form for libraries of Promises and one for those of Effect.
 */
import { Effect } from "effect"
import { check, measure } from "../Measure.ts"

/** A running counter, and a game that can be played again and again. */
export interface PromiseSubject {
  /** Adds, and answers the new total. */
  readonly ask: (amount: number) => Promise<number>
  /** Adds, and tells nobody. */
  readonly tell: (amount: number) => void
  /** Sends a message to and fro until it was handled `messages` times, and says how often each side handled it. */
  readonly pingPong: (messages: number) => Promise<{ readonly pings: number; readonly pongs: number }>
}

/** The same with Effects. */
export interface EffectSubject {
  readonly ask: (amount: number) => Effect.Effect<number, unknown>
  readonly tell: (amount: number) => Effect.Effect<unknown, unknown>
}

/** Asks under way at once in the concurrent case. */
const inFlight = 64

/** Tells between two asks that wait until all are handled: below every library's limit of waiting messages. */
const burst = 1_000

export const runPromiseSubject = async ({ ask, tell, pingPong }: PromiseSubject): Promise<void> => {
  let total = await ask(0)

  await measure("ask", async (operations) => {
    let last = total
    for (let i = 0; i < operations; i++) last = await ask(1)
    check("The total after asks", last, (total += operations))
  })

  await measure("ask64", async (operations) => {
    let left = operations
    const asker = async () => {
      while (left-- > 0) await ask(1)
    }
    await Promise.all(Array.from({ length: inFlight }, asker))
    check("The total after concurrent asks", await ask(0), (total += operations))
  })

  await measure("tell", async (operations) => {
    let last = total
    for (let left = operations; left > 0; left -= burst) {
      for (let i = Math.min(burst, left) - 1; i > 0; i--) tell(1)
      last = await ask(1)
    }
    check("The total after tells", last, (total += operations))
  })

  await measure("pingpong", async (operations) => {
    const { pings, pongs } = await pingPong(operations)
    check("The number of pings", pings, Math.ceil(operations / 2))
    check("The number of pongs", pongs, Math.floor(operations / 2))
  })
}

export const runEffectSubject = async ({ ask, tell }: EffectSubject): Promise<void> => {
  let total = await Effect.runPromise(ask(0))
  const repeat = (operations: number, body: () => Effect.Effect<unknown, unknown>) =>
    Effect.suspend(() => {
      let left = operations
      return Effect.whileLoop({ while: () => left-- > 0, body, step: () => {} })
    })
  const askOne = () => ask(1)
  const tellOne = () => tell(1)

  await measure("ask", async (operations) => {
    await Effect.runPromise(repeat(operations, askOne))
    check("The total after asks", await Effect.runPromise(ask(0)), (total += operations))
  })

  await measure("ask64", async (operations) => {
    let left = operations
    const asker = Effect.whileLoop({ while: () => left-- > 0, body: askOne, step: () => {} })
    const askers = Array.from({ length: inFlight }, () => asker)
    await Effect.runPromise(Effect.all(askers, { concurrency: "unbounded", discard: true }))
    check("The total after concurrent asks", await Effect.runPromise(ask(0)), (total += operations))
  })

  await measure("tell", async (operations) => {
    const bursts = Effect.suspend(() => {
      let left = operations
      return Effect.whileLoop({
        while: () => left > 0,
        body: () => {
          const tells = Math.min(burst, left) - 1
          left -= burst
          return Effect.andThen(repeat(tells, tellOne), ask(1))
        },
        step: () => {}
      })
    })
    await Effect.runPromise(bursts)
    check("The total after tells", await Effect.runPromise(ask(0)), (total += operations))
  })
}
