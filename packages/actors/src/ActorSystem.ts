/**
 * A system of actors in this process: it knows the types, runs the actors, supervises them and keeps their states.
 *
 * As an Effect service it comes from `layer` (with an `ActorStorage`) or `layerWithoutStorage`, and its refs return Effects.
 * `ActorSystem.start` gives the same to code that does not use Effect, with Promises. Either way it ends in order: services
 * first, last started first; then handlers in progress get `stopTimeout`; what still waits becomes dead letters; what is not
 * stored yet is stored.
 */
import { type AddressMalformed, localRealm } from "@continuum/core/Address"
import { Delivery } from "@continuum/core/Delivery"
import type { MessageId } from "@continuum/core/Envelope"
import type { LeaseAuthority } from "@continuum/core/LeaseAuthority"
import * as LeaseTable from "@continuum/core/LeaseTable"
import { leaseTtlMs } from "@continuum/core/Limits"
import { Clock, Config, Context, Duration, Effect, Exit, Layer, Option, Scope, type Stream } from "effect"
import type * as Actor from "./Actor.ts"
import type { ActorError, AddressUnknown, LeaseUnavailable, MigrationRefused } from "./ActorError.ts"
import type { SpawnOptions } from "./ActorOptions.ts"
import type * as ActorRef from "./ActorRef.ts"
import {
  ActorStorage,
  type Maintenance,
  type OpenReport,
  type Quarantined,
  type StorageFailed
} from "./ActorStorage.ts"
import type { JournalEvent, ReplayError } from "./JournalRecords.ts"
import { Kernel } from "./Kernel.ts"
import * as LeaseStoreActors from "./LeaseStoreActors.ts"
import * as Limits from "./Limits.ts"
import * as PostLife from "./PostLife.ts"
import { receiver } from "./Receiver.ts"
import type { RemoteError } from "./RemoteError.ts"
import { Router } from "./Router.ts"
import * as Running from "./RunningSystem.ts"
import type { ActorDetail, ActorSummary, DeadLetter, HandlerFailed } from "./rpc.ts"
import type { Scheduling } from "./Scheduling.ts"
import type { Service } from "./Service.ts"
import * as SystemService from "./SystemService.ts"
import * as SystemStop from "./SystemStop.ts"
import type { Topic } from "./Topic.ts"
import type * as TopicFeed from "./TopicFeed.ts"

export type { RunningSystem } from "./RunningSystem.ts"

export interface Options {
  /** Name of the node, as listings show it. Default `local`. */
  readonly nodeName?: string
  /** Whether messages and states are frozen in depth. Default: unless NODE_ENV is `production`. */
  readonly freeze?: boolean
  /** How long handlers in progress may take at a stop. Default `Limits.stopTimeoutMs`. */
  readonly stopTimeout?: Duration.Input
  /** Active actors at once, 1 or more; beyond it idle ones leave memory. Default `Limits.activeActorsMax`. */
  readonly activeActorsMax?: number
  /** Events that `inspect` shows of each actor's past, 0 to `Limits.timelineEventsMax`. Default 0: each message costs a little then. */
  readonly timelineEvents?: number
  /**
   * Spans of messages, by the `Tracer` where the layer is built: `ratio`, in [0, 1], is the share of those that are sent outside of any
   * trace; those of a sampled span all have one. Default: none.
   */
  readonly spans?: { readonly ratio: number }
  /** Time of the lease of an actor that is lent to another node. Default `leaseTtlMs` of core: a takeover waits so long. */
  readonly leaseTtl?: Duration.Input
  /** The way to actors of other realms. Default: the service `Delivery` where the layer is built, if there is one. */
  readonly delivery?: Delivery["Service"]
}

/** Options of a system for code that uses Promises. */
export interface StartOptions extends Options {
  /** Directory of the stored states, created if it is missing. Without it nothing survives the process. */
  readonly dir?: string
}

export interface RefOptions {
  /** How long an ask waits for its reply. Default: as its definition says. */
  readonly timeout?: Duration.Input
  /**
   * Names the message that the ref is for, by a stream of the caller's and a sequence number in it: sent again under the same name, it
   * is handled once and the same reply comes. For actors with a durable mailbox; otherwise a `TypeError`.
   */
  readonly id?: MessageId
}

/** Totals since the system began, for a scrape; those from `mailboxDepth` on go up and down. */
export interface Totals {
  /** Messages whose handlers ended, expected failures included. */
  readonly processed: number
  /** Crashes of handlers and services, and refused commits. */
  readonly failed: number
  readonly restarts: number
  readonly deadLetters: number
  /** Actors that left memory because they were idle. */
  readonly passivated: number
  /** Reminders that were handled. */
  readonly reminded: number
  readonly mailboxDepth: number
  readonly activeActors: number
  readonly services: number
  /** Reminders that are not handled yet. */
  readonly reminders: number
  /** Actors of this system that other nodes run. */
  readonly lent: number
  /** Actors of other nodes that this one runs. */
  readonly guests: number
  /** Messages on their way to durable mailboxes of other nodes. */
  readonly outgoing: number
}

export class ActorSystem extends Context.Service<
  ActorSystem,
  {
    /**
     * The actor of this type and name, which need not exist yet. Throws `AddressMalformed` for a name that cannot stand in
     * an address, and `TypeError` when the system has another type of this kind.
     */
    readonly ref: <Kind extends string, State, M extends Actor.MessageTypes>(
      actor: Actor.Actor<Kind, State, M>,
      name: string,
      options?: RefOptions
    ) => ActorRef.ActorRef<M>
    /**
     * A new actor without a name, known by its ref alone until someone asks for its address. It lives until it ends by itself, fails
     * for good or the system stops; then it is gone, and what is sent to it fails with `ActorStopped`. Throws `TypeError` where its
     * state would be stored, and `ActorStopped` when there is no room for it.
     */
    readonly spawn: <Kind extends string, State, M extends Actor.MessageTypes>(
      actor: Actor.Actor<Kind, State, M>,
      options?: SpawnOptions<State> & RefOptions
    ) => ActorRef.ActorRef<M>
    /**
     * The actor at an address of any realm: `local`, this node's own, or another one by its key or the name of its node.
     * The same line asks it wherever it is. Throws `AddressMalformed`, and `TypeError` when the address is of another kind.
     */
    readonly at: <Kind extends string, State, M extends Actor.MessageTypes>(
      actor: Actor.Actor<Kind, State, M>,
      address: string,
      options?: RefOptions
    ) => ActorRef.ActorRef<M, RemoteError>
    /**
     * Makes a type known before its first ref, so that it is reachable by address, and gives its handlers the services of
     * the caller. Returns the definition that `ref` accepts.
     */
    readonly register: <Kind extends string, State, M extends Actor.MessageTypes, Services>(
      actor: Actor.Actor<Kind, State, M, Services>
    ) => Effect.Effect<Actor.Actor<Kind, State, M>, never, Services>
    /** Starts a service, which then runs until it gives up or the system stops. A second of the same name is a defect. */
    readonly run: <Error, Services>(service: Service<Error, Services>) => Effect.Effect<void, never, Services>
    /** Asks an actor of any realm by the texts of address and message. The payload is decoded, the reply and the handler's errors are encoded. */
    readonly askUnknown: (
      address: string,
      messageName: string,
      payload: unknown
    ) => Effect.Effect<unknown, AddressMalformed | HandlerFailed | ActorError | RemoteError>
    readonly list: (kind?: string) => Effect.Effect<ReadonlyArray<ActorSummary>>
    readonly inspect: (address: string) => Effect.Effect<ActorDetail, AddressMalformed | AddressUnknown>
    readonly restart: (
      address: string
    ) => Effect.Effect<ActorSummary, AddressMalformed | AddressUnknown | LeaseUnavailable>
    /**
     * Stops the actor at once and deletes its stored state, for good. What waits for it gets `ActorStopped`; the next message
     * finds an actor with its initial state. With `StorageFailed` it stays stopped, and its state what it was.
     */
    readonly forget: (
      address: string
    ) => Effect.Effect<void, AddressMalformed | AddressUnknown | StorageFailed | LeaseUnavailable>
    /**
     * Stops an actor in order: it takes no more messages, its handler in progress gets its `stopTimeout`, then its children stop,
     * the youngest first. A restart by hand brings it back.
     */
    readonly stop: (address: string) => Effect.Effect<void, AddressMalformed | AddressUnknown | LeaseUnavailable>
    /**
     * Has another node run a durable actor of this one, under a lease: the node of a realm, by its key or name, or `local` to
     * bring it home. Its messages go on to be sent to this node, in order, which sends them on; its state stays here. An ask
     * fails with `LeaseUnavailable` while that node cannot be reached; when the lease has ended the actor goes on here.
     */
    readonly migrate: (
      address: string,
      to: string
    ) => Effect.Effect<void, AddressMalformed | AddressUnknown | MigrationRefused | LeaseUnavailable>
    /** Who may do what alone in a realm, by its key, the name of its node or `local`: for services that several systems could run. */
    readonly leasesOf: (realm: string) => LeaseAuthority["Service"]
    /** Waits until the actor has stopped for good or ended by itself. A restart is no end, and leaving memory is none. */
    readonly watch: (address: string) => Effect.Effect<Actor.Terminated, AddressMalformed | AddressUnknown>
    /** Tells all subscribers of a topic in this process. In a handler of a durable actor, once its new state is stored. */
    readonly publish: <Event>(topic: Topic<Event>, event: Event) => Effect.Effect<void>
    /**
     * The events of a topic from now on. Beyond `buffer` events (default `Limits.topicBufferEvents`) that wait, the oldest is lost. A
     * defect when the topic has `Limits.subscribersMax` subscribers.
     */
    readonly events: <Event>(topic: Topic<Event>, buffer?: number) => Stream.Stream<Event>
    /**
     * The events of several topics from now on, for a reader who wants to know what it missed: beyond `buffer` events that wait (default
     * `Limits.topicBufferEvents`) the oldest are lost and counted. The topic of the system itself is `ActorEvents.topic`.
     */
    readonly feed: (topics: ReadonlyArray<Topic<any>>, buffer?: number) => Stream.Stream<TopicFeed.FeedItem>
    /** Whether anybody listens to a topic: what nobody hears need not be made. */
    readonly isHeard: (topic: Topic<any>) => boolean
    /**
     * The stored events of an actor of this node with a journal, oldest first, from number `from` on (default: the oldest kept).
     * Fails with `TypeError` as a defect for an actor without a journal, `RecordQuarantined` at an event that is damaged.
     */
    readonly journal: (
      address: string,
      from?: number
    ) => Stream.Stream<JournalEvent, AddressMalformed | AddressUnknown | ReplayError>
    /** Newest first. */
    readonly deadLetters: Effect.Effect<ReadonlyArray<DeadLetter>>
    /** O(active actors). */
    readonly totals: () => Totals
    /** The run queue: who waits for a turn, and a recording of the turns that are had. */
    readonly scheduler: Scheduling
    /** Records that were set aside because they are damaged; for `doctor`. */
    readonly quarantined: Effect.Effect<ReadonlyArray<Quarantined>>
    /** What was found when the storage was opened; undefined without storage. */
    /** Backup and compaction of the stored states; undefined where they are in no file. */
    readonly maintenance: Maintenance | undefined
    readonly openReport: OpenReport | undefined
  }
>()("@continuum/actors/ActorSystem") {
  /** A system whose actors are durable unless their definitions say otherwise. */
  static readonly layer = (options: Options = {}): Layer.Layer<ActorSystem, never, ActorStorage> =>
    Layer.effect(
      ActorSystem,
      Effect.flatMap(ActorStorage, (storage) => make(options, storage))
    )

  /** A system whose actors live as long as this process. */
  static readonly layerWithoutStorage = (options: Options = {}): Layer.Layer<ActorSystem> =>
    Layer.effect(ActorSystem, make(options, undefined))

  /** Starts a system for code that uses Promises; durable when it gets a directory. */
  static readonly start = (options: StartOptions = {}): Promise<Running.RunningSystem> => start(options)
}

const make = (
  options: Options,
  storage: ActorStorage["Service"] | undefined
): Effect.Effect<ActorSystem["Service"], never, Scope.Scope> =>
  Effect.gen(function* () {
    const production = yield* Config.String("NODE_ENV").pipe(
      Config.withDefault(""),
      Effect.map((environment) => environment === "production"),
      Effect.orElseSucceed(() => false)
    )
    const outer = Context.omit(Scope.Scope)(yield* Effect.context<Scope.Scope>())
    const leaseTable = yield* leaseTableOf(storage)
    const nowMs = yield* Clock.currentTimeMillis
    const kernel = new Kernel(outer, {
      leaseTable,
      postLife: storage === undefined ? undefined : yield* PostLife.load(storage, nowMs),
      leaseTtlMs:
        options.leaseTtl === undefined ? leaseTtlMs : Duration.toMillis(Duration.fromInputUnsafe(options.leaseTtl)),
      nodeName: options.nodeName ?? "local",
      freeze: options.freeze ?? !production,
      storage,
      activeActorsMax: options.activeActorsMax ?? Limits.activeActorsMax,
      timelineEvents: Math.min(options.timelineEvents ?? 0, Limits.timelineEventsMax),
      spanRatio: options.spans?.ratio
    })
    const delivery = options.delivery ?? Option.getOrUndefined(yield* Effect.serviceOption(Delivery))
    if (delivery !== undefined) {
      const realm = yield* Effect.option(delivery.realmOf(localRealm))
      kernel.router = new Router(kernel, delivery, Option.getOrUndefined(realm))
      yield* delivery.serve(receiver(kernel))
      if (kernel.outbox !== undefined) kernel.forkBackground(kernel.outbox.recover)
    }
    const system = ActorSystem.of(SystemService.make(kernel))
    kernel.context = Context.add(kernel.context, ActorSystem, system)
    systemKernels.set(system, kernel)
    yield* kernel.reminders.load
    const timeout = options.stopTimeout ?? Limits.stopTimeoutMs
    yield* Effect.addFinalizer(() => SystemStop.stop(kernel, timeout))
    return system
  })

/** Without its leases a system does not know what it may run: a storage that cannot be read at all ends it. */
const leaseTableOf = (storage: ActorStorage["Service"] | undefined): Effect.Effect<LeaseTable.LeaseTable> =>
  Effect.orDie(LeaseTable.make(storage === undefined ? LeaseTable.storeMemory() : LeaseStoreActors.make(storage)))

const start = async ({ dir, ...options }: StartOptions): Promise<Running.RunningSystem> => {
  const layer =
    dir === undefined
      ? ActorSystem.layerWithoutStorage(options)
      : Layer.provide(ActorSystem.layer(options), (await import("./ActorStorageLmdb.ts")).layer({ dir }))
  const scope = Scope.makeUnsafe()
  const system = Context.get(await Effect.runPromise(Layer.buildWithScope(layer, scope)), ActorSystem)
  return Running.make(system, systemKernels.get(system)!, () => Effect.runPromise(Scope.close(scope, Exit.void)))
}

const systemKernels = new WeakMap<ActorSystem["Service"], Kernel>()
