/**
 * One actor: its state, its mailbox and where it is in its life. A plain object that takes turns on the run queue; a
 * fiber exists only while a handler's Effect runs, and its Exit decides what the supervisor does.
 *
 * Guarantees: one message at a time, also across awaits; a state replaces another only when its handler succeeded; every
 * message taken from the mailbox is answered, dead-lettered, or belonged to an asker that had given up.
 */
import { Cause, Effect, Exit, type Fiber } from "effect"
import { type Entry, Reply } from "./Actor.ts"
import {
  ActorFailed,
  type ActorError,
  ActorStopped,
  type AddressUnknown,
  MailboxFull,
  StateNotStored
} from "./ActorError.ts"
import { ActorScheduler } from "./ActorScheduler.ts"
import type { ActorType } from "./ActorType.ts"
import type { Ask } from "./Ask.ts"
import { deepFreeze } from "./Freeze.ts"
import { type Durable, type Held, makeDurable } from "./GroupCommit.ts"
import type { Kernel } from "./Kernel.ts"
import { Mailbox } from "./Mailbox.ts"
import { addressText, Message } from "./Message.ts"
import type { Runnable } from "./RunQueue.ts"
import * as Supervisor from "./Supervisor.ts"

/**
 * Where an actor is in its life. `starting`: its state is being loaded. `restarting`: it waits out a backoff. `stopping`:
 * its last handler may end.
 */
export type Phase = "ready" | "starting" | "restarting" | "stopping" | "stopped"

export class ActorCell implements Runnable {
  readonly type: ActorType
  readonly name: string
  readonly mailbox: Mailbox
  phase: Phase
  state: unknown
  /** The message being handled. */
  current: Message | undefined
  /** Messages whose handlers ended, crashes excluded. */
  processed: number
  history: Supervisor.History | undefined
  startedAtMs: number | undefined
  stopReason: string
  /** Whether the actor is no longer in its type's table, because no actor of its name exists. */
  removed: boolean
  /** Bookkeeping of what is not stored yet; undefined for an actor that is not durable. */
  readonly durable: Durable | undefined
  // The fiber of the handler, of a load or of a backoff: an actor is never in two of these at once.
  private fiber: Fiber.Fiber<unknown, unknown> | undefined
  // Made for the first handler that returns an Effect.
  private scheduler: ActorScheduler | undefined
  private queued: boolean

  constructor(type: ActorType, name: string) {
    this.type = type
    this.name = name
    this.mailbox = new Mailbox(type.definition.mailboxCapacity)
    this.phase = "starting"
    this.state = undefined
    this.current = undefined
    this.processed = 0
    this.history = undefined
    this.startedAtMs = undefined
    this.stopReason = ""
    this.removed = false
    this.durable = type.durable ? makeDurable() : undefined
    this.fiber = undefined
    this.scheduler = undefined
    this.queued = false
  }

  get kernel(): Kernel {
    return this.type.kernel
  }

  get address(): string {
    return addressText(this.type.definition.kind, this.name)
  }

  get priority(): number {
    return this.type.priority
  }

  get ready(): boolean {
    return this.mailbox.size > 0 && this.phase === "ready" && this.current === undefined
  }

  /** Puts a message into the mailbox, or says why not. */
  offer(entry: Entry, payload: unknown, ask: Ask | undefined): MailboxFull | ActorStopped | undefined {
    if (this.phase === "stopped" || this.phase === "stopping") {
      return new ActorStopped({ address: this.address, reason: this.stopReason })
    }
    if (!this.mailbox.offer(entry, payload, ask)) {
      return new MailboxFull({ address: this.address, capacity: this.mailbox.capacity })
    }
    if (!this.queued) this.wake()
    return undefined
  }

  /** Handles a message at once, if the actor is idle and nobody else is waiting for a turn. Whether it did. */
  handleDirectly(entry: Entry, payload: unknown, ask: Ask): boolean {
    if (this.phase !== "ready" || this.current !== undefined || this.mailbox.size > 0) return false
    const { runQueue } = this.type.kernel
    if (!runQueue.enterDirect(this)) return false
    this.handle(entry, payload, ask)
    runQueue.leaveDirect()
    this.wake()
    return true
  }

  turn(): number {
    const { mailbox } = this
    const { runQueue } = this.type.kernel
    let handled = 0
    while (
      handled < runQueue.turnMessages &&
      !runQueue.turnOver &&
      this.phase === "ready" &&
      this.current === undefined &&
      mailbox.size > 0
    ) {
      const entry = mailbox.entry
      const payload = mailbox.payload
      const ask = mailbox.ask
      mailbox.drop()
      handled++
      // Nobody waits any more for the answer to an ask that was given up or whose time is over.
      if (ask === undefined || ask.status === "waiting") this.handle(entry, payload, ask)
    }
    this.queued = this.ready
    return handled
  }

  private wake(): void {
    if (this.phase === "stopping" && this.current === undefined) return this.stop(this.stopReason)
    if (this.queued || !this.ready) return
    this.queued = true
    this.type.kernel.runQueue.push(this)
  }

  // ---------------------------------------------------------------- handling

  private handle(entry: Entry, payload: unknown, ask: Ask | undefined): void {
    const message = this.type.kernel.takeMessage(this, entry, ask)
    this.current = message
    let result: unknown
    try {
      result = entry.handler(this.state, payload, message)
    } catch (defect) {
      this.crashed(message, Cause.die(defect))
      return
    }
    if (typeof result !== "object" || result === null) this.completed(message, result, result)
    else if (result instanceof Reply) this.completed(message, result.state, result.value)
    else if (Effect.isEffect(result)) this.runEffect(message, result as Effect.Effect<unknown, unknown>)
    else if (typeof (result as { readonly then?: unknown }).then === "function") {
      this.awaitPromise(message, result as PromiseLike<unknown>)
    } else this.completed(message, result, result)
    if (this.current !== message) this.type.kernel.reuseMessage(message)
  }

  private runEffect(message: Message, effect: Effect.Effect<unknown, unknown>): void {
    if (Exit.isExit(effect)) return this.ended(message, effect)
    message.kept = true
    this.scheduler ??= new ActorScheduler(this.kernel.runQueue, this, this.type.context)
    const fiber = this.scheduler.start(effect, message)
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return this.ended(message, exit)
    if (this.current !== message) return fiber.interruptUnsafe()
    this.follow(fiber, (exit) => {
      this.ended(message, exit)
      this.wake()
    })
  }

  private awaitPromise(message: Message, promise: PromiseLike<unknown>): void {
    message.kept = true
    promise.then(
      (value) => {
        if (this.current !== message) return
        this.succeeded(message, value)
        this.wake()
      },
      (defect) => {
        if (this.current === message) this.crashed(message, Cause.die(defect))
      }
    )
  }

  private ended(message: Message, exit: Exit.Exit<unknown, unknown>): void {
    if (Exit.isSuccess(exit)) return this.succeeded(message, exit.value)
    const expected = Cause.findErrorOption(exit.cause)
    if (expected._tag === "Some" && !Cause.hasDies(exit.cause)) return this.failed(message, expected.value)
    if (Cause.hasInterruptsOnly(exit.cause) && message.ask?.status === "abandoned") {
      // The asker gave up and the handler was interrupted for it: nothing happened.
      this.current = undefined
      return
    }
    this.crashed(message, exit.cause)
  }

  private succeeded(message: Message, value: unknown): void {
    if (value instanceof Reply) this.completed(message, value.state, value.value)
    else this.completed(message, value, value)
  }

  private completed(message: Message, state: unknown, value: unknown): void {
    const { kernel } = this.type
    this.current = undefined
    this.processed++
    kernel.processed++
    if (kernel.freeze) deepFreeze(value)
    const { durable } = this
    if (durable === undefined) {
      if (kernel.freeze && state !== value) deepFreeze(state)
      this.state = state
      if (message.ask !== undefined) message.ask.reply(value)
      return
    }
    if (state !== this.state) {
      // Always frozen, so that a state which is the same object is the same state and need not be stored again.
      this.state = deepFreeze(state)
      kernel.commits.changed(this, durable)
    }
    this.release(durable, message, true, value)
  }

  /** An expected failure: the error goes to the asker, the state stays as it was. */
  private failed(message: Message, error: unknown): void {
    this.current = undefined
    this.processed++
    this.kernel.processed++
    message.outbox = undefined
    if (this.durable === undefined) this.answerError(message, error)
    else this.release(this.durable, message, false, error)
  }

  /** Lets an answer go once all that it may be based on is stored. */
  private release(durable: Durable, message: Message, ok: boolean, value: unknown): void {
    const holder = durable.dirty ? durable.waiting : durable.lastHeld
    if (holder === undefined) return this.answer(message, ok, value)
    message.kept = true
    holder.push({ message, ok, value })
  }

  private answer(message: Message, ok: boolean, value: unknown): void {
    if (!ok) return this.answerError(message, value)
    if (message.outbox !== undefined) this.kernel.deliverOutbox(message)
    if (message.ask !== undefined) message.ask.reply(value)
  }

  private answerError({ ask, entry }: Message, error: unknown): void {
    if (ask !== undefined) ask.failExpected(error)
    else this.deadLetter(entry, `its handler failed, and a tell has no asker: ${describeError(error)}`)
  }

  /** The answers of a batch that is stored now may leave. */
  commitSucceeded(held: ReadonlyArray<Held>): void {
    for (const { message, ok, value } of held) this.answer(message, ok, value)
  }

  /** Interrupts the handler of an asker that gave up. A handler that is a plain function or Promise runs on. */
  cancel(ask: Ask): void {
    if (this.current?.ask !== ask) return
    this.current.abort()
    this.fiber?.interruptUnsafe()
  }

  // ---------------------------------------------------------------- life

  /** Loads the state and begins to take messages. */
  start(): void {
    this.phase = "starting"
    const { durable } = this
    if (durable !== undefined && (durable.dirty || durable.inFlight > 0)) {
      // What is on its way to the storage will be the committed state; only then can it be loaded.
      durable.whenSettled.push(() => {
        if (this.phase === "starting") this.start()
      })
      return
    }
    const loading = this.type.loadInitialState(this)
    if (loading === undefined) return this.started(this.type.definition.initial)
    const fiber = this.kernel.fork(loading, this.type.context)
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) this.startEnded(exit)
    else this.follow(fiber, (exit) => this.startEnded(exit))
  }

  private startEnded(exit: Exit.Exit<unknown, ActorStopped | AddressUnknown>): void {
    if (Exit.isSuccess(exit)) return this.started(exit.value)
    const error = Cause.findErrorOption(exit.cause)
    if (error._tag === "None") {
      this.kernel.failed++
      return this.end("start", Cause.pretty(exit.cause))
    }
    if (error.value._tag === "AddressUnknown") {
      this.type.cells.delete(this.name)
      this.kernel.activeActors--
      this.removed = true
      return this.stop("there is no actor of this name", error.value)
    }
    this.noteFailure("start", error.value.reason)
    this.stop(error.value.reason)
  }

  private started(state: unknown): void {
    this.state = state
    this.phase = "ready"
    this.startedAtMs ??= this.kernel.nowMs()
    this.wake()
  }

  private crashed(message: Message, cause: Cause.Cause<unknown>): void {
    this.current = undefined
    message.abort()
    this.kernel.failed++
    const text = Cause.pretty(cause)
    const { ask, entry } = message
    const summary = firstLine(text)
    // First the supervisor, then the asker: it goes on at once, and must find the actor restarting.
    this.end(entry.name, text)
    if (ask === undefined) this.deadLetter(entry, `its handler crashed: ${summary}`)
    else ask.fail(new ActorFailed({ address: this.address, messageName: entry.name, cause: summary }))
  }

  /** The storage refused the state: all that was not stored is answered, and the actor goes back to what is. */
  commitFailed(reason: string, held: ReadonlyArray<Held>): void {
    const durable = this.durable!
    const unanswered = [...held, ...durable.waiting].map(({ message }) => message)
    durable.waiting = []
    durable.dirty = false
    const current = this.abandonCurrent()
    if (current !== undefined) unanswered.push(current)
    if (this.phase === "ready" || this.phase === "stopping") {
      this.kernel.failed++
      this.end(unanswered[0]?.entry.name ?? "start", `Its state was not stored: ${reason}`)
    }
    for (const { ask, entry } of unanswered)
      this.refuse(entry, ask, new StateNotStored({ address: this.address, reason }))
  }

  /** Tells the supervisor, and does what it decides. */
  private end(messageName: string, cause: string): void {
    if (this.phase === "stopping") {
      this.noteFailure(messageName, cause)
      return this.stop(this.stopReason)
    }
    const history = (this.history ??= Supervisor.makeHistory())
    const end = { timeMs: this.kernel.nowMs(), messageName, cause }
    const decision = Supervisor.ended(this.type.definition.strategy, history, end, this.kernel.chance())
    if (decision._tag === "Stop") return this.stop(decision.reason)
    this.kernel.restarts++
    this.phase = "restarting"
    this.follow(this.kernel.fork(Effect.sleep(decision.delayMs), this.type.context), () => this.start())
  }

  /** Restarts now, whatever it does: from committed state, with its mailbox as it is. A quarantined actor begins anew. */
  restart(): Effect.Effect<void> {
    const storage = this.durable === undefined ? undefined : this.kernel.storage
    return Effect.andThen(
      storage === undefined ? Effect.void : Effect.ignore(storage.release(this.address)),
      Effect.sync(() => this.restartNow())
    )
  }

  private restartNow(): void {
    if (this.kernel.stopping) return
    Supervisor.restartedByHand((this.history ??= Supervisor.makeHistory()))
    this.kernel.restarts++
    const current = this.abandonCurrent()
    this.abandonFiber()
    this.stopReason = ""
    this.start()
    if (current === undefined) return
    const { ask, entry } = current
    this.refuse(
      entry,
      ask,
      new ActorFailed({ address: this.address, messageName: entry.name, cause: "it was restarted by hand" })
    )
  }

  /** Takes no more messages; stops once the handler in progress has ended. Whether it has to be waited for. */
  beginStop(reason: string): boolean {
    if (this.current === undefined) {
      this.stop(reason)
      return false
    }
    this.phase = "stopping"
    this.stopReason = reason
    this.refuseWaiting(undefined)
    return true
  }

  /** Stops for good: what waits is refused with `error`, by default `ActorStopped`. A restart by hand brings it back. */
  stop(reason: string, error?: ActorError): void {
    this.phase = "stopped"
    this.stopReason = reason
    const current = this.abandonCurrent()
    if (current !== undefined) this.refuse(current.entry, current.ask, error ?? this.stopped())
    this.abandonFiber()
    this.refuseWaiting(error)
    if (this.durable === undefined) this.state = undefined
    this.kernel.cellStopped()
  }

  private stopped(): ActorStopped {
    return new ActorStopped({ address: this.address, reason: this.stopReason })
  }

  private refuseWaiting(error: ActorError | undefined): void {
    const { mailbox } = this
    while (mailbox.size > 0) {
      const { ask, entry } = mailbox
      mailbox.drop()
      this.refuse(entry, ask, error ?? this.stopped())
    }
  }

  private refuse(entry: Entry, ask: Ask | undefined, error: ActorError): void {
    this.deadLetter(entry, error.message)
    ask?.fail(error)
  }

  deadLetter(entry: Entry, reason: string): void {
    this.kernel.deadLetter(this.address, entry.name, reason)
  }

  private noteFailure(messageName: string, cause: string): void {
    const history = (this.history ??= Supervisor.makeHistory())
    Supervisor.noteFailure(history, { timeMs: this.kernel.nowMs(), messageName, cause })
  }

  private follow<A, E>(fiber: Fiber.Fiber<A, E>, then: (exit: Exit.Exit<A, E>) => void): void {
    this.fiber = fiber
    fiber.addObserver((exit) => {
      if (this.fiber !== fiber) return
      this.fiber = undefined
      then(exit)
    })
  }

  private abandonCurrent(): Message | undefined {
    const { current } = this
    if (current === undefined) return undefined
    this.current = undefined
    current.abort()
    this.abandonFiber()
    return current
  }

  private abandonFiber(): void {
    const { fiber } = this
    this.fiber = undefined
    fiber?.interruptUnsafe()
  }
}

const firstLine = (text: string): string => text.split("\n", 1)[0]!

const describeError = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : typeof error === "string" ? error : JSON.stringify(error)
