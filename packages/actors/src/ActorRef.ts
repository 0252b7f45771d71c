/**
 * How an actor is reached: one method for each of its messages. `ActorRef` answers with Effects whose error type names
 * everything that can go wrong, `PromiseRef` is the same for code that does not use Effect.
 *
 * An ask waits for the reply; the reply of a message that streams is a `Stream`, which asks when it is run, or an `AsyncIterable`.
 * `ref.tell.<message>` only puts the message into the mailbox. A ref is cheap, never expires,
 * and activates its actor at the first message.
 */
import { Effect, Fiber, Stream } from "effect"
import type * as Actor from "./Actor.ts"
import type { ActorCell } from "./ActorCell.ts"
import {
  type ActorError,
  type ActorStopped,
  type AddressUnknown,
  type MailboxFull,
  type MessageUnknown,
  type OutboxFull,
  PayloadMalformed,
  type StateNotStored,
  type TooOld
} from "./ActorError.ts"
import type { ActorType } from "./ActorType.ts"
import { Ask, outcome } from "./Ask.ts"
import type { AskDeadlines } from "./AskDeadlines.ts"
import { deepFreeze } from "./Freeze.ts"
import { CurrentMessage, cycleOf, type Message } from "./Message.ts"
import { Admission } from "./Overflow.ts"
import * as ReplyStreams from "./ReplyStreams.ts"

/** What an ask of a known message can fail with, besides the handler's own errors. */
export type AskError = Exclude<ActorError, MessageUnknown>
/**
 * What a tell can fail with. Whatever happens later to the message, its sender does not hear of it. Only a durable mailbox has the
 * last three.
 */
export type TellError =
  | MailboxFull
  | ActorStopped
  | AddressUnknown
  | PayloadMalformed
  | StateNotStored
  | OutboxFull
  | TooOld

type Payload<P> = [P] extends [void] ? [] : undefined extends P ? [payload?: P] : [payload: P]

/**
 * A ref for Effect. Interrupting an ask also interrupts the handler, if that is an Effect and is running. `More` is what else
 * can go wrong where the actor may be on another node.
 */
export type ActorRef<M extends Actor.MessageTypes, More = never> = {
  readonly [Name in keyof M]: (
    ...payload: Payload<M[Name]["payload"]>
  ) => M[Name]["streams"] extends true
    ? Stream.Stream<M[Name]["reply"], M[Name]["error"] | AskError | More>
    : Effect.Effect<M[Name]["reply"], M[Name]["error"] | AskError | More>
} & {
  readonly address: string
  readonly tell: {
    readonly [Name in keyof M as Told<M, Name>]: (
      ...payload: Payload<M[Name]["payload"]>
    ) => Effect.Effect<void, TellError | More>
  }
}

/** A stream has to be asked for: nobody would read what a tell was answered with. */
type Told<M extends Actor.MessageTypes, Name extends keyof M> = M[Name]["streams"] extends true ? never : Name

/** A ref for Promises, which reject with the same errors. Its `tell` throws a `TellError` at once. */
export type PromiseRef<M extends Actor.MessageTypes> = {
  readonly [Name in keyof M]: (
    ...payload: Payload<M[Name]["payload"]>
  ) => M[Name]["streams"] extends true ? AsyncIterable<M[Name]["reply"]> : Promise<M[Name]["reply"]>
} & {
  readonly address: string
  readonly tell: {
    readonly [Name in keyof M as Told<M, Name>]: (...payload: Payload<M[Name]["payload"]>) => void
  }
}

/** Where the messages of a ref go. */
export interface Addressee {
  readonly type: ActorType
  readonly name: string
  readonly deadlines: AskDeadlines | undefined
  /** The message whose handler made this ref, for refs of async handlers. */
  readonly sender: Message | undefined
  /** Undefined: there can be none (`whyNot`). */
  readonly cell: () => ActorCell | undefined
}

/** The actor of a name, activated if need be. */
export class Target implements Addressee {
  readonly type: ActorType
  readonly name: string
  readonly deadlines: AskDeadlines | undefined
  readonly sender: Message | undefined
  private cached: ActorCell | undefined

  constructor(type: ActorType, name: string, deadlines: AskDeadlines | undefined, sender: Message | undefined) {
    this.type = type
    this.name = name
    this.deadlines = deadlines
    this.sender = sender
    this.cached = undefined
  }

  cell(): ActorCell | undefined {
    const { cached } = this
    if (cached !== undefined && cached.gone === undefined) return cached
    return (this.cached = this.type.cell(this.name))
  }
}

/** One actor without a name, for a ref with a time limit or a sender of its own; otherwise its cell is the addressee. */
export class Spawned implements Addressee {
  readonly deadlines: AskDeadlines | undefined
  readonly sender: Message | undefined
  private readonly only: ActorCell

  constructor(only: ActorCell, deadlines: AskDeadlines | undefined, sender: Message | undefined) {
    this.only = only
    this.deadlines = deadlines
    this.sender = sender
  }

  get type(): ActorType {
    return this.only.type
  }
  get name(): string {
    return this.only.name
  }
  cell(): ActorCell {
    return this.only
  }
}

// ---------------------------------------------------------------- sending

/** Sends a tell, or says why it could not. */
export const tell = (
  target: Addressee,
  entry: Actor.Entry,
  payload: unknown,
  sender: Message | undefined,
  admission?: Admission
): TellError | undefined => {
  if (entry.isPayload !== undefined && !entry.isPayload(payload)) return malformed(target, entry)
  const { post } = target.type
  if (post !== undefined) return post.tell(target.type, target.name, entry, payload, sender)
  const cell = target.cell()
  if (cell === undefined) return unreachable(target, entry)
  const { freeze, spans } = target.type.kernel
  if (freeze) deepFreeze(payload)
  if (spans !== undefined) entry = spans.sample(entry, cell.address, sender)
  if (sender !== undefined && sender.cell.durable !== undefined && sender.isHandled) {
    ;(sender.outbox ??= []).push({ cell, entry, payload })
    return undefined
  }
  const refused = cell.offer(entry, payload, undefined, admission)
  if (refused !== undefined) {
    cell.deadLetter(entry, refused.message)
    spans?.refused(entry, refused)
  }
  return refused
}

/** Sends an ask, which settles with whatever comes of it, possibly before this returns. */
export const sendAsk = (target: Addressee, entry: Actor.Entry, payload: unknown, ask: Ask): void => {
  if (entry.isPayload !== undefined && !entry.isPayload(payload)) return ask.fail(malformed(target, entry))
  const cell = target.cell()
  if (cell === undefined) return ask.fail(unreachable(target, entry))
  const { freeze, spans } = target.type.kernel
  if (freeze) deepFreeze(payload)
  if (spans !== undefined) entry = spans.sample(entry, cell.address, ask.parent, ask.parentSpan)
  ask.cell = cell
  ask.entry = entry
  const sender = ask.parent
  if (sender !== undefined) {
    const cycle = entry.reentrant ? undefined : cycleOf(sender, cell)
    if (cycle !== undefined) return ask.fail(cycle)
    const { durable } = sender.cell
    if (durable !== undefined && (durable.dirty || durable.inFlight > 0)) {
      // What the handler knows may not be stored yet, and must not get out before it is.
      durable.whenSettled.push(() => {
        if (sender.isHandled && ask.status === "waiting") deliverAsk(cell, entry, payload, ask)
      })
      return watchDeadline(target, ask)
    }
  }
  deliverAsk(cell, entry, payload, ask)
  watchDeadline(target, ask)
}

/** An ask that was answered at once never gets a deadline. */
const watchDeadline = ({ deadlines }: Addressee, ask: Ask): void => {
  if (ask.status === "waiting" && deadlines !== undefined) deadlines.add(ask)
}

const deliverAsk = (cell: ActorCell, entry: Actor.Entry, payload: unknown, ask: Ask): void => {
  if (cell.handleDirectly(entry, payload, ask)) return
  const refused = cell.offer(entry, payload, ask)
  if (refused === undefined) return
  cell.deadLetter(entry, refused.message)
  cell.kernel.spans?.refused(entry, refused)
  ask.fail(refused)
}

const malformed = (target: Addressee, entry: Actor.Entry): PayloadMalformed => {
  const reason = "it is not of the type that the schema describes"
  return new PayloadMalformed({ address: target.type.address(target.name), messageName: entry.name, reason })
}

const unreachable = (target: Addressee, entry: Actor.Entry): ActorStopped => {
  const error = target.type.whyNot(target.name)
  target.type.kernel.deadLetter(error.address, entry.name, error.reason)
  return error
}

/** An ask as an Effect. `wrapExpected` says what an expected failure of the handler becomes. */
export const askEffect = (
  target: Addressee,
  entry: Actor.Entry,
  payload: unknown,
  wrapExpected?: (error: unknown) => unknown
): Effect.Effect<any, any> =>
  Effect.withFiber((fiber) => {
    const ask = new Ask(fiber.getRef(CurrentMessage))
    sendAsk(target, entry, payload, ask)
    return ask.status === "waiting" ? awaitAsk(ask, wrapExpected) : outcome(ask, wrapExpected)
  })

export const awaitAsk = (
  ask: Ask,
  wrapExpected: ((error: unknown) => unknown) | undefined
): Effect.Effect<unknown, unknown> =>
  Effect.callback((resume) => {
    if (ask.status !== "waiting") return resume(outcome(ask, wrapExpected))
    ask.listener = () => resume(outcome(ask, wrapExpected))
    return Effect.sync(() => ask.abandon())
  })

/**
 * An ask for a streamed reply, sent when the stream is run. `wrapExpected` says what an expected failure becomes, of the handler or of
 * the stream.
 */
export const askStream = (
  target: Addressee,
  entry: Actor.Entry,
  payload: unknown,
  wrapExpected: (error: unknown) => unknown = (error) => error,
  make: (parent: Message | undefined) => Ask = (parent) => new Ask(parent)
): Stream.Stream<unknown, unknown> => {
  const { deadlines, name, sender, type } = target
  const idleMs = deadlines?.timeoutMs ?? Number.POSITIVE_INFINITY
  const asked = Effect.withFiber((fiber) => {
    const ask = make(sender ?? fiber.getRef(CurrentMessage))
    sendAsk(target, entry, payload, ask)
    return Effect.map(awaitAsk(ask, wrapExpected), (reply) =>
      ReplyStreams.seen(reply as Stream.Stream<unknown, unknown>, wrapExpected).pipe(
        ReplyStreams.within(idleMs, type.address(name), entry.name)
      )
    )
  })
  return Stream.unwrap(asked)
}

const tellEffect = (target: Addressee, entry: Actor.Entry, payload: unknown): Effect.Effect<void, TellError> =>
  Effect.suspend(() => {
    const sender = Fiber.getCurrent()?.getRef(CurrentMessage)
    const { post } = target.type
    if (post !== undefined && entry.isPayload?.(payload) !== false)
      return post.tellEffect(target.type, target.name, entry, payload, sender)
    const admission = target.type.definition.overflow === "backpressure" ? new Admission() : undefined
    const refused = tell(target, entry, payload, sender, admission)
    if (refused !== undefined) return Effect.fail(refused)
    return admission === undefined ? Effect.void : awaitAdmission(admission)
  })

const awaitAdmission = (admission: Admission): Effect.Effect<void, TellError> =>
  Effect.callback((resume) => {
    const settle = () => resume(admission.refused === undefined ? Effect.void : Effect.fail(admission.refused))
    if (!admission.waits) return settle()
    admission.listener = settle
    return Effect.sync(() => (admission.cancelled = true))
  })

const askPromise = (target: Addressee, entry: Actor.Entry, payload: unknown): Promise<unknown> => {
  const ask = new Ask(target.sender)
  sendAsk(target, entry, payload, ask)
  if (ask.status === "replied") return Promise.resolve(ask.value)
  return new Promise((resolve, reject) => {
    if (ask.status !== "waiting") return reject(ask.value)
    ask.resolve = resolve
    ask.reject = reject
  })
}

const tellNow = (target: Addressee, entry: Actor.Entry, payload: unknown): void => {
  const refused = tell(target, entry, payload, target.sender)
  if (refused !== undefined) throw refused
}

// ---------------------------------------------------------------- classes of refs

const target = Symbol("@continuum/actors/ActorRef/target")
const tells = Symbol("@continuum/actors/ActorRef/tells")

class Ref {
  // Declared and not defined: engines define fields of computed names slowly, and a ref is made for every actor.
  declare readonly [target]: Addressee
  declare [tells]: unknown
  constructor(of: Addressee) {
    this[target] = of
    this[tells] = undefined
  }
  get address(): string {
    return this[target].type.address(this[target].name)
  }
}

type RefClass = new (of: Addressee) => any

/** The classes of one actor type's refs: a method on the prototype for each message, so that a ref itself is small. */
export interface RefClasses {
  readonly effect: RefClass
  readonly promise: RefClass
}

const classesOf = (type: ActorType): RefClasses =>
  (type.refClasses ??= {
    effect: refClass(
      type,
      (entry) =>
        entry.streams
          ? function (this: Ref, payload: unknown) {
              return askStream(this[target], entry, payload)
            }
          : function (this: Ref, payload: unknown) {
              return askEffect(this[target], entry, payload)
            },
      (entry) =>
        function (this: Ref, payload: unknown) {
          return tellEffect(this[target], entry, payload)
        }
    ),
    promise: refClass(
      type,
      (entry) =>
        entry.streams
          ? function (this: Ref, payload: unknown) {
              return Stream.toAsyncIterableWith(askStream(this[target], entry, payload), type.kernel.context)
            }
          : function (this: Ref, payload: unknown) {
              return askPromise(this[target], entry, payload)
            },
      (entry) =>
        function (this: Ref, payload: unknown) {
          return tellNow(this[target], entry, payload)
        }
    )
  })

type Method = (entry: Actor.Entry) => (this: Ref, payload: unknown) => unknown

const refClass = (type: ActorType, ask: Method, tell: Method): RefClass => {
  const Tell = class extends Ref {}
  const Ask = class extends Ref {
    get tell(): unknown {
      return (this[tells] ??= new Tell(this[target]))
    }
  }
  for (const entry of type.definition.entries.values()) {
    Object.defineProperty(Ask.prototype, entry.name, { value: ask(entry) })
    if (!entry.streams) Object.defineProperty(Tell.prototype, entry.name, { value: tell(entry) })
  }
  return Ask
}

/** Messages that wait for an actor of this node or are handled by it. */
export const loadOf = (ref: ActorRef<any>): number => {
  const to = (ref as unknown as Ref)[target]
  const cell = to instanceof Target ? to.type.cells.get(to.name) : to.cell()
  return cell === undefined ? 0 : cell.mailbox.size + (cell.current === undefined ? 0 : 1)
}

/** A ref for Effect. */
export const actorRef = <M extends Actor.MessageTypes>(to: Addressee): ActorRef<M> =>
  new (classesOf(to.type).effect)(to)

/** A ref for Promises. The sender of its addressee is the message whose handler will use it, if it is one. */
export const promiseRef = <M extends Actor.MessageTypes>(to: Addressee): PromiseRef<M> =>
  new (classesOf(to.type).promise)(to)
