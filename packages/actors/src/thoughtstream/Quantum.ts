/**
 * The place where work that is not made of Effects makes way for a better actor: what runs WebAssembly says after each slice how much
 * fuel it took, what runs a language model says after each token. Then the rest waits, and goes on where it stopped.
 *
 * Fuel counts as CPU time of the actor whose handler this is. Tokens count for the turn of the ThoughtStream that the fiber holds,
 * if it holds one.
 */
import { Context, Effect, Scheduler } from "effect"
import { ActorScheduler } from "../ActorScheduler.ts"
import * as Limits from "../Limits.ts"
import type { TurnLost } from "./TurnError.ts"

/** Counts tokens and waits while a better process has the slot. */
export type Tokens = (count: number) => Effect.Effect<void, TurnLost>

/** What `tokens` does in this fiber; a turn of the ThoughtStream provides its own. */
export const CurrentTokens = Context.Reference<Tokens>("@continuum/actors/Quantum/CurrentTokens", {
  defaultValue: () => () => Effect.yieldNow
})

/** So much fuel (WebAssembly instructions) was used. Gives the thread to others if the turn is over. */
export const fuel = (instructions: number): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    const scheduler = fiber.getRef(Scheduler.Scheduler)
    const makesWay =
      !(scheduler instanceof ActorScheduler) || scheduler.spend(Math.ceil(instructions / Limits.fuelPerMessage))
    return makesWay ? Effect.yieldNow : Effect.void
  })

/** So many tokens were read or written. Fails with `TurnLost` when the turn took longer than it may. */
export const tokens = (count: number): Effect.Effect<void, TurnLost> =>
  Effect.withFiber((fiber) => fiber.getRef(CurrentTokens)(count))
