/**
 * The channel of actor messages: asks, tells, replies and cancellations between the actor systems of two nodes.
 *
 * Numbers of asks are the asker's, so each direction has its own. An ask is answered once, or by a stream (`EnvelopeStreams`), or
 * cancelled, or lost with the connection; nothing is ever sent twice.
 */
import * as Codec from "@continuum/core/Codec"
import type { DeliveryError, Outcome, Receiver } from "@continuum/core/Delivery"
import { EnvelopeMalformed, type Envelope } from "@continuum/core/Envelope"
import type { PublicKey } from "@continuum/core/Identity"
import type { Action } from "@continuum/core/PeerDirectory"
import { PeerUnreachable, type TransportLost } from "@continuum/core/Transport"
import { Cause, Effect, Exit, type Stream } from "effect"
import type { Channel, ChannelListener } from "./Channel.ts"
import { frame, headed, headerBytes, kinds, outcomeOf, reasonLengthMax } from "./EnvelopeFrame.ts"
import { EnvelopeReader, EnvelopeWriter } from "./EnvelopeHeadings.ts"
import { EnvelopeStreams } from "./EnvelopeStreams.ts"
import { type FollowHost, FollowedMessages } from "./FollowedMessages.ts"
import * as Limits from "./Limits.ts"

/** Name of the protocol in greetings. */
export const name = "continuum/envelope/1"

/** What the channel needs of its node. */
export interface EnvelopeHost extends FollowHost {
  readonly receiver: () => Receiver
  /** The action that the peer would need a grant for and has not; counts and logs it. Throwing ends the connection. */
  readonly refuses: (envelope: Envelope) => Action | undefined
  /** The peer as people know it: its key, with its name when it has greeted. */
  readonly peerName: () => string
  /** The realm that the peer has proven to be its own. */
  readonly realm: () => PublicKey | undefined
  /** Why the connection ended, for those who wait for a reply. */
  readonly lost: () => TransportLost
}

type Settle = (exit: Exit.Exit<Outcome, DeliveryError>) => void

export class EnvelopeChannel implements ChannelListener {
  private readonly channel: Channel
  private readonly host: EnvelopeHost
  /** Asks of this node that wait for the peer, by number. */
  private readonly asked: Map<number, Settle>
  /** Asks of the peer that are being handled here, by number. */
  private readonly arrived: FollowedMessages
  /** Tells of the peer that could not be put into a mailbox at once. */
  private readonly tellsArrived: FollowedMessages
  private readonly streams: EnvelopeStreams
  private readonly writer: EnvelopeWriter
  private readonly reader: EnvelopeReader
  private nextAsk: number
  private nextTell: number
  /** Bytes sent since the channel said that it is full, with what each frame costs besides. */
  private bytesWaiting: number
  private full: boolean
  private ended: boolean

  constructor(channel: Channel, host: EnvelopeHost) {
    this.channel = channel
    this.host = host
    this.asked = new Map()
    this.arrived = new FollowedMessages(host)
    this.tellsArrived = new FollowedMessages(host)
    this.streams = new EnvelopeStreams({
      send: (bytes) => {
        if (!this.ended) this.send(bytes)
      },
      isFull: () => this.full,
      close: (reason) => channel.close(reason),
      nowMs: host.nowMs,
      fork: host.fork
    })
    this.writer = new EnvelopeWriter((bytes) => this.send(bytes))
    this.reader = new EnvelopeReader(host.realm)
    this.nextAsk = 0
    this.nextTell = 0
    this.bytesWaiting = 0
    this.full = false
    this.ended = false
  }

  // ---------------------------------------------------------------- to the peer

  /** Sends an ask. Interrupting it cancels it over there. */
  ask(envelope: Envelope): Effect.Effect<Outcome, DeliveryError> {
    return Effect.callback((resume) => Effect.sync(this.askNow(envelope, resume)))
  }

  /** The same without a fiber. What it returns gives the ask up, and cancels it over there. */
  askNow(envelope: Envelope, settle: Settle): () => void {
    const number = this.nextAsk
    const problem = this.trySend(kinds.ask, number, envelope)
    if (problem !== undefined) {
      settle(Exit.fail(problem))
      return nothing
    }
    this.asked.set(number, settle)
    this.advance()
    return () => {
      if (this.asked.delete(number) && !this.ended) this.send(frame(kinds.cancel, number))
    }
  }

  /** Asks for a streamed reply. Leaving it cancels it over there. */
  stream(envelope: Envelope): Stream.Stream<Outcome, DeliveryError> {
    return this.streams.read(() => {
      const number = this.nextAsk
      const { peer } = this.channel
      if (this.streams.readingSize >= Limits.streamsMax) {
        const reason = `${Limits.streamsMax} streams of it are read already; end one of them`
        return new PeerUnreachable({ peer, reason })
      }
      const problem = this.trySend(kinds.stream, number, envelope)
      if (problem !== undefined) return problem
      this.advance()
      return number
    })
  }

  /** Chooses the number of the next ask. */
  private advance(): void {
    do this.nextAsk = (this.nextAsk + 1) >>> 0
    while (this.asked.has(this.nextAsk) || this.streams.isReading(this.nextAsk))
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
      bytes = this.writer.frameOf(kind, number, envelope)
    } catch (error) {
      if (error instanceof EnvelopeMalformed) return error
      throw error
    }
    if (this.full && this.bytesWaiting + costOf(bytes) > Limits.envelopesWaitingBytesMax) {
      return new PeerUnreachable({ peer, reason: "it reads slower than it is sent messages; send less, or later" })
    }
    this.send(bytes)
    return undefined
  }

  private send(bytes: Uint8Array): void {
    if (this.channel.send(bytes)) return
    this.bytesWaiting = this.full ? this.bytesWaiting + costOf(bytes) : costOf(bytes)
    this.full = true
  }

  // ---------------------------------------------------------------- from the peer

  readonly message = (bytes: Uint8Array): void => {
    const kind = bytes[0]
    if (kind === kinds.tell) return this.tellArrived(this.reader.read("tell", bytes, 1))
    if (kind === kinds.briefTell) return this.tellArrived(this.reader.readBrief("tell", bytes, 1))
    if (kind === kinds.heading) return this.reader.readHeading(bytes)
    if (bytes.length < headerBytes) throw new Error(`it sent an envelope frame of ${bytes.length} bytes`)
    const number = ((bytes[1]! << 24) | (bytes[2]! << 16) | (bytes[3]! << 8) | bytes[4]!) >>> 0
    if (kind === kinds.briefAsk)
      return this.askArrived(number, bytes.length, this.reader.readBrief("ask", bytes, headerBytes))
    if (kind === kinds.ask) return this.askArrived(number, bytes.length, this.reader.read("ask", bytes, headerBytes))
    if (kind === kinds.cancel) return this.cancelArrived(number)
    if (kind === kinds.stream)
      return this.streamArrived(number, bytes.length, this.reader.read("stream", bytes, headerBytes))
    const body = bytes.subarray(headerBytes)
    if (kind === kinds.value) return this.streams.valueArrived(number, body)
    if (kind === kinds.end) return this.streams.endArrived(number, undefined)
    if (kind === kinds.credit) return this.streams.creditArrived(number, body)
    this.answerArrived(kind!, number, body)
  }

  readonly drain = (): void => {
    this.full = false
    this.bytesWaiting = 0
    this.streams.drain()
  }

  readonly closed = (): void => {
    this.ended = true
    const lost = Exit.fail(this.host.lost())
    for (const settle of this.asked.values()) settle(lost)
    this.asked.clear()
    this.streams.closed(this.host.lost())
    this.arrived.closed()
    this.tellsArrived.closed()
  }

  /** Interrupts what nobody waits for any more. */
  look(nowMs: number): void {
    this.streams.look(nowMs)
    this.arrived.look(nowMs)
    this.tellsArrived.look(nowMs)
  }

  private askArrived(number: number, bytes: number, envelope: Envelope): void {
    const { peer } = this.channel
    const refused = this.host.refuses(envelope)
    if (refused !== undefined) return this.send(frame(kinds.notGranted, number, Codec.encode(refused)))
    this.checkUnused(number)
    if (this.arrived.size >= Limits.asksInFlightMax) {
      throw new Error(`it asked more than ${Limits.asksInFlightMax} things at once`)
    }
    if (!this.hasRoom(bytes)) return this.answerBusy(number)
    let answer: Effect.Effect<Outcome>
    try {
      answer = this.host.receiver().ask(envelope, peer)
    } catch (defect) {
      answer = Effect.die(defect)
    }
    if (Exit.isExit(answer)) return this.answer(number, answer as Exit.Exit<Outcome>)
    this.arrived.follow(number, bytes, envelope.deadlineMs, answer, (exit) => this.answer(number, exit))
  }

  private streamArrived(number: number, bytes: number, envelope: Envelope): void {
    const refused = this.host.refuses(envelope)
    if (refused !== undefined) return this.send(frame(kinds.notGranted, number, Codec.encode(refused)))
    this.checkUnused(number)
    if (!this.hasRoom(bytes)) return this.answerBusy(number)
    this.streams.start(number, bytes, this.host.receiver().stream(envelope, this.channel.peer))
  }

  /** Whether one more ask of so many bytes may wait for its handler. */
  private hasRoom(bytes: number): boolean {
    return this.arrived.bytes + this.streams.flowingBytes + bytes <= Limits.asksArrivedBytesMax
  }

  private answerBusy(number: number): void {
    const reason = `more than ${Limits.asksArrivedBytesMax} bytes of asks wait there already; send less, or later`
    this.send(frame(kinds.busy, number, Codec.encode(reason)))
  }

  private checkUnused(number: number): void {
    if (this.arrived.has(number) || this.streams.isFlowing(number)) {
      throw new Error(`it used the number ${number} for two asks at once`)
    }
  }

  private tellArrived(envelope: Envelope): void {
    const { peer } = this.channel
    if (this.host.refuses(envelope) !== undefined) return
    if (this.tellsArrived.size >= Limits.asksInFlightMax) {
      throw new Error(`more than ${Limits.asksInFlightMax} of its messages wait to be delivered`)
    }
    const told = this.host.receiver().tell(envelope, peer)
    this.tellsArrived.follow(this.nextTell++, 0, envelope.deadlineMs, told, () => undefined)
  }

  private cancelArrived(number: number): void {
    if (!this.streams.cancelArrived(number)) this.arrived.cancel(number)
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
      const bytes = headed(kind, number, Codec.encodeBriefly(value, headerBytes))
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
    const result = outcomeOf(kind, body, this.channel.peer, this.host.peerName)
    if (this.streams.isReading(number)) {
      if (kind === kinds.replied) throw new Error("it answered with one value where a stream was asked for")
      return this.streams.endArrived(number, result)
    }
    const settle = this.asked.get(number)
    // The answer may have crossed a cancellation.
    if (settle === undefined) return
    this.asked.delete(number)
    settle(result)
  }
}

const nothing = () => undefined

/** Bytes of memory that a frame takes while it waits, about. */
const costOf = (bytes: Uint8Array): number => bytes.length + Limits.queuedOverheadBytes
