/**
 * How the run queue gets the host's thread: soon, before timers and I/O, or after these had their share. A simulation provides its
 * own and decides by it the order of everything.
 */
import { Context, Scheduler } from "effect"

/** What runs the queue. */
export interface Drain {
  /** Whether an ask of an idle actor may be handled at once. A simulation says no, to see every interleaving. */
  readonly direct: boolean
  /** Runs the task soon, before timers and I/O. */
  readonly soon: (task: () => void) => void
  /** Runs the task after timers and I/O had their share. */
  readonly later: (task: () => void) => void
  /**
   * Whole numbers below a bound. Where it is present it decides who is next and how long a turn lasts, and everything else gets
   * its share after each turn.
   */
  readonly chance?: (below: number) => number
}

/** Absent: microtasks for `soon` and Effect's Scheduler for `later`. */
export const Drain = Context.Reference<Drain | undefined>("@continuum/actors/RunQueue/Drain", {
  defaultValue: () => undefined
})

/** Both through a Scheduler of Effect: with a seeded one, actors and fibers replay together. */
export const drainByScheduler = (scheduler: Scheduler.Scheduler): Drain => {
  const dispatcher = scheduler.makeDispatcher()
  const schedule = (task: () => void) => dispatcher.scheduleTask(task, 0)
  return { direct: false, soon: schedule, later: schedule }
}

/** The drain of a context: its own if it has one, otherwise the default. */
export const drainOf = (context: Context.Context<never>): Drain =>
  Context.get(context, Drain) ?? {
    direct: true,
    soon: queueMicrotask,
    later: drainByScheduler(Context.get(context, Scheduler.Scheduler)).later
  }
