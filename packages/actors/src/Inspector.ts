/**
 * What a person can see and do to a running system: list, inspect, restart, ask by name, read dead letters. The answers
 * are those of `rpc.ts`, so that a node's handlers pass them on as they are.
 */
import type { AddressMalformed } from "@continuum/core/Address"
import * as Address from "@continuum/core/Address"
import { Effect, Schema, Stream } from "effect"
import type * as Actor from "./Actor.ts"
import { ActorCell } from "./ActorCell.ts"
import {
  ActorFailed,
  type ActorError,
  type AddressUnknown,
  type LeaseUnavailable,
  MessageUnknown,
  MigrationRefused,
  PayloadMalformed
} from "./ActorError.ts"
import * as ActorForget from "./ActorForget.ts"
import * as ActorLife from "./ActorLife.ts"
import * as ActorStop from "./ActorStop.ts"
import { askEffect, Target } from "./ActorRef.ts"
import type { StorageFailed } from "./ActorStorage.ts"
import type { ActorType } from "./ActorType.ts"
import * as JournalRecords from "./JournalRecords.ts"
import type { Kernel } from "./Kernel.ts"
import * as Conversion from "./Conversion.ts"
import * as Limits from "./Limits.ts"
import * as PlainData from "./PlainData.ts"
import type { RemoteError } from "./RemoteError.ts"
import * as ReplyStreams from "./ReplyStreams.ts"
import { type ActorDetail, type ActorSummary, HandlerFailed } from "./rpc.ts"
import { ServiceCell } from "./ServiceCell.ts"
import { kind as serviceKind } from "./Service.ts"

/** Services first, then active actors, then actors that only have a stored state; at most `listMax`. */
export const list = (kernel: Kernel, kind?: string): Effect.Effect<ReadonlyArray<ActorSummary>> =>
  Effect.gen(function* () {
    const summaries: Array<ActorSummary> = []
    for (const service of kernel.services.values()) {
      if (kind === undefined || kind === serviceKind) summaries.push(summaryOfService(service))
    }
    const types = kernel.allTypes().filter((type) => kind === undefined || kind === type.definition.kind)
    for (const type of types) {
      for (const cell of type.all()) {
        if (summaries.length >= Limits.listMax) return summaries
        summaries.push(summaryOf(cell))
      }
    }
    for (const type of types) {
      for (const name of yield* storedNames(type, Limits.listMax)) {
        if (summaries.length >= Limits.listMax) return summaries
        if (!type.cells.has(name)) summaries.push(summaryOfStored(type, name))
      }
    }
    return summaries
  })

/** Everything about one actor. Looking does not activate it. */
export const inspect = (
  kernel: Kernel,
  address: string
): Effect.Effect<ActorDetail, AddressMalformed | AddressUnknown> =>
  Effect.gen(function* () {
    const found = yield* find(kernel, address)
    if (found instanceof ServiceCell) return detailOfService(found)
    if (found instanceof ActorCell && found.phase !== "away") return detailOf(found)
    const { name, type } = found
    // Of a lent actor the state is here, and all else where it runs.
    if (found instanceof ActorCell) return { ...detailOf(found), stateValue: yield* type.excerptOfStored(name) }
    return {
      ...summaryOfStored(type, name),
      durable: true,
      exposed: type.definition.exposed,
      messages: [...type.definition.entries.keys()],
      stateValue: yield* type.excerptOfStored(name),
      waiting: [],
      failures: [],
      reminders: remindersOf(kernel, type.address(name)),
      timeline: timelineOf(kernel, type.address(name))
    }
  })

/** Restarts an actor or a service now, from committed state, and forgets how often it was restarted before. */
export const restart = (
  kernel: Kernel,
  address: string
): Effect.Effect<ActorSummary, AddressMalformed | AddressUnknown | LeaseUnavailable> =>
  Effect.gen(function* () {
    const found = yield* find(kernel, address)
    if (found instanceof ServiceCell) {
      yield* found.restart
      return summaryOfService(found)
    }
    const cell = found instanceof ActorCell ? found : found.type.cell(found.name)
    if (cell === undefined) return yield* kernel.unknown(address)
    yield* kernel.leases.home.ensureHome(cell)
    yield* ActorLife.restart(cell)
    return summaryOf(cell)
  })

/**
 * Stops an actor at once and deletes its stored state, also one that was set aside. What waits for it is refused with
 * `ActorStopped`; the next message finds an actor with its initial state.
 */
export const forget = (
  kernel: Kernel,
  address: string
): Effect.Effect<void, AddressMalformed | AddressUnknown | StorageFailed | LeaseUnavailable> =>
  kernel.forgetting.withPermits(1)(
    Effect.gen(function* () {
      const found = yield* find(kernel, address)
      if (found instanceof ServiceCell) return yield* kernel.unknown(address)
      const cell = found instanceof ActorCell ? found : cellOf(kernel, found, "it is forgotten")
      yield* kernel.leases.home.ensureHome(cell)
      yield* ActorForget.forget(cell)
    })
  )

/** Stops an actor in order, its children first. */
export const stop = (
  kernel: Kernel,
  address: string
): Effect.Effect<void, AddressMalformed | AddressUnknown | LeaseUnavailable> =>
  Effect.gen(function* () {
    const found = yield* find(kernel, address)
    if (found instanceof ServiceCell) return yield* found.stop("it was stopped by hand")
    const reason = "it was stopped by hand"
    const cell = found instanceof ActorCell ? found : cellOf(kernel, found, reason)
    yield* kernel.leases.home.ensureHome(cell)
    yield* ActorStop.shutdown(cell, reason)
  })

/** The stored events of an actor of this node. */
export const journal = (
  kernel: Kernel,
  address: string,
  from = 1
): Stream.Stream<JournalRecords.JournalEvent, AddressMalformed | AddressUnknown | JournalRecords.ReplayError> =>
  Stream.unwrap(
    Effect.map(kernel.locate(address), ({ name, type }) => {
      if (type.journal === undefined) throw new TypeError(`${address} has no journal`)
      return type.storage === undefined
        ? Stream.empty
        : JournalRecords.read(type.storage, type.journal, type.address(name), from)
    })
  )

/** Lends an actor to another node, by its realm or name, or brings it home with `local`. */
export const migrate = (
  kernel: Kernel,
  address: string,
  to: string
): Effect.Effect<void, AddressMalformed | AddressUnknown | MigrationRefused | LeaseUnavailable> =>
  Effect.gen(function* () {
    const refused = (reason: string) => new MigrationRefused({ address, to, reason })
    const found = yield* find(kernel, address)
    if (found instanceof ServiceCell) return yield* refused("it is a service; one of those runs where it is started")
    const cell = found instanceof ActorCell ? found : found.type.cell(found.name)
    if (cell === undefined) return yield* refused(found.type.whyNot(found.name).reason)
    const { delivery } = kernel.router
    const realm =
      kernel.router.isOwn(to) || delivery === undefined
        ? to
        : yield* Effect.mapError(delivery.realmOf(to), (error) => refused(error.message))
    yield* kernel.leases.home.migrate(cell, realm)
  })

/** The cell of an actor that is not in memory, for what needs it stopped; one that is lent stands in for it. */
const cellOf = (kernel: Kernel, { name, type }: StoredActor, reason: string): ActorCell =>
  (kernel.leases.home.hostOf(type.address(name)) === undefined ? undefined : type.cell(name)) ??
  type.cellOrStopped(name, reason)

/** Waits for the end of an actor. */
export const watch = (
  kernel: Kernel,
  address: string
): Effect.Effect<Actor.Terminated, AddressMalformed | AddressUnknown> =>
  Effect.flatMap(kernel.locate(address), ({ name, type }) =>
    Effect.callback<Actor.Terminated>((resume) => {
      const own = type.address(name)
      const cell = type.cells.get(name) ?? type.ended(name)
      if (cell?.phase === "stopped")
        return resume(Effect.succeed({ address: own, reason: cell.stopReason, normal: cell.gone === "ended" }))
      kernel.watches.add(own, resume, (terminated) => resume(Effect.succeed(terminated)))
      return Effect.sync(() => kernel.watches.remove(own, resume))
    })
  )

/** Asks an actor by the texts of its address and message; for doors, not for programs, which have typed refs. */
export const askUnknown = (
  kernel: Kernel,
  address: string,
  messageName: string,
  payload: unknown
): Effect.Effect<unknown, AddressMalformed | HandlerFailed | ActorError | RemoteError> =>
  Effect.gen(function* () {
    const parsed = yield* Address.parse(address)
    if (!kernel.router.isOwn(parsed.realm)) return yield* kernel.router.askUnknown(parsed, messageName, payload)
    const { kind, name } = parsed
    if (kind === serviceKind && kernel.services.has(name)) {
      return yield* new MessageUnknown({ address, messageName, known: [] })
    }
    const { type } = yield* kernel.locate(address)
    const entry = type.definition.entries.get(messageName)
    if (entry === undefined) {
      return yield* new MessageUnknown({ address, messageName, known: [...type.definition.entries.keys()] })
    }
    if (entry.streams) return yield* ReplyStreams.mismatch(address, entry)
    const decoded = yield* decodePayload(address, entry, payload)
    const handlerFailed = (error: unknown) =>
      new HandlerFailed({ address, messageName, error: encodeError(entry, error) })
    const value = yield* askEffect(new Target(type, name, type.deadlines, undefined), entry, decoded, handlerFailed)
    return yield* encodeReply(address, entry, value)
  })

export const decodePayload = (
  address: string,
  entry: Actor.Entry,
  payload: unknown
): Effect.Effect<unknown, PayloadMalformed> => {
  const malformed = (reason: string) => new PayloadMalformed({ address, messageName: entry.name, reason })
  if (entry.schemas === undefined) {
    const problem = PlainData.problemOf(payload, "payload")
    return problem === undefined ? Effect.succeed(payload) : Effect.fail(malformed(problem))
  }
  return Effect.mapErrorEager(Conversion.decode(entry.schemas.payload, payload), (error) => malformed(error.message))
}

// The state has changed already: a reply that cannot travel is the fault of the definition, and is said as such.
export const encodeReply = (
  address: string,
  entry: Actor.Entry,
  value: unknown
): Effect.Effect<unknown, ActorFailed> => {
  const failed = (reason: string) =>
    new ActorFailed({
      address,
      messageName: entry.name,
      cause: `the message was handled, but its reply cannot travel: ${reason}`
    })
  if (entry.schemas === undefined) {
    const problem = PlainData.problemOf(value, "reply")
    return problem === undefined ? Effect.succeed(value) : Effect.fail(failed(problem))
  }
  return Effect.mapErrorEager(Conversion.encode(entry.schemas.success, value), (error) => failed(error.message))
}

export const encodeError = (entry: Actor.Entry, error: unknown): unknown => {
  if (entry.schemas !== undefined) {
    const encoded = Schema.encodeUnknownOption(entry.schemas.error as Schema.Codec<unknown, unknown>)(error)
    if (encoded._tag === "Some") return encoded.value
  }
  if (error instanceof Error) {
    return { ...(PlainData.excerpt({ ...error }, Limits.inspectStateBytesMax) as object), message: error.message }
  }
  return PlainData.excerpt(error, Limits.inspectStateBytesMax)
}

interface StoredActor {
  readonly type: ActorType
  readonly name: string
}

const find = (
  kernel: Kernel,
  text: string
): Effect.Effect<ActorCell | ServiceCell | StoredActor, AddressMalformed | AddressUnknown> =>
  Effect.gen(function* () {
    const address = yield* Address.parse(text)
    if (address.kind === serviceKind && kernel.router.isOwn(address.realm)) {
      const service = kernel.services.get(address.name)
      if (service !== undefined) return service
    }
    const { name, type } = yield* kernel.locate(text)
    const cell = type.cells.get(name)
    if (cell !== undefined) return cell
    return (yield* type.isStored(name)) ? { type, name } : yield* kernel.unknown(text)
  })

const storedNames = (type: ActorType, limit: number): Effect.Effect<ReadonlyArray<string>> =>
  type.durable ? type.storedNames(limit) : Effect.succeed([])

const summaryOf = (cell: ActorCell): ActorSummary => ({
  address: cell.address,
  kind: cell.type.definition.kind,
  state: stateOf(cell),
  mailbox: Math.max(cell.mailbox.size, cell.type.post?.boxes.count(cell.address) ?? 0),
  processed: cell.processed,
  restarts: cell.history?.restarts ?? 0,
  priority: cell.type.definition.priority,
  node: cell.kernel.leases.home.hostOf(cell.address) ?? cell.kernel.nodeName
})

const stateOf = (cell: ActorCell): ActorSummary["state"] => {
  if (cell.phase === "away") return cell.mailbox.size > 0 ? "running" : "idle"
  if (cell.phase === "stopped" || cell.phase === "restarting") return cell.phase
  return cell.current !== undefined || cell.mailbox.size > 0 || cell.phase !== "ready" ? "running" : "idle"
}

const summaryOfStored = (type: ActorType, name: string): ActorSummary => ({
  address: type.address(name),
  kind: type.definition.kind,
  state: "idle",
  mailbox: type.post?.boxes.count(type.address(name)) ?? 0,
  processed: 0,
  restarts: 0,
  priority: type.definition.priority,
  node: type.kernel.leases.home.hostOf(type.address(name)) ?? type.kernel.nodeName
})

const summaryOfService = (cell: ServiceCell): ActorSummary => ({
  address: cell.address,
  kind: serviceKind,
  state: cell.phase,
  mailbox: 0,
  processed: 0,
  restarts: cell.history.restarts,
  priority: cell.service.priority,
  node: cell.kernel.nodeName
})

const detailOf = (cell: ActorCell): ActorDetail => ({
  ...summaryOf(cell),
  durable: cell.durable !== undefined,
  exposed: cell.type.definition.exposed,
  messages: [...cell.type.definition.entries.keys()],
  stateValue: PlainData.excerpt(cell.state, Limits.inspectStateBytesMax),
  waiting: waitingOf(cell),
  failures: cell.history?.failures.slice() ?? [],
  reminders: remindersOf(cell.kernel, cell.address),
  timeline: timelineOf(cell.kernel, cell.address),
  ...startedAt(cell.startedAtMs)
})

/** Those in memory; while it is stopped, those that are stored. */
const waitingOf = ({ address, mailbox, type }: ActorCell): Array<string> =>
  mailbox.size === 0 && type.post !== undefined
    ? type.post.boxes.names(address, Limits.inspectWaitingMax)
    : mailbox.names(Limits.inspectWaitingMax)

const detailOfService = (cell: ServiceCell): ActorDetail => ({
  ...summaryOfService(cell),
  durable: false,
  exposed: "realm",
  messages: [],
  stateValue: cell.phase === "stopped" ? { stopped: cell.stopReason } : null,
  waiting: [],
  failures: cell.history.failures.slice(),
  reminders: [],
  timeline: timelineOf(cell.kernel, cell.address),
  ...startedAt(cell.startedAtMs)
})

const timelineOf = (kernel: Kernel, address: string): ActorDetail["timeline"] => kernel.timelines?.of(address) ?? []

const remindersOf = (kernel: Kernel, address: string): ActorDetail["reminders"] =>
  kernel.reminders
    .of(address)
    .slice(0, Limits.inspectWaitingMax)
    .map(({ key, record: { everyMs, messageName, timeMs } }) => {
      const due = new Date(timeMs).toISOString()
      return everyMs === undefined ? { key, messageName, due } : { key, messageName, due, everyMs }
    })

const startedAt = (timeMs: number | undefined): { readonly startedAt?: string } =>
  timeMs === undefined ? {} : { startedAt: new Date(timeMs).toISOString() }
