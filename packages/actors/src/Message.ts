/**
 * The message that a handler handles, which is also the context that the handler gets.
 *
 * The object is used again for the next message of a handler that ended at once, unless something was derived from it that may
 * outlive the handler: then it is `kept`.
 */
import * as Address from "@continuum/core/Address"
import { Context } from "effect"
import type { Actor, ActorContext, Entry, MessageTypes, ReminderInfo, ReminderOptions, TimerOptions } from "./Actor.ts"
import type { ActorCell } from "./ActorCell.ts"
import { AskCycle } from "./ActorError.ts"
import * as ActorLife from "./ActorLife.ts"
import type { SpawnOptions } from "./ActorOptions.ts"
import type { PromiseRef } from "./ActorRef.ts"
import type { Write } from "./ActorStorage.ts"
import type { Ask } from "./Ask.ts"
import type { Durable } from "./GroupCommit.ts"
import * as Relations from "./Relations.ts"
import * as ReminderChanges from "./ReminderChanges.ts"
import type { MessageReminders } from "./Reminders.ts"
import * as Stash from "./Stash.ts"
import { Timers } from "./Timers.ts"
import type { Topic } from "./Topic.ts"

const localPrefix = `continuum://${Address.localRealm}/`

/** A tell that leaves once its sender's state is stored. */
export interface Outgoing {
  readonly cell: Pick<ActorCell, "offer" | "deadLetter">
  readonly entry: Entry
  readonly payload: unknown
  /** What stores it with that state, if it has to be. */
  readonly records?: ReadonlyArray<Write>
}

export class Message implements ActorContext {
  cell: ActorCell
  entry: Entry
  payload: unknown
  /** The waiting asker; absent for a tell, and once the message is set aside. */
  ask: Ask | undefined
  kept: boolean
  /** Whether it is reentrant and being handled, also while another message is. */
  beside: boolean
  /** Whether its handler set it aside: it is handled again later. */
  isSetAside: boolean
  /** The asker of one that was set aside: it waits on. */
  laterAsk: Ask | undefined
  outbox: Array<Outgoing> | undefined
  /** What it has to do with reminders, until its handler has ended. */
  reminders: MessageReminders | undefined
  /** Whether its answer waits for the storage. The answer, and the next one that does: only `HeldAnswers` touches these. */
  isHeld: boolean
  answer: unknown
  answerIsReply: boolean
  nextHeld: Message | undefined
  private controller: AbortController | undefined

  constructor(cell: ActorCell, entry: Entry, payload: unknown, ask: Ask | undefined) {
    this.cell = cell
    this.entry = entry
    this.payload = payload
    this.ask = ask
    this.kept = false
    this.beside = false
    this.isSetAside = false
    this.laterAsk = undefined
    this.outbox = undefined
    this.reminders = undefined
    this.isHeld = false
    this.answer = undefined
    this.answerIsReply = false
    this.nextHeld = undefined
    this.controller = undefined
  }

  /** Whether its handler has not ended yet. */
  get isHandled(): boolean {
    return this.cell.current === this || this.beside
  }

  /** Who waits for its handling, be it the present one or one to come. */
  get waitingAsk(): Ask | undefined {
    return this.ask ?? this.laterAsk
  }

  get address(): string {
    return this.cell.address
  }
  get name(): string {
    return this.cell.name
  }
  get messageName(): string {
    return this.entry.name
  }
  get signal(): AbortSignal {
    this.kept = true
    return (this.controller ??= new AbortController()).signal
  }
  /** Aborts the signal, if the handler ever looked at it. */
  abort(): void {
    this.controller?.abort()
  }

  at<Kind extends string, State, M extends MessageTypes>(
    actor: Actor<Kind, State, M, never>,
    address: string
  ): PromiseRef<M> {
    this.kept = true
    return this.cell.kernel.router.promiseRef(actor, this.asAtHome(address), undefined, this)
  }

  spawn<Kind extends string, State, M extends MessageTypes>(
    actor: Actor<Kind, State, M, never>,
    nameOrOptions?: string | SpawnOptions<State>
  ): PromiseRef<M> {
    const { kernel } = this.cell
    if (this.cell.type.isGuest) throw new Error(`${this.address} cannot spawn while it is lent to this node`)
    if (typeof nameOrOptions !== "string") return kernel.spawn(actor, nameOrOptions, this)
    const name = nameOrOptions
    const type = kernel.typeOf(actor)
    type.checkName(name)
    const child = type.cell(name)
    if (child === undefined) throw type.whyNot(name)
    if (child.gone !== undefined) throw child.gone === "unknown" ? kernel.unknown(child.address) : child.stopped()
    Relations.adopt(this.cell, child)
    if (child.phase === "stopped") ActorLife.startAnew(child)
    return this.ref(actor, name)
  }

  watch(address: string, messageName: string): void {
    Relations.watch(this.cell, this.cell.kernel.cellAt(address), messageName)
  }
  unwatch(address: string): void {
    Relations.unwatch(this.cell, this.cell.kernel.cellAt(address).address)
  }
  link(address: string): void {
    Relations.link(this.cell, this.cell.kernel.cellAt(address))
  }
  setTimer(key: string, when: TimerOptions, messageName: string, payload?: unknown): void {
    const { cell } = this
    ;(cell.timers ??= new Timers(cell)).set(key, when, Relations.entryOf(cell, messageName), payload)
  }
  cancelTimer(key: string): void {
    this.cell.timers?.cancel(key)
  }
  setReminder(key: string, when: ReminderOptions, messageName: string, payload?: unknown): void {
    ReminderChanges.set(this, key, when, messageName, payload)
  }
  cancelReminder(key: string): void {
    ReminderChanges.cancel(this, key)
  }
  get reminder(): ReminderInfo | undefined {
    return ReminderChanges.infoOf(this)
  }
  publish<Event>(topic: Topic<Event>, event: Event): void {
    this.cell.kernel.publish(topic.name, event, this)
  }
  subscribe<Event>(topic: Topic<Event>, messageName: string): void {
    Relations.subscribe(this.cell, topic.name, messageName)
  }
  unsubscribe<Event>(topic: Topic<Event>): void {
    Relations.unsubscribe(this.cell, topic.name)
  }
  stash(): void {
    Stash.add(this)
  }
  unstash(): void {
    Stash.putBack(this.cell)
  }
  end(): void {
    if (this.cell.current === this && this.cell.phase === "ready") this.cell.phase = "ending"
  }

  ref<Kind extends string, State, M extends MessageTypes>(
    actor: Actor<Kind, State, M, never>,
    name: string
  ): PromiseRef<M> {
    this.kept = true
    const { kernel, type } = this.cell
    if (!type.isGuest) return kernel.promiseRef(actor, name, this)
    return kernel.router.promiseRef(actor, addressText(type.realm, actor.kind, name), undefined, this)
  }

  /** An address as a lent actor means it: what is local to it is at its home. */
  private asAtHome(address: string): string {
    const { isGuest, realm } = this.cell.type
    return isGuest && address.startsWith(localPrefix)
      ? `continuum://${realm}/${address.slice(localPrefix.length)}`
      : address
  }
}

/**
 * Adds what the transaction of a message's handler stores besides the state: that it was handled, and what it sends. Whether there is
 * anything.
 */
export const addRecords = ({ records }: Durable, { ask, outbox }: Message, reply: unknown): boolean => {
  const before = records.length
  const receipt = ask?.receipt
  if (receipt !== undefined) records.push(...receipt.records(reply))
  // One by one: a handler may send many.
  if (outbox !== undefined) for (const sent of outbox) for (const record of sent.records ?? []) records.push(record)
  return records.length > before
}

/** Whether what the handler of a message does is a transaction of this system. */
export const isTransaction = ({ cell, isHandled }: Message): boolean =>
  isHandled && cell.durable !== undefined && !cell.type.isGuest

/** The message that the current fiber handles; undefined outside of handlers. */
export const CurrentMessage = Context.Reference<Message | undefined>("@continuum/actors/Message/Current", {
  defaultValue: () => undefined
})

/**
 * The circle that an ask to `target` would close when sent by the handler of `sender`: that handler's actor and all that
 * wait for it are busy until it ends, so none of them can answer. Undefined when there is none. O(length of the chain).
 */
export const cycleOf = (sender: Message | undefined, target: ActorCell): AskCycle | undefined => {
  for (let message = sender; message !== undefined; message = message.waitingAsk?.parent) {
    // A handler that has ended holds up nobody, though a fiber that it left behind may still speak in its name.
    if (!message.isHandled) return undefined
    // One that is handled beside another holds up its asker, but not its actor.
    if (message.cell === target && !message.beside) return new AskCycle({ chain: chainOf(sender, message) })
    const chain = message.waitingAsk?.chain
    if (chain !== undefined && chain.length > 0)
      return target.kernel.router.cycleElsewhere(chain, sender, target.address)
  }
  return undefined
}

const chainOf = (sender: Message | undefined, from: Message): Array<string> => {
  const chain = [from.address]
  for (let message = sender; message !== undefined && message !== from; message = message.waitingAsk?.parent) {
    chain.splice(1, 0, message.address)
  }
  chain.push(from.address)
  return chain
}

/** Text of an address from the parts that the kernel keeps. */
export const addressText = (realm: string, kind: string, name: string): string => Address.format({ realm, kind, name })
