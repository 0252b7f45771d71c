/**
 * The service `ActorSystem` of a kernel: each of its members in a few lines, or by the file that it belongs to.
 */
import { Context, Duration, Effect, Queue, Stream } from "effect"
import * as Actor from "./Actor.ts"
import type { ActorCell } from "./ActorCell.ts"
import * as ActorRef from "./ActorRef.ts"
import type { ActorSystem, RefOptions } from "./ActorSystem.ts"
import type { ActorType } from "./ActorType.ts"
import type { AskDeadlines } from "./AskDeadlines.ts"
import * as Inspector from "./Inspector.ts"
import type { Kernel } from "./Kernel.ts"
import * as LeaseAuthorityRemote from "./LeaseAuthorityRemote.ts"
import * as Limits from "./Limits.ts"
import { CurrentMessage } from "./Message.ts"
import * as OnceRef from "./OnceRef.ts"
import * as Scheduling from "./Scheduling.ts"
import { ServiceCell } from "./ServiceCell.ts"
import type { Service } from "./Service.ts"
import type { Topic } from "./Topic.ts"
import * as TopicFeed from "./TopicFeed.ts"

/** What a system does, as its users see it. */
export const make = (kernel: Kernel): ActorSystem["Service"] => ({
  ref: (actor, name, options) => {
    const type = kernel.typeOf(actor)
    type.checkName(name)
    if (options?.id !== undefined)
      return OnceRef.actorRef({ type, name, id: options.id, deadlines: deadlinesOf(type, options) })
    return ActorRef.actorRef(new ActorRef.Target(type, name, deadlinesOf(type, options), undefined))
  },
  spawn: (actor, options) => {
    return ActorRef.actorRef(spawned(kernel.typeOf(actor).spawn(options, undefined), options))
  },
  at: (actor, address, options) => kernel.router.actorRef(actor, address, options?.timeout),
  register: <Kind extends string, State, M extends Actor.MessageTypes, Services>(
    actor: Actor.Actor<Kind, State, M, Services>
  ) =>
    Effect.contextWith((context: Context.Context<Services>) =>
      Effect.sync(() => {
        const provided = Actor.provideContext(actor, context)
        kernel.typeOf(provided)
        return provided
      })
    ),
  run: <Error, Services>(service: Service<Error, Services>) =>
    Effect.contextWith((context: Context.Context<Services>) =>
      Effect.sync(() => {
        if (kernel.services.has(service.name)) throw new TypeError(`A service "${service.name}" runs already`)
        const merged = Context.merge(kernel.context, context) as Context.Context<never>
        const cell = new ServiceCell(kernel, service as unknown as Service<unknown, never>, merged)
        kernel.services.set(service.name, cell)
        cell.start()
      })
    ),
  askUnknown: (address, messageName, payload) => Inspector.askUnknown(kernel, address, messageName, payload),
  list: (kind) => Inspector.list(kernel, kind),
  inspect: (address) => Inspector.inspect(kernel, address),
  restart: (address) => Inspector.restart(kernel, address),
  forget: (address) => Inspector.forget(kernel, address),
  stop: (address) => Inspector.stop(kernel, address),
  migrate: (address, to) => Inspector.migrate(kernel, address, to),
  leasesOf: (realm) =>
    kernel.router.isOwn(realm) ? kernel.leases.authority : LeaseAuthorityRemote.make(kernel.router, realm),
  publish: (topic, event) =>
    Effect.withFiber((fiber) => Effect.sync(() => kernel.publish(topic.name, event, fiber.getRef(CurrentMessage)))),
  events: <Event>(topic: Topic<Event>, buffer = Limits.topicBufferEvents) =>
    Stream.callback<Event>(
      (queue) =>
        Effect.acquireRelease(
          Effect.sync(() => kernel.topics.subscribe(topic.name, (event) => Queue.offerUnsafe(queue, event as Event))),
          (unsubscribe) => Effect.sync(unsubscribe)
        ),
      { bufferSize: buffer, strategy: "sliding" }
    ),
  feed: (topics, buffer = Limits.topicBufferEvents) =>
    TopicFeed.make(
      kernel.topics,
      topics.map(({ name }) => name),
      buffer
    ),
  isHeard: (topic) => kernel.topics.isHeard(topic.name),
  journal: (address, from) => Inspector.journal(kernel, address, from),
  watch: (address) => Inspector.watch(kernel, address),
  deadLetters: Effect.sync(() => kernel.deadLetters.list()),
  totals: () => ({
    processed: kernel.processed,
    failed: kernel.failed,
    restarts: kernel.restarts,
    mailboxDepth: kernel.mailboxDepth(),
    deadLetters: kernel.deadLetters.total,
    passivated: kernel.passivation.passivated,
    reminded: kernel.reminders.fired,
    reminders: kernel.reminders.size,
    activeActors: kernel.activeActors,
    services: kernel.services.size,
    lent: kernel.leases.home.size,
    guests: kernel.leases.host.size,
    outgoing: kernel.outbox?.size ?? 0
  }),
  scheduler: Scheduling.make(kernel),
  quarantined:
    kernel.storage === undefined ? Effect.succeed([]) : Effect.orElseSucceed(kernel.storage.quarantined, () => []),
  openReport: kernel.storage?.openReport,
  maintenance: kernel.storage?.maintenance
})

/** Where the messages to an actor without a name go. */
export const spawned = (cell: ActorCell, options: RefOptions | undefined): ActorRef.Addressee =>
  options?.timeout === undefined ? cell : new ActorRef.Spawned(cell, deadlinesOf(cell.type, options), undefined)

/** The deadlines of a ref's asks. */
export const deadlinesOf = (type: ActorType, options: RefOptions | undefined): AskDeadlines | undefined =>
  options?.timeout === undefined
    ? type.deadlines
    : type.kernel.deadlinesOf(Duration.toMillis(Duration.fromInputUnsafe(options.timeout)))
