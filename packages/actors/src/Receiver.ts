/**
 * Takes the envelopes of other nodes for the actors of this one. What is refused is refused as on this node, with the same
 * errors; what cannot be delivered and has no asker becomes a dead letter.
 */
import type { Address } from "@continuum/core/Address"
import * as Addresses from "@continuum/core/Address"
import type { Outcome, Receiver } from "@continuum/core/Delivery"
import type { Envelope } from "@continuum/core/Envelope"
import { Effect, Schema } from "effect"
import type * as Actor from "./Actor.ts"
import { ActorError, AskCycle, MessageUnknown, NotExposed } from "./ActorError.ts"
import { awaitAsk, sendAsk, Target, tell } from "./ActorRef.ts"
import type { ActorType } from "./ActorType.ts"
import { Ask, outcome } from "./Ask.ts"
import * as Inspector from "./Inspector.ts"
import type { Kernel } from "./Kernel.ts"
import type { Router } from "./Router.ts"
import { HandlerFailed } from "./rpc.ts"

/** The receiver of a system. */
export const receiver = (kernel: Kernel): Receiver => ({
  ask: (envelope) =>
    Effect.suspend(() =>
      Effect.matchEager(
        Effect.flatMapEager(find(kernel, envelope), (found) => ask(kernel, found, envelope)),
        {
          onFailure: (error): Outcome =>
            error instanceof HandlerFailed
              ? { _tag: "Failed", error: error.error }
              : { _tag: "Refused", error: encodeRefusal(kernel.router, error) },
          onSuccess: (value): Outcome => ({ _tag: "Replied", value })
        }
      )
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

/** An ask that came from another node. */
class ReceivedAsk extends Ask {
  private readonly waiting: ReadonlyArray<string>

  constructor(chain: ReadonlyArray<string>) {
    super(undefined)
    this.waiting = chain
  }

  override get chain(): ReadonlyArray<string> {
    return this.waiting
  }
}

interface Found {
  readonly type: ActorType
  readonly entry: Actor.Entry
  readonly payload: unknown
}

type Refusal = ActorError | NotExposed

/** The message that an envelope stands for, its payload decoded. */
const find = (kernel: Kernel, { from, message, payload, to }: Envelope): Effect.Effect<Found, Refusal> => {
  const { router } = kernel
  const address = localText(to)
  const type = router.isOwn(to.realm) ? kernel.types.get(to.kind) : undefined
  if (type === undefined) return Effect.fail(kernel.unknown(address))
  const { definition } = type
  if (definition.exposed === "realm" && (from === undefined || from.realm !== router.realm)) {
    return Effect.fail(new NotExposed({ address }))
  }
  const entry = definition.entries.get(message)
  if (entry === undefined) {
    return Effect.fail(new MessageUnknown({ address, messageName: message, known: [...definition.entries.keys()] }))
  }
  return Effect.mapEager(Inspector.decodePayload(address, entry, payload), (payload) => ({ type, entry, payload }))
}

/** Sends the message at once, so that one whose handler answers at once has nothing to wait for. */
const ask = (
  kernel: Kernel,
  { entry, payload, type }: Found,
  envelope: Envelope
): Effect.Effect<unknown, HandlerFailed | Refusal> => {
  const { name } = envelope.to
  const address = type.address(name)
  const chain = envelope.chain?.map(Addresses.format) ?? []
  const own = kernel.router.absoluteText(address)
  const from = chain.indexOf(own)
  if (from >= 0) return Effect.fail(new AskCycle({ chain: [...chain.slice(from), own] }))
  const sent = new ReceivedAsk(chain)
  sendAsk(new Target(type, name, undefined, undefined), entry, payload, sent)
  const answer = (sent.status === "waiting" ? awaitAsk : outcome)(
    sent,
    (error) => new HandlerFailed({ address, messageName: entry.name, error: Inspector.encodeError(entry, error) })
  ) as Effect.Effect<unknown, HandlerFailed | ActorError>
  return Effect.flatMapEager(answer, (value) => Inspector.encodeReply(address, entry, value))
}

const localText = (address: Address): string => Addresses.format({ ...address, realm: Addresses.localRealm })

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
