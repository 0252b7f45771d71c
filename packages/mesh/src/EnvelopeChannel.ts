/**
 * The channel of actor messages: asks, tells, replies and cancellations between the actor systems of two nodes.
 *
 * A frame is its kind (one byte), for all but a tell the number of an ask (32 bits, big-endian), then MessagePack. Numbers
 * are the asker's, so each direction has its own. An ask is answered once, or cancelled, or lost with the connection;
 * nothing is ever sent twice.
 */
import * as Codec from "@continuum/core/Codec"
import { type DeliveryError, NotGranted, type Outcome, type Receiver } from "@continuum/core/Delivery"
import { EnvelopeMalformed, type Envelope } from "@continuum/core/Envelope"
import * as EnvelopeWire from "@continuum/core/EnvelopeWire"
import type { PublicKey } from "@continuum/core/Identity"
import type { Action } from "@continuum/core/PeerDirectory"
import { PeerUnreachable, TransportLost } from "@continuum/core/Transport"
import { Cause, Effect, Exit, type Fiber } from "effect"
import type { Channel, ChannelListener } from "./Channel.ts"
import * as Limits from "./Limits.ts"

/** Name of the protocol in greetings. */
export const name = "continuum/envelope/1"

/** What the channel needs of its node. */
export interface EnvelopeHost {
  readonly receiver: () => Receiver
  /** The action that the peer would need a grant for and has not; counts and logs it. Throwing ends the connection. */
  readonly refuses: (envelope: Envelope) => Action | undefined
  /** The peer as people know it: its key, with its name when it has greeted. */
  readonly peerName: () => string
  /** The realm that the peer has proven to be its own. */
  readonly realm: () => PublicKey | undefined
  readonly nowMs: () => number
  readonly fork: <A>(effect: Effect.Effect<A>) => Fiber.Fiber<A>
  /** Why the connection ended, for those who wait for a reply. */
  readonly lost: () => TransportLost
}

// The first byte of a frame.
const kinds = { ask: 0, tell: 1, cancel: 2, replied: 3, failed: 4, refused: 5, notGranted: 6, unanswered: 7 } as const

type Resume = (result: Effect.Effect<Outcome, DeliveryError>) => void

interface Arrived {
  readonly fiber: Fiber.Fiber<unknown>
  /** When its asker stops waiting, by the host's clock. */
  readonly deadlineMs: number
}

export class EnvelopeChannel implements ChannelListener {
  private readonly channel: Channel
  private readonly host: EnvelopeHost
  /** Asks of this node that wait for the peer, by number. */
  private readonly asked: Map<number, Resume>
  /** Asks of the peer that are being handled here, by number. */
  private readonly arrived: Map<number, Arrived>
  /** Tells of the peer that could not be put into a mailbox at once. */
  private readonly tellsArrived: Map<number, Arrived>
  private nextAsk: number
  private nextTell: number
  /** Bytes sent since the channel said that it is full. */
  private bytesWaiting: number
  private full: boolean
  private ended: boolean

  constructor(channel: Channel, host: EnvelopeHost) {
    this.channel = channel
    this.host = host
    this.asked = new Map()
    this.arrived = new Map()
    this.tellsArrived = new Map()
    this.nextAsk = 0
    this.nextTell = 0
    this.bytesWaiting = 0
    this.full = false
    this.ended = false
  }

  // ---------------------------------------------------------------- to the peer

  /** Sends an ask. Interrupting it cancels it over there. */
  ask(envelope: Envelope): Effect.Effect<Outcome, DeliveryError> {
    return Effect.callback((resume) => {
      const number = this.nextAsk
      const problem = this.trySend(kinds.ask, number, envelope)
      if (problem !== undefined) return resume(Effect.fail(problem))
      do this.nextAsk = (this.nextAsk + 1) >>> 0
      while (this.asked.has(this.nextAsk))
      this.asked.set(number, resume)
      return Effect.sync(() => {
        if (this.asked.delete(number) && !this.ended) this.channel.send(frame(kinds.cancel, number))
      })
    })
  }

  tell(envelope: Envelope): Effect.Effect<void, DeliveryError> {
    return Effect.suspend(() => {
      const problem = this.trySend(kinds.tell, undefined, envelope)
      return problem === undefined ? Effect.void : Effect.fail(problem)
    })
  }

  /** Sends a frame, or says why nothing was sent. */
  private trySend(kind: number, number: number | undefined, envelope: Envelope): DeliveryError | undefined {
    const { peer } = this.channel
    if (this.ended) return new PeerUnreachable({ peer, reason: this.host.lost().reason })
    if (number !== undefined && this.asked.size >= Limits.asksInFlightMax) {
      return new PeerUnreachable({ peer, reason: `${Limits.asksInFlightMax} asks wait for it already` })
    }
    let bytes: Uint8Array
    try {
      bytes = EnvelopeWire.encode(envelope, number === undefined ? 1 : headerBytes)
    } catch (error) {
      if (error instanceof EnvelopeMalformed) return error
      throw error
    }
    if (this.full && this.bytesWaiting + bytes.length > Limits.envelopesWaitingBytesMax) {
      return new PeerUnreachable({ peer, reason: "it reads slower than it is sent messages; send less, or later" })
    }
    this.send(headed(kind, number, bytes))
    return undefined
  }

  private send(bytes: Uint8Array): void {
    if (this.channel.send(bytes)) return
    this.bytesWaiting = this.full ? this.bytesWaiting + bytes.length : bytes.length
    this.full = true
  }

  // ---------------------------------------------------------------- from the peer

  readonly message = (bytes: Uint8Array): void => {
    const kind = bytes[0]
    if (kind === kinds.tell) return this.tellArrived(bytes.subarray(1))
    if (bytes.length < headerBytes) throw new Error(`it sent an envelope frame of ${bytes.length} bytes`)
    const number = ((bytes[1]! << 24) | (bytes[2]! << 16) | (bytes[3]! << 8) | bytes[4]!) >>> 0
    const body = bytes.subarray(headerBytes)
    if (kind === kinds.ask) return this.askArrived(number, body)
    if (kind === kinds.cancel) return this.cancelArrived(number)
    this.answerArrived(kind!, number, body)
  }

  readonly drain = (): void => {
    this.full = false
    this.bytesWaiting = 0
  }

  readonly closed = (): void => {
    this.ended = true
    const lost = Effect.fail(this.host.lost())
    for (const resume of this.asked.values()) resume(lost)
    this.asked.clear()
    for (const arrived of [this.arrived, this.tellsArrived]) {
      for (const { fiber } of arrived.values()) fiber.interruptUnsafe()
      arrived.clear()
    }
  }

  /** Interrupts what nobody waits for any more. */
  look(nowMs: number): void {
    for (const arrived of [this.arrived, this.tellsArrived]) {
      for (const [number, { deadlineMs, fiber }] of arrived) {
        if (deadlineMs > nowMs) continue
        arrived.delete(number)
        fiber.interruptUnsafe()
      }
    }
  }

  private envelopeOf(bytes: Uint8Array, kind: Envelope["kind"]): Envelope {
    const envelope = EnvelopeWire.decode(bytes)
    if (envelope.kind !== kind) throw new Error(`it sent a frame of kind ${kind} with an envelope of another kind`)
    if (envelope.from !== undefined && envelope.from.realm !== this.host.realm()) {
      throw new Error("it sent a message in the name of another realm")
    }
    return envelope
  }

  private askArrived(number: number, bytes: Uint8Array): void {
    const envelope = this.envelopeOf(bytes, "ask")
    const { peer } = this.channel
    const refused = this.host.refuses(envelope)
    if (refused !== undefined) return this.send(frame(kinds.notGranted, number, Codec.encode(refused)))
    if (this.arrived.has(number)) throw new Error(`it used the number ${number} for two asks at once`)
    if (this.arrived.size >= Limits.asksInFlightMax) {
      throw new Error(`it asked more than ${Limits.asksInFlightMax} things at once`)
    }
    const answer = this.host.receiver().ask(envelope, peer)
    this.follow(this.arrived, number, envelope, answer, (exit) => this.answer(number, exit))
  }

  private tellArrived(bytes: Uint8Array): void {
    const envelope = this.envelopeOf(bytes, "tell")
    const { peer } = this.channel
    if (this.host.refuses(envelope) !== undefined) return
    if (this.tellsArrived.size >= Limits.asksInFlightMax) {
      throw new Error(`more than ${Limits.asksInFlightMax} of its messages wait to be delivered`)
    }
    const told = this.host.receiver().tell(envelope, peer)
    this.follow(this.tellsArrived, this.nextTell++, envelope, told, () => undefined)
  }

  private follow<A>(
    arrived: Map<number, Arrived>,
    number: number,
    envelope: Envelope,
    effect: Effect.Effect<A>,
    then: (exit: Exit.Exit<A>) => void
  ): void {
    const fiber = this.host.fork(effect)
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return then(exit)
    const deadlineMs = envelope.deadlineMs === undefined ? Infinity : this.host.nowMs() + envelope.deadlineMs
    arrived.set(number, { fiber, deadlineMs })
    fiber.addObserver((exit) => {
      // One that was cancelled is no longer waited for.
      if (arrived.get(number)?.fiber !== fiber) return
      arrived.delete(number)
      then(exit)
    })
  }

  private cancelArrived(number: number): void {
    const arrived = this.arrived.get(number)
    // The answer may have crossed the cancellation.
    if (arrived === undefined) return
    this.arrived.delete(number)
    arrived.fiber.interruptUnsafe()
  }

  private answer(number: number, exit: Exit.Exit<Outcome>): void {
    if (this.ended) return
    if (Exit.isFailure(exit)) return this.answerNothing(number, Cause.pretty(exit.cause).split("\n", 1)[0]!)
    const outcome = exit.value
    try {
      const [kind, value] =
        outcome._tag === "Replied"
          ? [kinds.replied, outcome.value]
          : [outcome._tag === "Failed" ? kinds.failed : kinds.refused, outcome.error]
      const bytes = headed(kind, number, Codec.encode(value, headerBytes))
      if (bytes.length > Limits.envelopeFrameBytesMax) throw new RangeError(`it has ${bytes.length} bytes`)
      this.send(bytes)
    } catch (cause) {
      this.answerNothing(number, cause instanceof Error ? cause.message : String(cause))
    }
  }

  private answerNothing(number: number, reason: string): void {
    this.send(frame(kinds.unanswered, number, Codec.encode(reason.slice(0, reasonLengthMax))))
  }

  private answerArrived(kind: number, number: number, body: Uint8Array): void {
    const result = this.resultOf(kind, body)
    const resume = this.asked.get(number)
    // The answer may have crossed a cancellation.
    if (resume === undefined) return
    this.asked.delete(number)
    resume(result)
  }

  private resultOf(kind: number, body: Uint8Array): Effect.Effect<Outcome, DeliveryError> {
    const { peer } = this.channel
    switch (kind) {
      case kinds.replied:
        return Effect.succeed({ _tag: "Replied", value: Codec.decodeChecked(body) })
      case kinds.failed:
        return Effect.succeed({ _tag: "Failed", error: Codec.decodeChecked(body) })
      case kinds.refused:
        return Effect.succeed({ _tag: "Refused", error: Codec.decodeChecked(body) })
      case kinds.notGranted:
        return Effect.fail(new NotGranted({ peer: this.host.peerName(), action: actionOf(body) }))
      case kinds.unanswered:
        return Effect.fail(
          new TransportLost({ peer, reason: `the message arrived, and its reply cannot travel: ${textOf(body)}` })
        )
      default:
        throw new Error(`it sent an envelope frame of kind ${kind}, which this version does not know`)
    }
  }
}

const headerBytes = 5
const reasonLengthMax = 1_000

const textOf = (body: Uint8Array): string => {
  const text = Codec.decodeChecked(body)
  if (typeof text !== "string" || text.length > reasonLengthMax) throw new Error("it sent a reason that is no text")
  return text
}

/** The name of an action, which a later version may have and this one not. */
const actionOf = (body: Uint8Array): string => {
  const text = textOf(body)
  if (!/^[a-z.]{1,32}$/.test(text)) throw new Error("it refused an action that has no name")
  return text
}

const frame = (kind: number, number: number, body?: Uint8Array): Uint8Array => {
  const bytes = headed(kind, number, new Uint8Array(headerBytes + (body?.length ?? 0)))
  if (body !== undefined) bytes.set(body, headerBytes)
  return bytes
}

/** The same for a body that was written behind the room for its header. */
const headed = (kind: number, number: number | undefined, bytes: Uint8Array): Uint8Array => {
  bytes[0] = kind
  if (number === undefined) return bytes
  bytes[1] = number >>> 24
  bytes[2] = number >>> 16
  bytes[3] = number >>> 8
  bytes[4] = number
  return bytes
}
