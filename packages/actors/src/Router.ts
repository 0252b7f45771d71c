/**
 * The way of a message to an actor of any realm. What is for this node's own realm goes straight to the actor; everything
 * else becomes an envelope for `Delivery`.
 *
 * An ask carries the time that remains and who waits for it, so that deadlines and cycles are the same as within one node.
 */
import * as Address from "@continuum/core/Address"
import type { Delivery } from "@continuum/core/Delivery"
import type { Envelope } from "@continuum/core/Envelope"
import type { PublicKey } from "@continuum/core/Identity"
import * as RememberedAddresses from "@continuum/core/RememberedAddresses"
import { PeerUnreachable } from "@continuum/core/Transport"
import { Duration, Effect, type Tracer } from "effect"
import type * as Actor from "./Actor.ts"
import { AskCycle, type ActorError } from "./ActorError.ts"
import * as ActorRef from "./ActorRef.ts"
import type { Ask } from "./Ask.ts"
import type { Kernel } from "./Kernel.ts"
import * as Limits from "./Limits.ts"
import type { Message } from "./Message.ts"
import type { RemoteError } from "./RemoteError.ts"
import * as RemoteRef from "./RemoteRef.ts"
import * as TraceContext from "./TraceContext.ts"
import type { HandlerFailed } from "./rpc.ts"

const localPrefix = `continuum://${Address.localRealm}/`

export class Router {
  readonly kernel: Kernel
  readonly delivery: Delivery["Service"] | undefined
  /** The key of this node's own realm; undefined without a mesh. */
  readonly realm: PublicKey | undefined
  private readonly stream: string
  private sequence: number
  private readonly addresses: WeakMap<Address.Address, Address.Address>

  constructor(kernel: Kernel, delivery: Delivery["Service"] | undefined, realm: PublicKey | undefined) {
    this.kernel = kernel
    this.delivery = delivery
    this.realm = realm
    this.stream = delivery === undefined ? "" : Math.floor(kernel.chance() * 2 ** 52).toString(36)
    this.sequence = 0
    this.addresses = new WeakMap()
  }

  /** Whether a realm of an address is this node's own. */
  isOwn(realm: string): boolean {
    return realm === Address.localRealm || realm === this.realm || realm === this.kernel.nodeName
  }

  /** The text of an address as other nodes know it. */
  absoluteText(text: string): string {
    return this.realm !== undefined && text.startsWith(localPrefix)
      ? `continuum://${this.realm}/${text.slice(localPrefix.length)}`
      : text
  }

  // ---------------------------------------------------------------- refs

  actorRef<M extends Actor.MessageTypes>(
    actor: Actor.Actor<string, any, M>,
    text: string,
    timeout: Duration.Input | undefined
  ): ActorRef.ActorRef<M, RemoteError> {
    const address = addressOf(actor, text)
    if (!this.isOwn(address.realm)) return RemoteRef.actorRef(this.target(actor, address, timeout, undefined))
    const type = this.kernel.typeOf(actor)
    const deadlines = this.localDeadlines(type.deadlines, timeout)
    return ActorRef.actorRef(new ActorRef.Target(type, address.name, deadlines, undefined))
  }

  promiseRef<M extends Actor.MessageTypes>(
    actor: Actor.Actor<string, any, M>,
    text: string,
    timeout: Duration.Input | undefined,
    sender: Message | undefined
  ): ActorRef.PromiseRef<M> {
    const address = addressOf(actor, text)
    if (!this.isOwn(address.realm)) return RemoteRef.promiseRef(this.target(actor, address, timeout, sender))
    const type = this.kernel.typeOf(actor)
    const deadlines = this.localDeadlines(type.deadlines, timeout)
    return ActorRef.promiseRef(new ActorRef.Target(type, address.name, deadlines, sender))
  }

  private target(
    actor: Actor.Any,
    address: Address.Address,
    timeout: Duration.Input | undefined,
    sender: Message | undefined
  ): RemoteRef.RemoteTarget {
    const timeoutMs = timeout === undefined ? actor.askTimeoutMs : millisOf(timeout)
    return { router: this, definition: actor, to: address, address: Address.format(address), timeoutMs, sender }
  }

  private localDeadlines<A>(usual: A, timeout: Duration.Input | undefined) {
    return timeout === undefined ? usual : this.kernel.deadlinesOf(millisOf(timeout))
  }

  /** Asks by the texts of address and message; payload, reply and the handler's errors are plain data. */
  askUnknown(
    to: Address.Address,
    messageName: string,
    payload: unknown
  ): Effect.Effect<unknown, HandlerFailed | ActorError | RemoteError> {
    const definition = this.kernel.types.get(to.kind)?.definition
    const timeoutMs = definition?.askTimeoutMs ?? Limits.askTimeoutMs
    const target = { router: this, definition, to, address: Address.format(to), timeoutMs, sender: undefined }
    return RemoteRef.askPlain(target, messageName, payload)
  }

  // ---------------------------------------------------------------- envelopes

  nextId(): Envelope["id"] {
    return { stream: this.stream, sequence: this.sequence++ }
  }

  /** Envelopes sent after the one with this number. */
  sentSince(sequence: number): number {
    return this.sequence - sequence - 1
  }

  /** The envelope of a message, with absolute addresses. */
  envelope(
    target: RemoteRef.RemoteTarget,
    kind: Envelope["kind"],
    messageName: string,
    payload: unknown,
    sender: Message | undefined,
    span?: Tracer.AnySpan
  ): Effect.Effect<Envelope, PeerUnreachable> {
    const { delivery, realm } = this
    if (delivery === undefined || realm === undefined) {
      return Effect.fail(new PeerUnreachable({ peer: target.to.realm, reason: "this node takes part in no mesh" }))
    }
    const { timeoutMs, to } = target
    if (to.realm === Address.anyRealm) return Effect.fail(nobodyOffers)
    return Effect.mapEager(delivery.realmOf(to.realm), (found) => {
      const envelope: Mutable<Envelope> = {
        version: 1,
        id: this.nextId(),
        kind,
        to: this.resolved(to, found),
        message: messageName,
        payload
      }
      if (sender !== undefined) {
        envelope.from = { realm, kind: sender.cell.type.definition.kind, name: sender.cell.name }
      }
      // A tell begins a trace of its own: actors of two nodes that tell each other for ever would be one without an end.
      if (kind === "tell") return envelope
      const traceparent = TraceContext.textOf(this.spanOf(sender, span))
      if (traceparent !== undefined) envelope.traceparent = traceparent
      if (Number.isFinite(timeoutMs)) envelope.deadlineMs = timeoutMs
      if (sender !== undefined) envelope.chain = this.chainOf(sender)
      return envelope
    })
  }

  /** The span that an ask is below: what the spans of messages say, or that of its fiber, or what its sender is below. */
  private spanOf(sender: Message | undefined, span: Tracer.AnySpan | undefined): Tracer.AnySpan | undefined {
    const { spans } = this.kernel
    return (spans === undefined ? span : spans.parentOf(sender)) ?? sender?.ask?.parentSpan
  }

  /** The address with this realm; the same object for the same address, as long as the realm is the same. */
  private resolved(to: Address.Address, realm: PublicKey): Address.Address {
    if (to.realm === realm) return to
    const known = this.addresses.get(to)
    if (known?.realm === realm) return known
    const made = { realm, kind: to.kind, name: to.name }
    this.addresses.set(to, made)
    return made
  }

  /** Who waits for an ask that the handler of this message sends, outermost first: absolute addresses. */
  chainOf(sender: Message): ReadonlyArray<Address.Address> {
    return this.chainTextsOf(sender).map(addressOfText)
  }

  /** Who waits for an ask, wherever it came from. */
  chainOfAsk({ chain, parent }: Ask): ReadonlyArray<Address.Address> {
    return parent === undefined ? chain.map(addressOfText) : this.chainOf(parent)
  }

  private chainTextsOf(sender: Message | undefined): Array<string> {
    const inner: Array<string> = []
    for (let message = sender; message !== undefined; message = message.waitingAsk?.parent) {
      // A handler that has ended holds up nobody.
      if (message.cell.current !== message) return inner
      inner.unshift(this.absoluteText(message.address))
      const elsewhere = message.waitingAsk?.chain
      if (elsewhere !== undefined && elsewhere.length > 0) return [...elsewhere, ...inner]
    }
    return inner
  }

  /** The circle that an ask of `sender` to an actor of this node closes through other nodes, if it does. */
  cycleElsewhere(chain: ReadonlyArray<string>, sender: Message | undefined, target: string): AskCycle | undefined {
    const text = this.absoluteText(target)
    const from = chain.indexOf(text)
    return from < 0 ? undefined : new AskCycle({ chain: [...this.chainTextsOf(sender).slice(from), text] })
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

const nobodyOffers = new PeerUnreachable({
  peer: Address.anyRealm,
  reason:
    'the realm "*" stands for whoever offers something, and no actor is offered that way yet; name a node by its name or key ' +
    '(peers/list shows them), or this one by "local"'
})

const addressOfText = (text: string): Address.Address => {
  const address = RememberedAddresses.read(text)
  if (typeof address === "string") throw new Error(`${text} is not an address: ${address}`)
  return address
}

const addressOf = (actor: Actor.Any, text: string): Address.Address => {
  const address = Address.parseParts(text)
  if (typeof address === "string") throw new Address.AddressMalformed({ input: text, reason: address })
  if (address.kind !== actor.kind) {
    throw new TypeError(`${text} is of kind "${address.kind}", and the definition is of kind "${actor.kind}"`)
  }
  return address
}

const millisOf = (timeout: Duration.Input): number => Duration.toMillis(Duration.fromInputUnsafe(timeout))
