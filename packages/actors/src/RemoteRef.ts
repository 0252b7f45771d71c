/**
 * Refs of actors on other nodes. They look and fail like those of this node; what arrives is decoded by the schemas of the
 * definition before anyone sees it.
 */
import type { Address } from "@continuum/core/Address"
import type { DeliveryError, Outcome } from "@continuum/core/Delivery"
import type { Envelope } from "@continuum/core/Envelope"
import type { PeerUnreachable } from "@continuum/core/Transport"
import { type Context, Effect, Exit, Result, Schema, Stream } from "effect"
import type * as Actor from "./Actor.ts"
import { ActorError, ActorFailed, AskTimeout, NotExposed, PayloadMalformed } from "./ActorError.ts"
import type { ActorRef, PromiseRef } from "./ActorRef.ts"
import { Ask } from "./Ask.ts"
import * as AskAgain from "./AskAgain.ts"
import * as Conversion from "./Conversion.ts"
import { deepFreeze } from "./Freeze.ts"
import { CurrentMessage, type Message } from "./Message.ts"
import * as PlainData from "./PlainData.ts"
import type { RemoteError } from "./RemoteError.ts"
import * as ReplyStreams from "./ReplyStreams.ts"
import type { Router } from "./Router.ts"
import { HandlerFailed } from "./rpc.ts"

/** Where the messages of a remote ref go. */
export interface RemoteTarget {
  readonly router: Router
  /** What is known of the actor here; undefined when only its address is. */
  readonly definition: Actor.Any | undefined
  readonly to: Address
  /** The text of `to`. */
  readonly address: string
  readonly timeoutMs: number
  /** The message whose handler made this ref, for refs of async handlers. */
  readonly sender: Message | undefined
}

type SendError = ActorError | RemoteError

// ---------------------------------------------------------------- asking

/** An ask by a message of the definition: payload and reply are of its types. */
const ask = (target: RemoteTarget, entry: Actor.Entry, payload: unknown): Effect.Effect<unknown, unknown> =>
  Effect.flatMapEager(encodePayload(target, entry, payload), (plain) =>
    Effect.flatMap(exchange(target, entry.name, plain), (outcome) => decodeOutcome(target, entry, outcome))
  )

/** An ask by the name of a message: payload, reply and the handler's errors are plain data. */
export const askPlain = (
  target: RemoteTarget,
  messageName: string,
  payload: unknown
): Effect.Effect<unknown, HandlerFailed | SendError> =>
  Effect.flatMap(
    exchange(target, messageName, payload),
    (outcome): Effect.Effect<unknown, HandlerFailed | SendError> => {
      if (outcome._tag === "Replied") return Effect.succeed(outcome.value)
      if (outcome._tag === "Refused") return refused(target, messageName, outcome.error)
      return Effect.fail(new HandlerFailed({ address: target.address, messageName, error: outcome.error }))
    }
  )

/** An ask for a streamed reply, sent when the stream is run: its values are of the types of the definition. */
const askStream = (target: RemoteTarget, entry: Actor.Entry, payload: unknown): Stream.Stream<unknown, unknown> => {
  const { address, router, timeoutMs } = target
  const outcomes = Effect.withFiber((fiber) => {
    const sender = target.sender ?? fiber.getRef(CurrentMessage)
    return encodePayload(target, entry, payload).pipe(
      Effect.flatMap((plain) =>
        onceStored(sender, router.envelope(target, "stream", entry.name, plain, sender, fiber.cache.span))
      ),
      Effect.map((envelope) =>
        Stream.mapError(router.delivery!.stream(envelope), (error) => sendError(target, entry.name, error))
      )
    )
  })
  return Stream.unwrap(outcomes).pipe(
    ReplyStreams.within(timeoutMs, address, entry.name),
    Stream.mapEffect((outcome) => decodeOutcome(target, entry, outcome))
  )
}

/** Sends the envelope and waits for what comes of it, within the deadline. */
const exchange = (target: RemoteTarget, messageName: string, payload: unknown): Effect.Effect<Outcome, SendError> =>
  Effect.withFiber((fiber) => {
    const sender = target.sender ?? fiber.getRef(CurrentMessage)
    const { address, router, timeoutMs } = target
    const envelope = router.envelope(target, "ask", messageName, payload, sender, fiber.cache.span)
    const stored = sender === undefined ? undefined : whenStored(sender)
    const isKnownAgain = target.definition?.mailbox === "durable"
    return Effect.callback((resume) => {
      // Stands for the ask in the list of deadlines that local ones have too: a timer for each costs as much as an ask.
      const ask = new Ask(undefined)
      const settle = (exit: Exit.Exit<Outcome, DeliveryError>) => {
        if (ask.status !== "waiting") return
        ask.abandon()
        resume(Effect.mapErrorEager(exit, (error) => sendError(target, messageName, error)))
      }
      const giveUp =
        (stored === undefined && !isKnownAgain && isSuccess(envelope)
          ? router.delivery!.askNow(envelope.value, settle)
          : undefined) ?? askLater(asking(router, onceSettled(stored, envelope), isKnownAgain), fiber.context, settle)
      if (ask.status !== "waiting") return
      const deadlines = router.kernel.deadlinesOf(timeoutMs)
      if (deadlines !== undefined) {
        ask.listener = () => {
          giveUp()
          resume(Effect.fail(new AskTimeout({ address, messageName, timeoutMs })))
        }
        deadlines.add(ask)
      }
      return Effect.sync(() => {
        ask.abandon()
        giveUp()
      })
    })
  })

const isSuccess = <A, E>(effect: Effect.Effect<A, E>): effect is Exit.Success<A, E> =>
  Exit.isExit(effect) && Exit.isSuccess(effect)

/** A durable mailbox knows an ask that comes again (`isKnownAgain`), so one whose answer was lost is sent again. */
const asking = (router: Router, envelope: Effect.Effect<Envelope, PeerUnreachable>, isKnownAgain: boolean) =>
  Effect.flatMapEager(envelope, (envelope) => {
    const asked = router.delivery!.ask(envelope)
    return isKnownAgain ? AskAgain.untilAnswered(router, envelope.id.sequence, asked) : asked
  })

/** An ask that has something to wait for before it is sent: a connection, or the state that its sender knows. */
const askLater = (
  asked: Effect.Effect<Outcome, DeliveryError>,
  context: Context.Context<never>,
  settle: (exit: Exit.Exit<Outcome, DeliveryError>) => void
): (() => void) => {
  const fiber = Effect.runForkWith(context)(asked)
  const exit = fiber.pollUnsafe()
  if (exit === undefined) fiber.addObserver(settle)
  else settle(exit)
  return () => fiber.interruptUnsafe()
}

/** Sends what the handler of `sender` knows. */
const onceStored = <A, E>(sender: Message | undefined, send: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  onceSettled(sender === undefined ? undefined : whenStored(sender), send)

const onceSettled = <A, E>(stored: Effect.Effect<void> | undefined, send: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  stored === undefined ? send : Effect.andThen(stored, send)

/** What the handler knows may not be stored yet, and must not get out before it is. Undefined: it is. */
const whenStored = ({ cell }: Message): Effect.Effect<void> | undefined => {
  const { durable } = cell
  if (durable === undefined || (!durable.dirty && durable.inFlight === 0)) return undefined
  return Effect.callback((resume) => {
    durable.whenSettled.push(() => resume(Effect.void))
  })
}

// ---------------------------------------------------------------- telling

const tell = (target: RemoteTarget, entry: Actor.Entry, payload: unknown): Effect.Effect<void, SendError> =>
  Effect.withFiber((fiber) => {
    const sender = target.sender ?? fiber.getRef(CurrentMessage)
    return Effect.flatMap(encodePayload(target, entry, payload), (plain) => {
      const { kernel } = target.router
      if (target.definition?.mailbox === "durable" && kernel.outbox !== undefined) {
        const sent = kernel.outbox.send(target.address, entry.name, plain, sender)
        return Result.isFailure(sent) ? Effect.fail(sent.failure) : sent.success
      }
      if (sender === undefined || sender.cell.durable === undefined || !sender.isHandled) {
        return deliverTell(target, entry, plain, sender)
      }
      // Leaves once the state of its sender is stored.
      ;(sender.outbox ??= []).push({ cell: mailboxOf(target, sender), entry, payload: plain })
      return Effect.void
    })
  })

/** The same without an Effect, so that it is sent before the handler ends. Throws when it cannot be. */
const tellNow = (target: RemoteTarget, entry: Actor.Entry, payload: unknown): void => {
  const { kernel } = target.router
  const { outbox } = kernel
  const deadLetter = (error: SendError) =>
    Effect.sync(() => kernel.deadLetter(target.address, entry.name, error.message))
  if (target.definition?.mailbox !== "durable" || outbox === undefined)
    return kernel.forkBackground(Effect.catch(tell(target, entry, payload), deadLetter))
  const plain = Effect.runSync(encodePayload(target, entry, payload))
  const sent = outbox.send(target.address, entry.name, plain, target.sender)
  if (Result.isFailure(sent)) throw sent.failure
  kernel.forkBackground(Effect.catch(sent.success, deadLetter))
}

const deliverTell = (
  target: RemoteTarget,
  entry: Actor.Entry,
  plain: unknown,
  sender: Message | undefined
): Effect.Effect<void, SendError> =>
  target.router.envelope(target, "tell", entry.name, plain, sender).pipe(
    Effect.flatMap((envelope) => target.router.delivery!.tell(envelope)),
    Effect.mapError((error) => sendError(target, entry.name, error))
  )

/** Only the payload can keep an envelope from being one. */
const sendError = ({ address }: RemoteTarget, messageName: string, error: DeliveryError): SendError =>
  error._tag === "EnvelopeMalformed" ? new PayloadMalformed({ address, messageName, reason: error.reason }) : error

/** The place in an outbox of a tell to another node: what cannot be sent becomes a dead letter here. */
const mailboxOf = (target: RemoteTarget, sender: Message) => {
  const { kernel } = target.router
  const deadLetter = (entry: Actor.Entry, reason: string) => kernel.deadLetter(target.address, entry.name, reason)
  return {
    offer: (entry: Actor.Entry, plain: unknown) => {
      kernel.forkBackground(
        Effect.catch(deliverTell(target, entry, plain, sender), (error) =>
          Effect.sync(() => deadLetter(entry, error.message))
        )
      )
      return undefined
    },
    deadLetter
  }
}

// ---------------------------------------------------------------- values

/** A payload as plain data. */
export const encodePayload = (
  { address }: RemoteTarget,
  { name, schemas }: Actor.Entry,
  payload: unknown
): Effect.Effect<unknown, PayloadMalformed> => {
  const malformed = (reason: string) => new PayloadMalformed({ address, messageName: name, reason })
  if (schemas === undefined) {
    const problem = PlainData.problemOf(payload, "payload")
    return problem === undefined ? Effect.succeed(payload) : Effect.fail(malformed(problem))
  }
  return Effect.mapErrorEager(Conversion.encode(schemas.payload, payload), () =>
    malformed("it is not of the type that the schema describes")
  )
}

/** The reply of an outcome, by the definition; fails with the handler's error, or with that of the system over there. */
export const decodeOutcome = (
  target: RemoteTarget,
  entry: Actor.Entry,
  outcome: Outcome
): Effect.Effect<unknown, unknown> => {
  const { schemas } = entry
  const decoded = (schema: Schema.Codec<any, any> | undefined, value: unknown) =>
    Effect.mapEager(
      schema === undefined
        ? Effect.succeed(value)
        : Effect.mapErrorEager(Conversion.decode(schema, value), ({ message }) =>
            misunderstood(target, entry.name, message)
          ),
      (value) => (target.router.kernel.freeze ? deepFreeze(value) : value)
    )
  if (outcome._tag === "Replied") return decoded(schemas?.success, outcome.value)
  if (outcome._tag === "Failed") return Effect.flatMap(decoded(schemas?.error, outcome.error), Effect.fail)
  return refused(target, entry.name, outcome.error)
}

const misunderstood = ({ address }: RemoteTarget, messageName: string, reason: string) =>
  new ActorFailed({
    address,
    messageName,
    cause: `what it answered is not what its definition here describes: ${reason}`
  })

const decodeRefusal = Schema.decodeUnknownEffect(Schema.Union([...ActorError.members, NotExposed]))

/** The error of the other actor system, as the same error here. */
const refused = (target: RemoteTarget, messageName: string, error: unknown): Effect.Effect<never, SendError> =>
  Effect.matchEffect(decodeRefusal(error), {
    onFailure: ({ message }) => Effect.fail(misunderstood(target, messageName, message)),
    onSuccess: (known) => Effect.fail(known)
  })

// ---------------------------------------------------------------- refs

type Call = (entry: Actor.Entry) => (payload: unknown) => unknown

const refOf = (target: RemoteTarget, ask: Call, stream: Call, tell: Call): unknown => {
  const entries = [...target.definition!.entries.values()]
  const asks = entries.map((entry) => [entry.name, (entry.streams ? stream : ask)(entry)])
  const tells = entries.filter(({ streams }) => !streams).map((entry) => [entry.name, tell(entry)])
  return Object.freeze({
    ...Object.fromEntries(asks),
    address: target.address,
    tell: Object.freeze(Object.fromEntries(tells))
  })
}

/** A ref for Effect. */
export const actorRef = <M extends Actor.MessageTypes>(target: RemoteTarget): ActorRef<M, RemoteError> =>
  refOf(
    target,
    (entry) => (payload) => ask(target, entry, payload),
    (entry) => (payload) => askStream(target, entry, payload),
    (entry) => (payload) => tell(target, entry, payload)
  ) as ActorRef<M, RemoteError>

/** A ref for Promises. Its tells say nothing of what goes wrong on the way: that becomes a dead letter. */
export const promiseRef = <M extends Actor.MessageTypes>(target: RemoteTarget): PromiseRef<M> => {
  const { kernel } = target.router
  return refOf(
    target,
    (entry) => (payload) => Effect.runPromiseWith(kernel.context)(ask(target, entry, payload)),
    (entry) => (payload) => Stream.toAsyncIterableWith(askStream(target, entry, payload), kernel.context),
    (entry) => (payload) => tellNow(target, entry, payload)
  ) as PromiseRef<M>
}
