/**
 * What only some actors have: a past, relations, timers, senders that wait, messages set aside, a fiber. Made at the first of these, so
 * that the others are small and quickly made.
 */
import type { Fiber } from "effect"
import type { ActorScheduler } from "./ActorScheduler.ts"
import type { Beside } from "./Beside.ts"
import type { Waiting } from "./Mailbox.ts"
import type { Senders } from "./Overflow.ts"
import type { Relations } from "./Relations.ts"
import type * as Supervisor from "./Supervisor.ts"
import type { Timeline } from "./Timelines.ts"
import type { Timers } from "./Timers.ts"

export class ActorParts {
  history: Supervisor.History | undefined
  relations: Relations | undefined
  timers: Timers | undefined
  /** Senders that wait for room in the mailbox. */
  senders: Senders | undefined
  /** Messages that were set aside, oldest first. */
  stash: Array<Waiting> | undefined
  /** Its past, where one is kept. */
  timeline: Timeline | undefined
  /** Reentrant messages that are being handled. */
  beside: Beside | undefined
  /** The fiber of the handler, of a load or of a backoff: an actor is never in two of these at once. */
  fiber: Fiber.Fiber<unknown, unknown> | undefined
  /** Made for the first handler that returns an Effect. */
  scheduler: ActorScheduler | undefined

  constructor() {
    this.history = undefined
    this.relations = undefined
    this.timers = undefined
    this.senders = undefined
    this.stash = undefined
    this.timeline = undefined
    this.beside = undefined
    this.fiber = undefined
    this.scheduler = undefined
  }
}
