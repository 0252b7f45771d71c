/**
 * One actor: its state, its mailbox, and how it handles messages. A plain object that takes turns on the run queue; a
 * fiber exists only while a handler's Effect runs, and its Exit decides what the supervisor does. How it starts, restarts
 * and stops is in `ActorLife`.
 *
 * Guarantees: one message at a time, also across awaits; a state replaces another only when its handler succeeded; every
 * message taken from the mailbox is answered, dead-lettered, or belonged to an asker that had given up.
 */
import { Cause, Effect, Exit, type Fiber } from "effect"
import { type Entry, Reply } from "./Actor.ts"
import {
  type ActorError,
  ActorFailed,
  ActorStopped,
  type AddressUnknown,
  type MailboxFull,
  StateNotStored
} from "./ActorError.ts"
import * as ActorFiber from "./ActorFiber.ts"
import * as ActorLife from "./ActorLife.ts"
import { ActorParts } from "./ActorParts.ts"
import { ActorScheduler } from "./ActorScheduler.ts"
import type { ActorType } from "./ActorType.ts"
import { Anonymous } from "./Anonymous.ts"
import type { Addressee } from "./ActorRef.ts"
import { type Ask, describeError } from "./Ask.ts"
import type { AskDeadlines } from "./AskDeadlines.ts"
import * as Beside from "./Beside.ts"
import { deepFreeze } from "./Freeze.ts"
import { type Durable, makeDurable } from "./GroupCommit.ts"
import { Emit } from "./Journal.ts"
import * as JournalEvents from "./JournalEvents.ts"
import type { Kernel } from "./Kernel.ts"
import { Mailbox, type Waiting } from "./Mailbox.ts"
import { LetterAsk } from "./Letter.ts"
import { addRecords, type Message } from "./Message.ts"
import * as Overflow from "./Overflow.ts"
import * as Reentrancy from "./Reentrancy.ts"
import type { Admission, Senders } from "./Overflow.ts"
import type { Relations } from "./Relations.ts"
import * as ReplyStreams from "./ReplyStreams.ts"
import type { Runnable } from "./RunQueue.ts"
import type * as Supervisor from "./Supervisor.ts"
import type { Timeline } from "./Timelines.ts"
import type { Timers } from "./Timers.ts"

/**
 * Where an actor is in its life. `starting`: its state is being loaded. `restarting`: it waits out a backoff. `stopping`:
 * its last handler may end. `ending`: it ends by its own wish after the present message. `moving`: it comes to rest to be lent
 * to another node. `away`: it is lent, and what it gets is sent on.
 */
export type Phase = "ready" | "starting" | "restarting" | "stopping" | "ending" | "moving" | "away" | "stopped"

/** Why a message did not get into a mailbox. */
export type Refusal = MailboxFull | ActorStopped | AddressUnknown

/** It is its mailbox, and where the messages of its ref go: one object where there would be three. */
export class ActorCell extends Mailbox implements Runnable, Addressee {
  readonly type: ActorType
  phase: Phase
  state: unknown
  /** The message being handled. */
  current: Message | undefined
  /** Messages whose handlers ended, crashes excluded. */
  processed: number
  /** Number of its last use; of two actors, the one with the lower number was used less recently. */
  usedAt: number
  stopReason: string
  /**
   * Why the actor cannot come back. `unknown`: there is none of its name. `left`: it left memory, and the next message activates
   * another one of its name. `leaving`: it will have left when its stored state is deleted; only then is it out of its type's table.
   * `ended`: it had no name, and has ended.
   */
  gone: "unknown" | "left" | "leaving" | "ended" | undefined
  /** Who supervises this actor; undefined: the system. */
  parent: ActorCell | undefined
  /** Bookkeeping of what is not stored yet; undefined for an actor that is not durable. */
  readonly durable: Durable | undefined
  /** The state of its first life, unless that is stored. */
  readonly initial: unknown
  /** Neighbours in the list of actors without a name. Only `Anonymous` touches them. */
  previous: ActorCell | undefined
  next: ActorCell | undefined
  /** Absent for an actor without a name of whose address nobody has asked. */
  ownName: string | undefined
  private parts: ActorParts | undefined
  /** Milliseconds from the start of the system: small numbers, which engines keep in the object itself. */
  private startedAfterMs: number
  private queued: boolean

  /** Without a name it is known by its refs alone. */
  constructor(type: ActorType, name: string | undefined, initial: unknown) {
    super(type.mailboxCapacity)
    this.type = type
    this.phase = "starting"
    this.state = undefined
    this.current = undefined
    this.processed = 0
    this.usedAt = type.kernel.nextUse()
    this.stopReason = ""
    this.gone = undefined
    this.parent = undefined
    this.durable = name !== undefined && type.durable ? makeDurable(type.address(name)) : undefined
    this.initial = initial
    this.previous = undefined
    this.next = undefined
    this.ownName = name
    this.parts = undefined
    this.startedAfterMs = -1
    this.queued = false
  }

  get mailbox(): Mailbox {
    return this
  }

  /** As the addressee of a ref that belongs to no handler. */
  cell(): this {
    return this
  }
  get deadlines(): AskDeadlines | undefined {
    return this.type.deadlines
  }
  get sender(): undefined {
    return undefined
  }

  get kernel(): Kernel {
    return this.type.kernel
  }

  /** Made at the first look, for an actor without a name. */
  get name(): string {
    return (this.ownName ??= this.type.nameOf(this))
  }

  /** Whether it has no name of its own. */
  get isAnonymous(): boolean {
    return this.ownName === undefined || Anonymous.isName(this.ownName)
  }

  /** Whether nobody can know its address yet. */
  get isUnnamed(): boolean {
    return this.ownName === undefined
  }

  get address(): string {
    return this.type.address(this.name)
  }

  /** Undefined until it has started. */
  get startedAtMs(): number | undefined {
    return this.startedAfterMs < 0 ? undefined : this.kernel.startedAtMs + this.startedAfterMs
  }

  /** Notes when it started first. */
  hasStarted(): void {
    if (this.startedAfterMs >= 0) return
    const { kernel } = this.type
    this.startedAfterMs = Math.max(0, kernel.runQueue.timeMs() - kernel.startedAtMs)
  }

  get priority(): number {
    return this.type.priority
  }

  /** Whether it has anything that only some actors have. */
  get hasParts(): boolean {
    return this.parts !== undefined
  }
  private get ownParts(): ActorParts {
    return (this.parts ??= new ActorParts())
  }
  get history(): Supervisor.History | undefined {
    return this.parts?.history
  }
  set history(history: Supervisor.History | undefined) {
    if (history !== undefined || this.parts !== undefined) this.ownParts.history = history
  }
  get relations(): Relations | undefined {
    return this.parts?.relations
  }
  set relations(relations: Relations | undefined) {
    if (relations !== undefined || this.parts !== undefined) this.ownParts.relations = relations
  }
  get timers(): Timers | undefined {
    return this.parts?.timers
  }
  set timers(timers: Timers | undefined) {
    if (timers !== undefined || this.parts !== undefined) this.ownParts.timers = timers
  }
  get senders(): Senders | undefined {
    return this.parts?.senders
  }
  set senders(senders: Senders | undefined) {
    if (senders !== undefined || this.parts !== undefined) this.ownParts.senders = senders
  }
  get stash(): Array<Waiting> | undefined {
    return this.parts?.stash
  }
  set stash(stash: Array<Waiting> | undefined) {
    if (stash !== undefined || this.parts !== undefined) this.ownParts.stash = stash
  }
  /** Its past, where one is kept. */
  get timeline(): Timeline | undefined {
    return this.parts?.timeline
  }
  set timeline(timeline: Timeline | undefined) {
    if (timeline !== undefined || this.parts !== undefined) this.ownParts.timeline = timeline
  }
  get beside(): Beside.Beside | undefined {
    return this.parts?.beside
  }
  set beside(beside: Beside.Beside | undefined) {
    if (beside !== undefined || this.parts !== undefined) this.ownParts.beside = beside
  }
  get fiber(): Fiber.Fiber<unknown, unknown> | undefined {
    return this.parts?.fiber
  }
  set fiber(fiber: Fiber.Fiber<unknown, unknown> | undefined) {
    if (fiber !== undefined || this.parts !== undefined) this.ownParts.fiber = fiber
  }

  get ready(): boolean {
    return this.size > 0 && this.phase === "ready" && this.current === undefined
  }

  /** Puts a message into the mailbox, or says why not. Where the definition lets senders wait, `admission` is how. */
  offer(entry: Entry, payload: unknown, ask: Ask | undefined, admission?: Admission): Refusal | undefined {
    if (this.phase === "stopped" || this.phase === "stopping")
      return this.offerSuccessor(entry, payload, ask, admission)
    if (entry.reentrant && this.current !== undefined) return Reentrancy.handle(this, entry, payload, ask)
    if (!this.put(entry, payload, ask)) {
      return Overflow.handle(this, entry, payload, ask, admission)
    }
    if (!this.queued) this.wake()
    return undefined
  }

  /** Puts a stored message at the end of the mailbox, which has room for as many as may be stored. */
  take(entry: Entry, payload: unknown, ask: Ask): void {
    this.add(entry, payload, ask)
    if (!this.queued) this.wake()
  }

  /** Whoever sends to an actor that has left memory meanwhile reaches the one that took its place. */
  private offerSuccessor(
    entry: Entry,
    payload: unknown,
    ask: Ask | undefined,
    admission: Admission | undefined
  ): Refusal | undefined {
    if (this.gone === "unknown") return this.kernel.unknown(this.address)
    if (this.gone !== "left") return this.stopped()
    const successor = this.type.cell(this.name)
    if (successor === undefined) return this.type.whyNot(this.name)
    if (ask !== undefined) ask.cell = successor
    return successor.offer(entry, payload, ask, admission)
  }

  /** Handles a message at once, if the actor is idle and nobody else is waiting for a turn. Whether it did. */
  handleDirectly(entry: Entry, payload: unknown, ask: Ask): boolean {
    if (this.phase !== "ready" || this.current !== undefined || this.size > 0) return false
    const { runQueue } = this.type.kernel
    if (!runQueue.enterDirect(this)) return false
    this.handle(entry, payload, ask)
    runQueue.leaveDirect()
    this.wake()
    return true
  }

  turn(): number {
    const { runQueue } = this.type.kernel
    let handled = 0
    while (
      handled < runQueue.turnMessages &&
      !runQueue.turnOver &&
      this.phase === "ready" &&
      this.current === undefined &&
      this.size > 0
    ) {
      const { ask, entry, payload } = this
      this.drop()
      if (this.parts !== undefined) this.parts.senders?.admit(this)
      handled++
      // Nobody waits any more for the answer to an ask that was given up or whose time is over.
      if (ask === undefined || ask.status === "waiting") this.handle(entry, payload, ask)
    }
    this.queued = this.ready
    if (this.phase !== "ready") this.wake()
    return handled
  }

  /** Takes a turn if there is something to do. */
  wake(): void {
    if (this.phase !== "ready" && this.current === undefined) return ActorLife.handledLast(this)
    if (this.queued || !this.ready) return
    this.queued = true
    this.type.kernel.runQueue.push(this)
  }

  // ---------------------------------------------------------------- handling

  handle(entry: Entry, payload: unknown, ask: Ask | undefined): void {
    const message = this.type.kernel.takeMessage(this, entry, payload, ask)
    this.current = message
    let result: unknown
    try {
      result = entry.handler(this.state, payload, message)
    } catch (defect) {
      ActorLife.crashed(this, message, Cause.die(defect))
      return
    }
    if (typeof result !== "object" || result === null) this.completed(message, result, result)
    else if (result instanceof Reply) this.completed(message, result.state, result.value)
    else if (Effect.isEffect(result)) this.runEffect(message, result as Effect.Effect<unknown, unknown>)
    else if (typeof (result as { readonly then?: unknown }).then === "function") {
      this.awaitPromise(message, result as PromiseLike<unknown>)
    } else if (result instanceof Emit) this.emitted(message, result)
    else this.completed(message, result, result)
    if (this.current !== message) this.type.kernel.reuseMessage(message)
  }

  private runEffect(message: Message, effect: Effect.Effect<unknown, unknown>): void {
    if (Exit.isExit(effect)) return this.ended(message, effect)
    message.kept = true
    const parts = this.ownParts
    parts.scheduler ??= new ActorScheduler(this.kernel.runQueue, this, this.type.context)
    const fiber = parts.scheduler.start(effect, message)
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return this.ended(message, exit)
    if (this.current !== message) return fiber.interruptUnsafe()
    ActorFiber.follow(this, fiber, (exit) => {
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
        if (this.current === message) ActorLife.crashed(this, message, Cause.die(defect))
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
    ActorLife.crashed(this, message, exit.cause)
  }

  private succeeded(message: Message, value: unknown): void {
    if (value instanceof Reply) this.completed(message, value.state, value.value)
    else if (value instanceof Emit) this.emitted(message, value)
    else this.completed(message, value, value)
  }

  private completed(message: Message, state: unknown, value: unknown): void {
    if (this.type.journal !== undefined && state !== this.state) {
      const problem = "an actor with a journal changes its state by events: return emit(event) in place of a new state"
      return ActorLife.crashed(this, message, Cause.die(new TypeError(problem)))
    }
    this.done(message, state, value, false)
  }

  /** A handler of an actor with a journal returned events. */
  private emitted(message: Message, emit: Emit<unknown, unknown>): void {
    const applied = JournalEvents.apply(this, emit)
    if (applied._tag === "Refused") {
      this.current = undefined
      message.outbox = undefined
      const { address } = this
      return this.refuse(message.entry, message.ask, new StateNotStored({ address, reason: applied.reason }))
    }
    if (applied._tag === "Crashed") return ActorLife.crashed(this, message, Cause.die(applied.defect))
    this.done(message, applied.state, applied.value, emit.events.length > 0)
  }

  private done(message: Message, state: unknown, value: unknown, hasEvents: boolean): void {
    const { kernel } = this.type
    this.current = undefined
    this.processed++
    kernel.processed++
    this.usedAt = kernel.uses++
    if (kernel.timelines !== undefined)
      kernel.timelines.message(this, message.isSetAside ? "set aside" : "handled", message.entry.name)
    if (message.entry.streams) value = ReplyStreams.bind(this, message.entry, value)
    else if (kernel.freeze) deepFreeze(value)
    const { durable } = this
    if (durable === undefined) {
      if (kernel.freeze && state !== value) deepFreeze(state)
      this.state = state
      if (message.ask !== undefined) message.ask.reply(value)
      return
    }
    if (message.reminders !== undefined) kernel.reminders.apply(message, true)
    const hasRecords = addRecords(durable, message, value)
    if (state !== this.state || hasEvents || hasRecords) {
      // Always frozen, so that a state which is the same object is the same state and need not be stored again.
      this.state = deepFreeze(state)
      this.type.commits.changed(this, durable)
    }
    this.release(durable, message, true, value)
  }

  /** An expected failure: the error goes to the asker, the state stays as it was. */
  private failed(message: Message, error: unknown): void {
    this.current = undefined
    if (message.reminders !== undefined) this.kernel.reminders.apply(message, false)
    this.conclude(message, false, error)
  }

  /** A message was handled that left the state as it was: its answer goes once all that it may be based on is stored. */
  conclude(message: Message, ok: boolean, value: unknown): void {
    this.processed++
    this.kernel.processed++
    this.usedAt = this.kernel.nextUse()
    this.kernel.timelines?.message(this, ok ? "handled" : "failed", message.entry.name)
    if (!ok) message.outbox = undefined
    else if (this.durable !== undefined && addRecords(this.durable, message, value))
      this.type.commits.changed(this, this.durable)
    if (this.durable === undefined) this.answer(message, ok, value)
    else this.release(this.durable, message, ok, value)
  }

  /** Lets an answer go once all that it may be based on is stored. */
  private release(durable: Durable, message: Message, ok: boolean, value: unknown): void {
    const holder = durable.dirty ? durable.waiting : durable.lastHeld
    if (holder === undefined) return this.answer(message, ok, value)
    holder.add(message, ok, value)
  }

  /** Sends what the handler sent, and its answer. */
  answer(message: Message, ok: boolean, value: unknown): void {
    if (!ok) return this.answerError(message, value)
    if (message.outbox !== undefined) this.kernel.deliverOutbox(message)
    if (message.ask !== undefined) message.ask.reply(value)
  }

  private answerError({ ask, entry }: Message, error: unknown): void {
    if (ask !== undefined) ask.failExpected(error)
    else this.deadLetter(entry, `its handler failed, and a tell has no asker: ${describeError(error)}`)
  }

  /** The handler of a message died: its asker hears so, or it becomes a dead letter. */
  answerCrash({ ask, entry }: Message, cause: string): void {
    if (ask === undefined) this.deadLetter(entry, `its handler crashed: ${cause}`)
    else ask.fail(new ActorFailed({ address: this.address, messageName: entry.name, cause }))
  }

  /** Interrupts the handler of an asker that gave up. A handler that is a plain function or Promise runs on. */
  cancel(ask: Ask): void {
    if (this.phase === "away") return this.kernel.leases.cancel(this, ask)
    if (this.current?.ask === ask) {
      this.current.abort()
      this.fiber?.interruptUnsafe()
    } else if (this.beside !== undefined) Beside.cancel(this.beside, ask)
  }

  /** A message that will not be handled: its asker hears why, and it becomes a dead letter. */
  refuse(entry: Entry, ask: Ask | undefined, error: ActorError): void {
    this.kernel.timelines?.message(this, "refused", entry.name, error.message)
    this.kernel.spans?.refused(entry, error)
    if (ask instanceof LetterAsk) return ask.return(error)
    if (this.kernel.reminders.refused(entry, error)) return
    this.deadLetter(entry, error.message)
    ask?.fail(error)
  }

  deadLetter(entry: Entry, reason: string): void {
    this.kernel.deadLetter(this.address, entry.name, reason)
  }

  stopped(): ActorStopped {
    return new ActorStopped({ address: this.address, reason: this.stopReason })
  }
}
