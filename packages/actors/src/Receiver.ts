/**
 * Takes the envelopes of other nodes for the actors of this one. What is refused is refused as on this node, with the same
 * errors; what cannot be delivered and has no asker becomes a dead letter.
 */
import type { Address } from "@continuum/core/Address"
import * as Addresses from "@continuum/core/Address"
import type { Outcome, Receiver } from "@continuum/core/Delivery"
import type { Envelope } from "@continuum/core/Envelope"
import { Effect, Schema, Stream, type Tracer } from "effect"
import type * as Actor from "./Actor.ts"
import { ActorError, AddressUnknown, AskCycle, MessageUnknown, NotExposed } from "./ActorError.ts"
import { askStream, awaitAsk, sendAsk, Target, tell } from "./ActorRef.ts"
import type { ActorType } from "./ActorType.ts"
import { Ask, noChain, outcome } from "./Ask.ts"
import * as Inspector from "./Inspector.ts"
import type { Kernel } from "./Kernel.ts"
import { type Deliver, kind as leaseKind } from "./LeaseProtocol.ts"
import * as OnceRef from "./OnceRef.ts"
import * as ReplyStreams from "./ReplyStreams.ts"
import type { Router } from "./Router.ts"
import { HandlerFailed } from "./rpc.ts"
import * as TraceContext from "./TraceContext.ts"

/** The receiver of a system. */
export const receiver = (kernel: Kernel): Receiver => ({
  ask: (envelope, peer) =>
    envelope.to.kind === leaseKind
      ? kernel.leases.answer(envelope)
      : Effect.matchEager(
          Effect.flatMapEager(find(kernel, envelope), (found) => ask(kernel, found, envelope, peer)),
          {
            onFailure: (error) => failure(kernel, error),
            onSuccess: replied
          }
        ),
  stream: (envelope) =>
    Stream.unwrap(
      Effect.suspend(() => Effect.map(find(kernel, envelope), (found) => stream(kernel, found, envelope)))
    ).pipe(
      Stream.map(replied),
      Stream.catch((error) => Stream.succeed(failure(kernel, error)))
    ),
  tell: (envelope) =>
    Effect.catch(
      Effect.flatMap(
        Effect.suspend(() => find(kernel, envelope)),
        ({ entry, payload, type }) =>
          // What the mailbox refuses is a dead letter already.
          Effect.sync(
            () => void tell(new Target(type, envelope.to.name, undefined, undefined), entry, payload, undefined)
          )
      ),
      (error) => Effect.sync(() => kernel.deadLetter(localText(envelope.to), envelope.message, error.message))
    )
})

const replied = (value: unknown): Outcome => ({ _tag: "Replied", value })

/** What its asker hears of an ask that failed. */
const failure = (kernel: Kernel, error: HandlerFailed | Refusal): Outcome =>
  error instanceof HandlerFailed
    ? { _tag: "Failed", error: error.error }
    : { _tag: "Refused", error: encodeRefusal(kernel.router, error) }

/** An ask that came from another node. */
class ReceivedAsk extends Ask {
  private readonly waiting: ReadonlyArray<string>
  private readonly traceparent: string | undefined

  constructor(chain: ReadonlyArray<string>, traceparent: string | undefined) {
    super(undefined)
    this.waiting = chain
    this.traceparent = traceparent
  }

  override get chain(): ReadonlyArray<string> {
    return this.waiting
  }

  override get parentSpan(): Tracer.AnySpan | undefined {
    return TraceContext.spanOf(this.traceparent)
  }
}

interface Found {
  readonly type: ActorType
  readonly entry: Actor.Entry
  readonly payload: unknown
  /** The actor, as it is known here. */
  readonly address: string
}

type Refusal = ActorError | NotExposed

/** The message that an envelope stands for, its payload decoded. */
const find = (kernel: Kernel, { from, kind, message, payload, to }: Envelope): Effect.Effect<Found, Refusal> => {
  const { router } = kernel
  const address = localText(to)
  if (!router.isOwn(to.realm)) return Effect.fail(new AddressUnknown({ address: Addresses.format(to), nearest: [] }))
  const type = kernel.types.get(to.kind)
  if (type === undefined) return Effect.fail(kernel.unknown(address))
  const { definition } = type
  if (definition.exposed === "realm" && (from === undefined || from.realm !== router.realm)) {
    return Effect.fail(new NotExposed({ address }))
  }
  return decode(type, address, message, payload, kind)
}

const decode = (
  type: ActorType,
  address: string,
  message: string,
  payload: unknown,
  kind: Envelope["kind"]
): Effect.Effect<Found, Refusal> => {
  const { entries } = type.definition
  const entry = entries.get(message)
  if (entry === undefined) {
    return Effect.fail(new MessageUnknown({ address, messageName: message, known: [...entries.keys()] }))
  }
  if (entry.streams !== (kind === "stream")) return Effect.fail(ReplyStreams.mismatch(address, entry))
  return Effect.mapEager(Inspector.decodePayload(address, entry, payload), (payload) => ({
    type,
    entry,
    payload,
    address
  }))
}

/** Sends the message at once, so that one whose handler answers at once has nothing to wait for. */
const ask = (
  kernel: Kernel,
  { address, entry, payload, type }: Found,
  envelope: Envelope,
  peer: string,
  name = envelope.to.name
): Effect.Effect<unknown, HandlerFailed | Refusal> => {
  const chain = chainOf(kernel, envelope, address, entry)
  if (chain instanceof AskCycle) return Effect.fail(chain)
  if (type.post !== undefined && !entry.reentrant) return once(type, name, entry, payload, envelope, peer, chain)
  const sent = new ReceivedAsk(chain, envelope.traceparent)
  sendAsk(new Target(type, name, undefined, undefined), entry, payload, sent)
  const answer = (sent.status === "waiting" ? awaitAsk : outcome)(sent, handlerFailed(address, entry))
  return Effect.flatMapEager(answer as Effect.Effect<unknown, HandlerFailed | ActorError>, (value) =>
    Inspector.encodeReply(address, entry, value)
  )
}

/** A message to a durable mailbox, which knows it by its name when it comes again. */
const once = (
  type: ActorType,
  name: string,
  entry: Actor.Entry,
  payload: unknown,
  { answer, id, traceparent }: Envelope,
  peer: string,
  chain: ReadonlyArray<string>
): Effect.Effect<unknown, HandlerFailed | ActorError> => {
  const message = { type, name, entry, payload, id, sender: peer }
  if (answer === "stored") return Effect.as(OnceRef.tell(message), null)
  return Effect.flatMap(OnceRef.ask(message, undefined, chain, TraceContext.spanOf(traceparent)), (outcome) =>
    outcome._tag === "Replied"
      ? Effect.succeed(outcome.value)
      : Effect.fail(new HandlerFailed({ address: type.address(name), messageName: entry.name, error: outcome.error }))
  )
}

// ---------------------------------------------------------------- guests

/** Gives a guest a message that its home sent on. Of a tell the outcome is whether it has a place in the mailbox. */
export const handle = (
  kernel: Kernel,
  type: ActorType,
  { isTell, message, name, payload }: Deliver,
  envelope: Envelope
): Effect.Effect<Outcome> => {
  const handled = Effect.flatMap(
    decode(type, type.address(name), message, payload, envelope.kind),
    (found): Effect.Effect<unknown, Refusal | HandlerFailed> => {
      if (!isTell) return ask(kernel, found, envelope, type.realm, name)
      const refused = tell(new Target(type, name, undefined, undefined), found.entry, found.payload, undefined)
      return refused === undefined ? Effect.succeed(null) : Effect.fail(refused)
    }
  )
  return Effect.match(handled, {
    onFailure: (error) => failure(kernel, error),
    onSuccess: (value): Outcome => ({ _tag: "Replied", value })
  })
}

const stream = (
  kernel: Kernel,
  { address, entry, payload, type }: Found,
  envelope: Envelope
): Stream.Stream<unknown, HandlerFailed | Refusal> => {
  const { name } = envelope.to
  const chain = chainOf(kernel, envelope, address, entry)
  if (chain instanceof AskCycle) return Stream.fail(chain)
  const target = new Target(type, name, undefined, undefined)
  return (
    askStream(
      target,
      entry,
      payload,
      handlerFailed(address, entry),
      () => new ReceivedAsk(chain, envelope.traceparent)
    ) as Stream.Stream<unknown, HandlerFailed | ActorError>
  ).pipe(Stream.mapEffect((value) => Inspector.encodeReply(address, entry, value)))
}

/** Who waits for an ask, outermost first; or the circle that it would close. */
const chainOf = (
  kernel: Kernel,
  { chain: waiting }: Envelope,
  address: string,
  { reentrant }: Actor.Entry
): ReadonlyArray<string> | AskCycle => {
  if (waiting === undefined || waiting.length === 0) return noChain
  const chain = waiting.map(Addresses.format)
  const own = kernel.router.absoluteText(address)
  const from = chain.indexOf(own)
  return from < 0 || reentrant ? chain : new AskCycle({ chain: [...chain.slice(from), own] })
}

const handlerFailed =
  (address: string, entry: Actor.Entry) =>
  (error: unknown): HandlerFailed =>
    new HandlerFailed({ address, messageName: entry.name, error: Inspector.encodeError(entry, error) })

/** The same few addresses arrive again and again, and writing one costs half a microsecond. */
const localTexts = new WeakMap<Address, string>()

const localText = (address: Address): string => {
  const known = localTexts.get(address)
  if (known !== undefined) return known
  const text = Addresses.format({ ...address, realm: Addresses.localRealm })
  localTexts.set(address, text)
  return text
}

const encode = Schema.encodeSync(Schema.Union([...ActorError.members, NotExposed]))

/** An error as plain data, with addresses as the asker knows them. */
const encodeRefusal = (router: Router, error: Refusal): unknown =>
  Object.fromEntries(
    Object.entries(encode(error)).map(([field, value]: [string, unknown]) => [
      field,
      typeof value === "string"
        ? router.absoluteText(value)
        : Array.isArray(value)
          ? value.map((part: unknown) => (typeof part === "string" ? router.absoluteText(part) : part))
          : value
    ])
  )
