/**
 * What all actors of one system share: the run queue, the types and their active actors, the way to the storage, the dead
 * letters, the counters and the clock. Internal: users see it as `ActorSystem`.
 */
import * as Address from "@continuum/core/Address"
import type { LeaseTable } from "@continuum/core/LeaseTable"
import * as Nearest from "@continuum/core/Nearest"
import { Clock, Context, Effect, type Fiber, Random, Semaphore, Tracer } from "effect"
import type * as Actor from "./Actor.ts"
import type { ActorCell } from "./ActorCell.ts"
import { AddressUnknown } from "./ActorError.ts"
import type { SpawnOptions } from "./ActorOptions.ts"
import { Alarm } from "./Alarm.ts"
import type { PromiseRef } from "./ActorRef.ts"
import * as ActorRef from "./ActorRef.ts"
import type { ActorStorage } from "./ActorStorage.ts"
import { ActorType } from "./ActorType.ts"
import type { Ask } from "./Ask.ts"
import { AskDeadlines } from "./AskDeadlines.ts"
import { DeadLetters } from "./DeadLetters.ts"
import { deepFreeze } from "./Freeze.ts"
import { GroupCommit } from "./GroupCommit.ts"
import { kind as leaseKind } from "./LeaseProtocol.ts"
import { Leases } from "./Leases.ts"
import * as Limits from "./Limits.ts"
import { Message } from "./Message.ts"
import { MessageSpans } from "./MessageSpans.ts"
import { Outbox } from "./Outbox.ts"
import { Passivation } from "./Passivation.ts"
import { Post } from "./Post.ts"
import type { PostLife } from "./PostLife.ts"
import { Reminders } from "./Reminders.ts"
import { Router } from "./Router.ts"
import { drainOf } from "./Drain.ts"
import { RunQueue } from "./RunQueue.ts"
import type { ServiceCell } from "./ServiceCell.ts"
import { Timelines } from "./Timelines.ts"
import { Topics } from "./Topic.ts"
import { Watches } from "./Watches.ts"

export interface KernelOptions {
  readonly nodeName: string
  readonly freeze: boolean
  readonly storage: ActorStorage["Service"] | undefined
  readonly activeActorsMax: number
  /** Events of each timeline; 0: none are kept. */
  readonly timelineEvents: number
  /** Share of messages that begin a trace; undefined: none has a span. */
  readonly spanRatio: number | undefined
  /** The leases of this system's realm. */
  readonly leaseTable: LeaseTable
  /** Milliseconds of a lease of an actor. */
  readonly leaseTtlMs: number
  /** Where there is storage. */
  readonly postLife: PostLife | undefined
}

export class Kernel {
  readonly nodeName: string
  readonly freeze: boolean
  readonly storage: ActorStorage["Service"] | undefined
  /** What handlers' Effects run in: clock, randomness, scheduler, logs of whoever built the system. */
  context: Context.Context<never>
  readonly runQueue: RunQueue
  readonly commits: GroupCommit
  /** The durable mailboxes; undefined without storage. */
  readonly post: Post | undefined
  /** The messages to durable mailboxes of other nodes; undefined without storage. */
  readonly outbox: Outbox | undefined
  readonly deadLetters: DeadLetters
  // Totals since the system began, plain numbers that someone scrapes.
  processed: number
  failed: number
  restarts: number
  /** Uses of all actors: the number of the next one. */
  uses: number
  readonly passivation: Passivation
  readonly watches: Watches
  readonly topics: Topics
  readonly alarm: Alarm
  readonly reminders: Reminders
  /** Undefined: none are kept. */
  readonly timelines: Timelines | undefined
  /** Undefined: none are made. */
  readonly spans: MessageSpans | undefined
  readonly types: Map<string, ActorType>
  /** The way to actors of other realms. */
  router: Router
  /** Actors lent to other nodes, and guests of theirs. */
  readonly leases: Leases
  readonly services: Map<string, ServiceCell>
  stopping: boolean
  activeActors: number
  /** Held while a stored state is deleted. */
  readonly forgetting: Semaphore.Semaphore
  readonly clock: Clock.Clock
  readonly startedAtMs: number
  private readonly random: { readonly nextDoubleUnsafe: () => number }
  private readonly deadlines: Map<number, AskDeadlines>
  private readonly background: Set<Fiber.Fiber<unknown, unknown>>

  constructor(context: Context.Context<never>, options: KernelOptions) {
    this.nodeName = options.nodeName
    this.freeze = options.freeze
    this.storage = options.storage
    this.context = context
    this.clock = Context.get(context, Clock.Clock)
    this.random = Context.get(context, Random.Random)
    this.startedAtMs = this.nowMs()
    this.runQueue = new RunQueue(drainOf(context), this.nowMs)
    this.deadLetters = new DeadLetters()
    this.processed = 0
    this.failed = 0
    this.restarts = 0
    this.uses = 0
    this.watches = new Watches()
    this.topics = new Topics()
    this.alarm = new Alarm({ nowMs: this.nowMs, fork: (effect) => this.fork(effect, this.context) })
    this.reminders = new Reminders(this)
    this.timelines = options.timelineEvents > 0 ? new Timelines(this.nowMs, options.timelineEvents) : undefined
    this.spans =
      options.spanRatio === undefined
        ? undefined
        : new MessageSpans({
            tracer: Context.get(context, Tracer.Tracer),
            clock: this.clock,
            chance: () => this.chance(),
            nodeName: options.nodeName,
            ratio: options.spanRatio
          })
    this.types = new Map()
    this.passivation = new Passivation(
      {
        nowMs: this.nowMs,
        fork: (effect) => this.forkBackground(effect),
        types: this.types,
        nextUse: () => this.nextUse()
      },
      options.activeActorsMax
    )
    this.router = new Router(this, undefined, undefined)
    this.leases = new Leases(this, options.leaseTable, options.leaseTtlMs)
    this.services = new Map()
    this.stopping = false
    this.activeActors = 0
    this.forgetting = Semaphore.makeUnsafe(1)
    this.spare = undefined
    this.spares = []
    this.lastType = undefined
    this.onCellStopped = undefined
    this.deadlines = new Map()
    this.background = new Set()
    this.post =
      options.postLife === undefined || options.storage === undefined
        ? undefined
        : new Post(this, options.storage, options.postLife)
    this.outbox =
      options.postLife === undefined || options.storage === undefined || this.post === undefined
        ? undefined
        : new Outbox(this, options.storage, this.post.writer, options.postLife)
    this.commits = new GroupCommit({
      storage: this.storage,
      fork: (effect) => this.forkBackground(effect),
      afterTurns: (task) => this.runQueue.afterTurns(task)
    })
  }

  readonly nowMs = (): number => this.clock.currentTimeMillisUnsafe()

  nextUse(): number {
    return this.uses++
  }

  /** A number in [0, 1) from the system's randomness. */
  chance(): number {
    return this.random.nextDoubleUnsafe()
  }

  /** Starts a fiber at once, in a context made of the system's. */
  fork<A, E>(effect: Effect.Effect<A, E>, context: Context.Context<never>): Fiber.Fiber<A, E> {
    return Effect.runForkWith(context)(effect)
  }

  /** Starts a fiber of the system itself, interrupted when the system has stopped. */
  forkBackground(effect: Effect.Effect<void>): void {
    const fiber = this.fork(effect, this.context)
    if (fiber.pollUnsafe() !== undefined) return
    this.background.add(fiber)
    fiber.addObserver(() => this.background.delete(fiber))
  }

  /** Calls `task` when an actor has stopped; for the stop of the system. */
  onCellStopped: ((cell: ActorCell) => void) | undefined

  interruptBackground(): void {
    this.alarm.stop()
    this.reminders.stop()
    for (const fiber of this.background) fiber.interruptUnsafe()
  }

  deadlinesOf(timeoutMs: number): AskDeadlines | undefined {
    if (!Number.isFinite(timeoutMs)) return undefined
    let deadlines = this.deadlines.get(timeoutMs)
    if (deadlines === undefined) {
      deadlines = new AskDeadlines({ nowMs: this.nowMs, fork: (effect) => this.forkBackground(effect) }, timeoutMs)
      this.deadlines.set(timeoutMs, deadlines)
    }
    return deadlines
  }

  // ---------------------------------------------------------------- types

  /** The type of a definition, known from now on. Throws `TypeError` when another definition has its kind. */
  typeOf(definition: Actor.Any): ActorType {
    if (this.lastType?.definition === definition) return this.lastType
    return (this.lastType = this.findType(definition))
  }

  // Of the last definition that was looked up: most are looked up many times in a row.
  private lastType: ActorType | undefined

  private findType(definition: Actor.Any): ActorType {
    const known = this.types.get(definition.kind)
    if (known === undefined) {
      if (definition.kind === leaseKind)
        throw new TypeError(`The kind "${leaseKind}" is taken: nodes speak of leases by it`)
      const type = new ActorType(this, definition)
      this.types.set(definition.kind, type)
      type.post?.recover(type)
      if (this.reminders.size > 0) this.reminders.typeKnown(definition.kind)
      return type
    }
    if (known.definition === definition || sourceOf(known.definition) === sourceOf(definition)) return known
    throw new TypeError(`This system already has another actor of kind "${definition.kind}"`)
  }

  /** The types of this system, and those of its guests. */
  allTypes(): ReadonlyArray<ActorType> {
    return [...this.types.values(), ...this.leases.host.types]
  }

  promiseRef<Kind extends string, State, M extends Actor.MessageTypes>(
    definition: Actor.Actor<Kind, State, M, never>,
    name: string,
    sender: Message | undefined
  ): PromiseRef<M> {
    const type = this.typeOf(definition)
    return ActorRef.promiseRef(new ActorRef.Target(type, name, type.deadlines, sender))
  }

  /** A ref to a new actor without a name, a child of the actor whose handler makes it. */
  spawn<Kind extends string, State, M extends Actor.MessageTypes>(
    definition: Actor.Actor<Kind, State, M, never>,
    options: SpawnOptions<State> | undefined,
    sender: Message
  ): PromiseRef<M> {
    sender.kept = true
    const type = this.typeOf(definition)
    return ActorRef.promiseRef(new ActorRef.Spawned(type.spawn(options, sender.cell), type.deadlines, sender))
  }

  /** Messages waiting in all mailboxes. O(active actors): counted when someone scrapes, and not at every message. */
  mailboxDepth(): number {
    let depth = 0
    for (const type of this.allTypes()) for (const cell of type.all()) depth += cell.mailbox.size
    return depth
  }

  // ---------------------------------------------------------------- messages

  // The context object of the last handler that ended at once, to be used again; and those whose answers had to wait.
  private spare: Message | undefined
  private readonly spares: Array<Message>

  takeMessage(cell: ActorCell, entry: Actor.Entry, payload: unknown, ask: Ask | undefined): Message {
    const message = this.spare ?? this.spares.pop()
    if (message === undefined) return new Message(cell, entry, payload, ask)
    this.spare = undefined
    message.cell = cell
    message.entry = entry
    message.payload = payload
    message.ask = ask
    return message
  }

  /** For the next handler, unless something of this one is left: what a handler that crashed sent never leaves. */
  reuseMessage(message: Message): void {
    if (message.kept || message.isHeld || message.outbox !== undefined) return
    message.payload = undefined
    message.ask = undefined
    this.spare = message
  }

  /** As `reuseMessage`, for one whose answer waited and has left. */
  reuseHeld(message: Message): void {
    message.isHeld = false
    if (message.kept || message.outbox !== undefined || this.spares.length >= Limits.messagesSpareMax) return
    message.payload = undefined
    message.ask = undefined
    message.answer = undefined
    this.spares.push(message)
  }

  /** Sends the tells that waited for their sender's state to be stored. */
  deliverOutbox(sender: Message): void {
    const outbox = sender.outbox!
    sender.outbox = undefined
    for (const { cell, entry, payload } of outbox) {
      const refused = cell.offer(entry, payload, undefined)
      if (refused !== undefined) cell.deadLetter(entry, refused.message)
    }
  }

  /** Publishes an event; one of a durable actor's handler once its state is stored. */
  publish(topic: string, event: unknown, sender: Message | undefined): void {
    if (this.freeze) deepFreeze(event)
    if (sender === undefined || sender.cell.durable === undefined || !sender.isHandled)
      return this.topics.publish(topic, event)
    const publication = {
      offer: () => {
        this.topics.publish(topic, event)
        return undefined
      },
      deadLetter: () => undefined
    }
    ;(sender.outbox ??= []).push({ cell: publication, entry: sender.entry, payload: event })
  }

  deadLetter(address: string, messageName: string, reason: string): void {
    this.deadLetters.add(this.nowMs(), address, messageName, reason)
  }

  // ---------------------------------------------------------------- addresses

  /**
   * The actor of this node at an address. Throws `AddressMalformed`, `TypeError` when it is not of this node, and `ActorStopped`
   * when there is no room for it.
   */
  cellAt(text: string): ActorCell {
    const address = Address.parseParts(text)
    if (typeof address === "string") throw new Address.AddressMalformed({ input: text, reason: address })
    const type = this.router.isOwn(address.realm) ? this.types.get(address.kind) : undefined
    if (type === undefined) throw new TypeError(`${text} is no actor of this node; only those can be linked or watched`)
    const cell = type.cell(address.name) ?? type.ended(address.name)
    if (cell === undefined) throw type.whyNot(address.name)
    return cell
  }

  /** The type and name of a text address in this system. */
  locate(text: string): Effect.Effect<{ type: ActorType; name: string }, Address.AddressMalformed | AddressUnknown> {
    return Effect.flatMap(Address.parse(text), (address) => {
      const type = this.router.isOwn(address.realm) ? this.types.get(address.kind) : undefined
      return type === undefined ? Effect.fail(this.unknown(text)) : Effect.succeed({ type, name: address.name })
    })
  }

  unknown(text: string): AddressUnknown {
    return new AddressUnknown({ address: text, nearest: this.nearest(text) })
  }

  /** The nearest addresses in use, best first. */
  nearest(text: string): Array<string> {
    const [, , , kind, name] = text.split("/")
    const candidates = new Set<string>()
    // The same name under each kind: a kind is mistyped as easily as a name.
    for (const other of this.types.keys()) {
      if (name !== undefined && other !== kind) candidates.add(`${prefix}${other}/${name}`)
    }
    for (const service of this.services.values()) candidates.add(service.address)
    for (const type of this.types.values()) {
      for (const name of type.cells.keys()) {
        if (candidates.size >= Limits.nearestComparedMax) break
        candidates.add(type.address(name))
      }
    }
    const rest = (address: string) => (address.startsWith(prefix) ? address.slice(prefix.length) : address)
    candidates.delete(text)
    return Nearest.of(rest(text), [...candidates].map(rest)).map((near) => `${prefix}${near}`)
  }
}

// Compared without what all addresses here begin with, or everything would be near to everything.
const prefix = "continuum://local/"

const sourceOf = (definition: Actor.Any): Actor.Any => definition.source ?? definition
