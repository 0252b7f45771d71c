/**
 * What one actor has to do with others: its children in the order in which they were spawned, the actors that fail
 * with it and those whose end it wants to hear of. Only actors that have any hold one, so that the others stay small.
 *
 * The children's restarts are counted together. One too many within the period, and the parent itself has failed: its children
 * stop, and its own supervisor decides. Source: https://www.erlang.org/doc/apps/stdlib/supervisor.html
 */
import type { Entry, Terminated } from "./Actor.ts"
import type { ActorCell } from "./ActorCell.ts"
import * as Limits from "./Limits.ts"
import * as Supervisor from "./Supervisor.ts"
import type { ReplyStreams } from "./ReplyStreams.ts"
import type { ChildrenStrategy } from "./SupervisionStrategy.ts"

export class Relations {
  /** Oldest first. */
  readonly children: Set<ActorCell>
  /** Restarts of children; made at the first. */
  private childrenHistory: Supervisor.History | undefined
  /** Actors that fail when this one does. */
  readonly links: Set<ActorCell>
  /** Addresses whose end this actor wants to hear of. */
  readonly watching: Set<string>
  /** Functions that end its subscriptions, by topic. */
  readonly subscriptions: Map<string, () => void>
  /** Replies that flow to their askers; made at the first. */
  streams: ReplyStreams | undefined
  /** Called when the last handler of an actor that is stopping has ended. */
  onIdle: (() => void) | undefined

  constructor() {
    this.children = new Set()
    this.childrenHistory = undefined
    this.links = new Set()
    this.watching = new Set()
    this.subscriptions = new Map()
    this.streams = undefined
    this.onIdle = undefined
  }

  /** Whether others count on the actor's being in memory. */
  get any(): boolean {
    return (
      (this.streams !== undefined && this.streams.size > 0) ||
      [this.children, this.links, this.watching, this.subscriptions].some(({ size }) => size > 0)
    )
  }

  /** A new life begins: what earlier children did counts no more. */
  beginAnew(): void {
    this.childrenHistory = undefined
    this.watching.clear()
    for (const unsubscribe of this.subscriptions.values()) unsubscribe()
    this.subscriptions.clear()
  }

  /** What happens after the end of a child. It is noted with the child, and counted here. */
  childEnded(parent: ActorCell, child: ActorCell, end: Supervisor.End): Supervisor.Decision {
    const { childrenStrategy } = parent.type.definition
    const strategy = { ...child.type.definition.strategy, ...childrenStrategy }
    if (end.cause !== undefined) Supervisor.noteFailure(historyOf(child), end)
    this.childrenHistory ??= Supervisor.makeHistory()
    return Supervisor.ended(strategy, this.childrenHistory, end, parent.kernel.chance())
  }

  /** The children that a restart of one restarts too, itself included, oldest first. */
  affectedBy(child: ActorCell, order: ChildrenStrategy["order"]): Array<ActorCell> {
    if (order === "one_for_one") return [child]
    const all = [...this.children]
    return order === "one_for_all" ? all : all.slice(all.indexOf(child))
  }
}

export const historyOf = (cell: ActorCell): Supervisor.History => (cell.history ??= Supervisor.makeHistory())

export const of = (cell: ActorCell): Relations => (cell.relations ??= new Relations())

/**
 * Puts an actor under a parent. Throws `TypeError` when it has another parent or is the parent's own ancestor, and `RangeError`
 * for a child too many.
 */
export const adopt = (parent: ActorCell, child: ActorCell): void => {
  const { children } = of(parent)
  const present = child.parent
  if (present === parent) return
  if (present !== undefined) throw new TypeError(`${child.address} has another parent: ${present.address}`)
  for (let above: ActorCell | undefined = parent; above !== undefined; above = above.parent) {
    if (above === child) throw new TypeError(`${child.address} cannot be spawned below itself`)
  }
  if (children.size >= Limits.childrenMax)
    throw new RangeError(`${parent.address} has ${Limits.childrenMax} children already: spawn them in groups`)
  children.add(child)
  child.parent = parent
}

/** The actor has no parent any more. */
export const orphan = (child: ActorCell): void => {
  const { parent } = child
  if (parent === undefined) return
  parent.relations!.children.delete(child)
  child.parent = undefined
}

/**
 * From now on, until one of them restarts or stops, a failure of either is a failure of both. Throws `RangeError` for a link too
 * many; a link to an actor that is stopped is a failure at once, as in OTP.
 */
export const link = (one: ActorCell, other: ActorCell): void => {
  if (other.phase === "stopped") throw new Error(`${other.address}, which it links to, is stopped: ${other.stopReason}`)
  if (one === other) return
  for (const cell of [one, other]) {
    if (of(cell).links.size >= Limits.linksMax)
      throw new RangeError(`${cell.address} has ${Limits.linksMax} links already`)
  }
  of(one).links.add(other)
  of(other).links.add(one)
}

/** Removes all links of an actor, and says whose they were. */
export const unlinkAll = (cell: ActorCell): Array<ActorCell> => {
  const { relations } = cell
  if (relations === undefined || relations.links.size === 0) return []
  const linked = [...relations.links]
  relations.links.clear()
  for (const other of linked) other.relations!.links.delete(cell)
  return linked
}

// ---------------------------------------------------------------- what it wants to hear of

/** A message that an actor sends to itself. Throws `TypeError` when it does not handle it. */
export const entryOf = (cell: ActorCell, messageName: string): Entry => {
  const entry = cell.type.definition.entries.get(messageName)
  if (entry === undefined) throw new TypeError(`${cell.address} has no message "${messageName}" to send to itself`)
  return entry
}

const tellItself = (cell: ActorCell, entry: Entry, payload: unknown): void => {
  const refused = cell.offer(entry, payload, undefined)
  if (refused !== undefined) cell.deadLetter(entry, refused.message)
}

/** Tells `watcher` of the end of an actor. Throws as `context.watch` says. */
export const watch = (watcher: ActorCell, watched: ActorCell, messageName: string): void => {
  const entry = entryOf(watcher, messageName)
  const tell = (terminated: Terminated): void => {
    watcher.relations?.watching.delete(terminated.address)
    tellItself(watcher, entry, terminated)
  }
  if (watched.phase === "stopped") {
    return tell({
      address: watched.address,
      reason: watched.stopReason,
      normal: watched.gone === "left" || watched.gone === "ended"
    })
  }
  const { watching } = of(watcher)
  if (watching.size >= Limits.watchedMax)
    throw new RangeError(`${watcher.address} watches ${Limits.watchedMax} addresses already`)
  watcher.kernel.watches.add(watched.address, watcher, tell)
  watching.add(watched.address)
}

export const unwatch = (watcher: ActorCell, address: string): void => {
  watcher.relations?.watching.delete(address)
  watcher.kernel.watches.remove(address, watcher)
}

/** Sends an actor the events of a topic, in place of an earlier subscription. Throws as `context.subscribe` says. */
export const subscribe = (cell: ActorCell, topic: string, messageName: string): void => {
  const entry = entryOf(cell, messageName)
  unsubscribe(cell, topic)
  const { subscriptions } = of(cell)
  if (subscriptions.size >= Limits.subscriptionsMax)
    throw new RangeError(`${cell.address} subscribes to ${Limits.subscriptionsMax} topics already`)
  subscriptions.set(
    topic,
    cell.kernel.topics.subscribe(topic, (event) => tellItself(cell, entry, event))
  )
}

export const unsubscribe = (cell: ActorCell, topic: string): void => {
  const subscriptions = cell.relations?.subscriptions
  subscriptions?.get(topic)?.()
  subscriptions?.delete(topic)
}
