/**
 * What the Savina programs need of an actor library: actors that are functions, and messages to them. Each program is written
 * once and runs on every library. Source: S. Imam, V. Sarkar, "Savina - An Actor Benchmark Suite", AGERE 2014.
 */
export { check } from "../../Measure.ts"

/** Sends a message to one actor and does not wait. */
export type Send<Message> = (message: Message) => void

export interface Library {
  /** A new actor, whose function gets one message at a time. It is called for the first message at the earliest. */
  readonly spawn: <Message>(receive: (message: Message) => void) => Send<Message>
  /** The same, for an actor that ends by itself after one message. */
  readonly spawnOnce: <Message>(receive: (message: Message) => void) => Send<Message>
}

/** One program: does so many operations and checks what came of them. */
export interface Program {
  readonly id: string
  readonly label: string
  readonly run: (library: Library, operations: number) => Promise<void>
}

/** Waits until `done` is called, with what it was called with. */
export const finished = <A>(begin: (done: (result: A) => void) => void): Promise<A> => new Promise(begin)

/** Numbers below a bound, the same in every run (a linear congruential generator of Numerical Recipes). */
export const randomOf = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 4_294_967_296) * below)
  }
}
