/**
 * Messages that name themselves, by a stream and a sequence number, to actors with a durable mailbox: whoever does not know whether one
 * arrived sends it again under the same name. It is handled once; the same reply comes again.
 *
 * Inside the window of `Dedupe`, that is; an older one gets `TooOld`. One whose handler crashed was not handled, and may come again.
 */
import { localRealm } from "@continuum/core/Address"
import type { Outcome } from "@continuum/core/Delivery"
import type { MessageId } from "@continuum/core/Envelope"
import { Effect, type Tracer } from "effect"
import type * as Actor from "./Actor.ts"
import { type ActorError, AskTimeout, StateNotStored, TooOld } from "./ActorError.ts"
import { type ActorRef, awaitAsk, type PromiseRef, sendAsk, Target, type TellError } from "./ActorRef.ts"
import type { ActorType } from "./ActorType.ts"
import { Ask, noChain, type Receipt } from "./Ask.ts"
import type { AskDeadlines } from "./AskDeadlines.ts"
import * as Conversion from "./Conversion.ts"
import type { Claim } from "./Dedupe.ts"
import * as Inspector from "./Inspector.ts"
import { CurrentMessage, type Message } from "./Message.ts"

/** A message that is to be handled once. */
export interface Once {
  readonly type: ActorType
  readonly name: string
  readonly entry: Actor.Entry
  readonly payload: unknown
  readonly id: MessageId
  /** Whose streams these are: a node's key, or `local`. */
  readonly sender: string
}

/** An ask whose reply is stored with what its handler did. It is handled to its end, whether anybody still waits for it or not. */
class OnceAsk extends Ask {
  private readonly once: Once
  private readonly claim: Claim
  private readonly waiting: ReadonlyArray<string>
  private readonly span: Tracer.AnySpan | undefined

  constructor(
    once: Once,
    claim: Claim,
    parent: Message | undefined,
    chain: ReadonlyArray<string>,
    span: Tracer.AnySpan | undefined
  ) {
    super(parent)
    this.once = once
    this.claim = claim
    this.waiting = chain
    this.span = span
  }

  override get chain(): ReadonlyArray<string> {
    return this.waiting
  }

  override get parentSpan(): Tracer.AnySpan | undefined {
    return this.span
  }

  override get receipt(): Receipt {
    return { records: (reply) => this.claim.records(this.replied(reply)) }
  }

  override reply(value: unknown): void {
    this.claim.settle(true)
    super.reply(value)
  }

  /** The asker hears of its error once the error is stored; the state is as it was. */
  override failExpected(error: unknown): void {
    const { entry, type } = this.once
    const outcome: Outcome = { _tag: "Failed", error: Inspector.encodeError(entry, error) }
    type.post!.writer.add(this.claim.records(outcome), (refused) => {
      this.claim.settle(refused === undefined)
      super.failExpected(error)
    })
  }

  override fail(error: ActorError): void {
    this.claim.settle(false)
    super.fail(error)
  }

  override abandon(): void {
    this.listener = undefined
  }

  private replied(value: unknown): Outcome | "not kept" {
    const { entry, name, type } = this.once
    const exit = Effect.runSyncExit(Inspector.encodeReply(type.address(name), entry, value))
    return exit._tag === "Success" ? { _tag: "Replied", value: exit.value } : "not kept"
  }
}

/** Asks once. The outcome is plain data, as it was stored. `chain` and `span` are those of an asker on another node. */
export const ask = (
  once: Once,
  parent: Message | undefined,
  chain: ReadonlyArray<string> = noChain,
  span?: Tracer.AnySpan
): Effect.Effect<Outcome, ActorError> =>
  judged(once, (claim): Effect.Effect<Outcome, ActorError> => {
    const { entry, name, payload, type } = once
    const address = type.address(name)
    const sent = new OnceAsk(once, claim, parent, chain, span)
    sendAsk(new Target(type, name, undefined, undefined), entry, payload, sent)
    return Effect.matchEffect(Effect.interruptible(awaitAsk(sent, (error) => new Expected(error))), {
      onFailure: (error): Effect.Effect<Outcome, ActorError> =>
        error instanceof Expected
          ? Effect.succeed({ _tag: "Failed", error: Inspector.encodeError(entry, error.error) })
          : Effect.fail(error as ActorError),
      onSuccess: (value) =>
        Effect.map(Inspector.encodeReply(address, entry, value), (value): Outcome => ({ _tag: "Replied", value }))
    })
  })

/** Tells once: done when it is stored. */
export const tell = (once: Once): Effect.Effect<void, TellError> =>
  Effect.asVoid(
    judged<Outcome, TellError>(once, (claim) => {
      const { entry, name, payload, type } = once
      const post = type.post!
      const draft = post.draft(type, name, entry, payload, undefined)
      const stored: Effect.Effect<void, TellError> =
        draft._tag === "Failure" ? Effect.fail(draft.failure) : post.send(draft.success, claim.records(undefined))
      return Effect.matchEffect(stored, {
        onFailure: (error) =>
          Effect.andThen(
            Effect.sync(() => claim.settle(false)),
            Effect.fail(error)
          ),
        onSuccess: () =>
          Effect.as(
            Effect.sync(() => claim.settle(true)),
            told
          )
      })
    })
  )

const told: Outcome = { _tag: "Replied", value: undefined }

class Expected {
  readonly error: unknown
  constructor(error: unknown) {
    this.error = error
  }
}

/** Does `take`, unless the message was taken before. */
const judged = <A extends Outcome, E>(
  once: Once,
  take: (claim: Claim) => Effect.Effect<A, E>
): Effect.Effect<Outcome, E | StateNotStored | TooOld> => {
  const { id, name, sender, type } = once
  const address = type.address(name)
  return Effect.flatMap(
    Effect.mapError(
      type.post!.dedupe.judge(address, sender, id),
      ({ reason }) => new StateNotStored({ address, reason })
    ),
    (verdict): Effect.Effect<Outcome, E | TooOld> => {
      if (verdict._tag === "New") return take(verdict.claim)
      if (verdict._tag === "Refused") return Effect.fail(verdict.error)
      return Effect.succeed(verdict.outcome ?? told)
    }
  ).pipe(Effect.uninterruptible)
}

// ---------------------------------------------------------------- refs

/** Where the messages of a ref go, and their name. */
export interface OnceTarget {
  readonly type: ActorType
  readonly name: string
  readonly id: MessageId
  /** Of asks; undefined: they wait as long as it takes. */
  readonly deadlines: AskDeadlines | undefined
}

const askLocal = ({ deadlines, ...target }: OnceTarget, entry: Actor.Entry, payload: unknown) =>
  Effect.withFiber((fiber): Effect.Effect<unknown, unknown> => {
    const address = target.type.address(target.name)
    const asked = ask({ ...target, entry, payload, sender: localRealm }, fiber.getRef(CurrentMessage))
    const answered = Effect.flatMap(asked, (outcome) => decoded(entry, outcome))
    if (deadlines === undefined) return answered
    const { timeoutMs } = deadlines
    const late = () => Effect.fail(new AskTimeout({ address, messageName: entry.name, timeoutMs }))
    return Effect.timeoutOrElse(answered, { duration: timeoutMs, orElse: late })
  })

/** What was asked for, of its types. */
const decoded = ({ schemas }: Actor.Entry, outcome: Outcome): Effect.Effect<unknown, unknown> => {
  if (outcome._tag === "Replied")
    return schemas === undefined ? Effect.succeed(outcome.value) : Conversion.decode(schemas.success, outcome.value)
  const error = schemas === undefined ? Effect.succeed(outcome.error) : Conversion.decode(schemas.error, outcome.error)
  return Effect.flatMap(error, Effect.fail)
}

type Call = (entry: Actor.Entry) => (payload: unknown) => unknown

const refOf = ({ id, name, type }: OnceTarget, ask: Call, tell: Call): any => {
  const address = type.address(name)
  if (type.post === undefined)
    throw new TypeError(`${address} has no durable mailbox, and would not know message ${id.sequence} again`)
  const entries = [...type.definition.entries.values()].filter(({ streams }) => !streams)
  return Object.freeze({
    ...Object.fromEntries(entries.map((entry) => [entry.name, ask(entry)])),
    address,
    tell: Object.freeze(Object.fromEntries(entries.map((entry) => [entry.name, tell(entry)])))
  })
}

/** A ref whose messages have this name: for one message. Its streaming messages cannot be asked for. */
export const actorRef = <M extends Actor.MessageTypes>(target: OnceTarget): ActorRef<M> =>
  refOf(
    target,
    (entry) => (payload) => askLocal(target, entry, payload),
    (entry) => (payload) => tell({ ...target, entry, payload, sender: localRealm })
  )

/** The same for Promises. What keeps a tell from being stored makes it a dead letter. */
export const promiseRef = <M extends Actor.MessageTypes>(target: OnceTarget): PromiseRef<M> => {
  const { kernel } = target.type
  return refOf(
    target,
    (entry) => (payload) => Effect.runPromiseWith(kernel.context)(askLocal(target, entry, payload)),
    (entry) => (payload) =>
      kernel.forkBackground(
        Effect.catch(tell({ ...target, entry, payload, sender: localRealm }), (error) =>
          Effect.sync(() => kernel.deadLetter(target.type.address(target.name), entry.name, error.message))
        )
      )
  )
}
