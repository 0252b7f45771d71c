/**
 * The Scheduler of the fibers of one actor's handlers: they run in turns of their actor on the shared run queue, and nowhere else.
 *
 * At every operation of an Effect it is asked whether the fiber should make way: when its turn is used up, when a better actor woke,
 * or when something else than its turn woke it (a Deferred, a timer, the answer of another actor). It goes on later where it
 * stopped. One block of synchronous code is one operation and cannot be stopped.
 */
import { Context, Effect, type Fiber, Scheduler, Tracer } from "effect"
import * as Limits from "./Limits.ts"
import { CurrentMessage, type Message } from "./Message.ts"
import type { Runnable, RunQueue } from "./RunQueue.ts"

export class ActorScheduler implements Runnable, Scheduler.Scheduler, Scheduler.SchedulerDispatcher {
  readonly executionMode = "async"
  private readonly queue: RunQueue
  private readonly actor: Runnable
  private readonly context: Context.Context<never>
  private tasks: Array<() => void>
  private isQueued: boolean
  // Operations of this turn: of the fibers before the present one, and of all.
  private operationsBefore: number
  private operations: number
  private fiber: Fiber.Fiber<unknown, unknown> | undefined

  constructor(queue: RunQueue, actor: Runnable, context: Context.Context<never>) {
    this.queue = queue
    this.actor = actor
    this.context = Context.add(context, Scheduler.Scheduler, this)
    this.tasks = []
    this.isQueued = false
    this.operationsBefore = 0
    this.operations = 0
    this.fiber = undefined
  }

  get priority(): number {
    return this.actor.priority
  }

  get owner(): Runnable {
    return this.actor
  }

  get ready(): boolean {
    return this.isQueued
  }

  /** Starts the fiber of a handler at once, in the turn that the actor is in. */
  start<A, E>(effect: Effect.Effect<A, E>, message: Message): Fiber.Fiber<A, E> {
    this.begin()
    const span = message.ask?.parentSpan
    const context = Context.add(this.context, CurrentMessage, message)
    const fiber = Effect.runForkWith(span === undefined ? context : Context.add(context, Tracer.ParentSpan, span))(
      effect
    )
    const work = this.end()
    if (work > 0) this.queue.charge(work)
    return fiber
  }

  shouldYield(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    const { queue } = this
    if (fiber !== this.fiber) {
      this.fiber = fiber
      this.operationsBefore = this.operations
    }
    const operations = this.operationsBefore + fiber.currentOpCount
    if (queue.running === this.actor) {
      this.operations = operations
      return queue.turnOver || operations >= queue.turnOperations
    }
    // Woken outside of its turn. While nobody waits for the thread it need not either.
    return queue.running !== undefined || !queue.idle || operations >= queue.turnOperations
  }

  /** Counts work, in messages, that is no operation of an Effect. Whether the fiber should make way now. */
  spend(work: number): boolean {
    if (this.queue.running !== this.actor) return true
    this.queue.charge(work)
    return this.queue.turnOver
  }

  makeDispatcher(): Scheduler.SchedulerDispatcher {
    return this
  }

  scheduleTask(task: () => void): void {
    this.tasks.push(task)
    if (this.isQueued) return
    this.isQueued = true
    if (this.queue.running === this.actor) this.queue.continueWith(this)
    else this.queue.push(this)
  }

  flush(): void {
    while (this.tasks.length > 0) for (const task of this.tasks.splice(0)) task()
  }

  /** Runs the fibers that are ready, for at most a turn. */
  turn(): number {
    const { queue, tasks } = this
    queue.running = this.actor
    this.begin()
    let done = 0
    while (done < tasks.length && this.operations < queue.turnOperations && !queue.turnOver) {
      this.fiber = undefined
      tasks[done++]!()
    }
    if (done === tasks.length) tasks.length = 0
    else tasks.splice(0, done)
    this.isQueued = tasks.length > 0
    return Math.max(1, this.end())
  }

  private begin(): void {
    this.operations = 0
    this.operationsBefore = 0
    this.fiber = undefined
  }

  /** The work of the turn, in messages. */
  private end(): number {
    this.fiber = undefined
    return Math.floor(this.operations / Limits.operationsPerMessage)
  }
}
