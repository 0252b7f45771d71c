/**
 * What two nodes do on one connection before and beside their channels: greet each other, keep a heartbeat, say why they
 * leave.
 *
 * A session begins when a transport hands over a connection. Until the peer's greeting is verified, nothing but a greeting
 * or a goodbye is accepted. Whatever is against the protocol ends this connection, with a reason, and touches no other.
 */
import * as Codec from "@continuum/core/Codec"
import type { Identity, PublicKey } from "@continuum/core/Identity"
import { type Connection, TransportLost } from "@continuum/core/Transport"
import { Cause, Effect, Exit, Schema } from "effect"
import type { Channel, ChannelProtocol } from "./Channel.ts"
import { type EnvelopeChannel, name as envelopeProtocolName } from "./EnvelopeChannel.ts"
import * as Handshake from "./Handshake.ts"
import * as Limits from "./Limits.ts"
import { HandshakeMalformed, type MeshProblem, PeerMisbehaved, PeerRefused } from "./MeshError.ts"
import { creditType, decodeCredit, Mux } from "./Mux.ts"

/** What a session needs of its node. */
export interface SessionHost {
  readonly identity: Identity
  readonly networkId: Uint8Array
  readonly greeting: () => Omit<Handshake.Greeting, "realm" | "protocols">
  /** Besides that of envelopes. Grows when a protocol is registered. */
  readonly protocols: ReadonlyArray<ChannelProtocol>
  readonly openEnvelopes: (session: Session, channel: Channel) => EnvelopeChannel
  /** Milliseconds of a clock that only goes forward, with fractions. */
  readonly nowMs: () => number
  /** The greeting is verified, and no channel is open yet. What it returns ends the connection. */
  readonly greeted: (session: Session, greeting: Handshake.Greeting) => MeshProblem | undefined
  /** The channels are open. */
  readonly opened: (session: Session) => void
  /** A heartbeat was answered. */
  readonly beat: (session: Session) => void
  /** The last event. */
  readonly ended: (session: Session) => void
}

// First bytes of the frames of channel 0; 2 is the credit of Mux.
const helloType = 0
const goodbyeType = 1
const pingType = 3
const pongType = 4
const offerType = 5

const Goodbye = Schema.Struct({ tag: Handshake.Label(64), reason: Handshake.Label(1_000) })
const decodeGoodbye = Schema.decodeUnknownEffect(Goodbye)

export class Session {
  readonly peer: PublicKey
  readonly connection: Connection
  readonly mux: Mux
  /** Set once the peer has greeted. */
  greeting: Handshake.Greeting | undefined
  /** Asks and tells, once the peer has greeted. */
  envelopes: EnvelopeChannel | undefined
  private readonly envelopeProtocol: ChannelProtocol
  /** Protocols that the peer speaks; grows when it offers one more. */
  private theirs: Array<string>
  /** Of the last heartbeat that was answered. */
  rttMs: number | undefined
  /** Why it ended or is about to, where that is somebody's fault. */
  problem: MeshProblem | undefined
  /** What came of the connection, once it has ended. */
  lost: TransportLost | undefined
  private readonly host: SessionHost
  private readonly startedMs: number
  private heardMs: number
  private heard: boolean
  /** When the heartbeats that are not answered yet were sent, by their numbers. */
  private readonly beats: Map<number, number>
  private beatNumber: number
  private beatMs: number
  private beatsHeard: number

  constructor(connection: Connection, host: SessionHost) {
    this.peer = connection.peer
    this.connection = connection
    this.greeting = undefined
    this.envelopes = undefined
    this.envelopeProtocol = {
      name: envelopeProtocolName,
      open: (channel) => (this.envelopes = host.openEnvelopes(this, channel))
    }
    this.theirs = []
    this.rttMs = undefined
    this.problem = undefined
    this.lost = undefined
    this.host = host
    this.startedMs = this.heardMs = host.nowMs()
    this.heard = false
    this.beats = new Map()
    this.beatNumber = 0
    this.beatMs = this.startedMs
    this.beatsHeard = 0
    this.mux = new Mux(connection, {
      message: (body) => this.received(body),
      alive: () => {
        this.heard = true
      },
      closed: (reason) => this.ended(reason),
      fault: (reason) => this.faulted(reason)
    })
  }

  /** Greets. The peer's greeting is answered by opening the channels. */
  start(): void {
    const { host } = this
    const greeting = { ...host.greeting(), protocols: this.protocols().map(({ name }) => name) }
    this.mux.start()
    this.sendControl(helloType, Handshake.encode(greeting, host.identity, host.networkId, this.connection))
  }

  /** Tells the peer of the last protocol of the host, which was registered after this session began. */
  offer(protocol: ChannelProtocol): void {
    this.sendControl(offerType, new TextEncoder().encode(protocol.name))
    if (this.greeting !== undefined) this.mux.openChannels(this.protocols(), this.theirs)
  }

  private protocols(): ReadonlyArray<ChannelProtocol> {
    return [this.envelopeProtocol, ...this.host.protocols]
  }

  /** Looks at what should have happened by now. Called about every `Limits.lookEveryMs`. */
  look(nowMs: number): void {
    if (this.mux.closed) return
    if (this.mux.doomed !== undefined) return this.faulted(this.mux.doomed)
    if (this.heard) {
      this.heard = false
      this.heardMs = nowMs
    }
    this.beatsHeard = 0
    this.envelopes?.look(nowMs)
    if (this.greeting === undefined) {
      if (nowMs - this.startedMs >= Limits.handshakeTimeoutMs) {
        this.refuse(new HandshakeMalformed({ peer: this.peer, reason: "its greeting did not come in time" }))
      }
      return
    }
    if (nowMs - this.heardMs >= Limits.peerSilenceMsMax) return this.lose("it is silent")
    for (const sentMs of this.beats.values()) {
      if (nowMs - sentMs >= Limits.heartbeatAnswerMsMax) return this.lose("it does not read")
      break
    }
    if (nowMs - this.beatMs >= Limits.heartbeatEveryMs) this.beat(nowMs)
  }

  /** Ends the connection, and tells the peer why. */
  refuse(problem: MeshProblem): void {
    if (this.mux.closed) return
    this.problem ??= problem
    const goodbye = { tag: problem._tag, reason: Handshake.labelOf(problem.message, 1_000) }
    this.sendControl(goodbyeType, Codec.encode(goodbye))
    this.mux.close()
  }

  /** Ends the connection without anybody's fault. */
  leave(reason: string): void {
    this.lose(reason)
  }

  private lose(reason: string): void {
    this.lost = new TransportLost({ peer: this.peer, reason })
    this.mux.close()
  }

  private faulted(reason: string): void {
    const { peer } = this
    this.refuse(
      this.greeting === undefined ? new HandshakeMalformed({ peer, reason }) : new PeerMisbehaved({ peer, reason })
    )
  }

  private ended(reason: TransportLost | undefined): void {
    this.lost ??=
      reason ?? new TransportLost({ peer: this.peer, reason: this.problem?.message ?? "it was closed here" })
    this.host.ended(this)
  }

  private sendControl(type: number, content: Uint8Array): void {
    const body = new Uint8Array(1 + content.length)
    body[0] = type
    body.set(content, 1)
    this.mux.sendControl(body)
  }

  // ---------------------------------------------------------------- what arrives on channel 0

  private received(body: Uint8Array): void {
    const type = body[0]
    if (type === goodbyeType) return this.goodbye(body.subarray(1))
    if (this.greeting === undefined) {
      if (type !== helloType) throw new Error("it did not begin with a greeting")
      return this.hello(body.subarray(1))
    }
    switch (type) {
      case creditType: {
        const { bytes, number } = decodeCredit(body)
        return this.mux.creditReceived(number, bytes)
      }
      case pingType:
        if (body.length !== 5) throw new Error(`it sent a heartbeat of ${body.length} bytes`)
        if (++this.beatsHeard > beatsPerLookMax) throw new Error("its heart beats too fast")
        return this.sendControl(pongType, body.subarray(1))
      case pongType:
        return this.beatAnswered(body)
      case offerType:
        return this.offered(body.subarray(1))
      default:
        throw new Error(`it sent a frame of kind ${type}, which this version does not know`)
    }
  }

  private hello(bytes: Uint8Array): void {
    const { host } = this
    const greeting = Handshake.decode(bytes, host.networkId, this.connection)
    if (Exit.isFailure(greeting)) {
      const refusal = Cause.findErrorOption(greeting.cause)
      if (refusal._tag === "None") throw Cause.squash(greeting.cause)
      return this.refuse(refusal.value)
    }
    const problem = host.greeted(this, greeting.value)
    if (problem !== undefined) return this.refuse(problem)
    if (this.mux.closed) return
    this.greeting = greeting.value
    this.theirs = [...greeting.value.protocols]
    this.mux.openChannels(this.protocols(), this.theirs)
    if (this.mux.closed) return
    host.opened(this)
    this.beat(host.nowMs())
  }

  private offered(bytes: Uint8Array): void {
    const name = bytes.length > 4 * Limits.nameLengthMax ? "" : new TextDecoder().decode(bytes)
    if (!Handshake.isLabel(name) || this.theirs.includes(name) || this.theirs.length >= Limits.protocolsMax) {
      throw new Error("it offered a protocol that cannot be one, or too many")
    }
    this.theirs.push(name)
    this.mux.openChannels(this.protocols(), this.theirs)
  }

  private goodbye(bytes: Uint8Array): void {
    if (bytes.length > Limits.helloBytesMax) throw new Error(`its goodbye has ${bytes.length} bytes`)
    const goodbye = Effect.runSyncExit(Effect.flatMap(Codec.decode(bytes), decodeGoodbye))
    if (Exit.isFailure(goodbye)) throw new Error("its goodbye is malformed")
    this.problem ??= new PeerRefused({ peer: this.peer, ...goodbye.value })
    this.mux.close()
  }

  // ---------------------------------------------------------------- heartbeats

  private beat(nowMs: number): void {
    this.beatMs = nowMs
    const number = this.beatNumber
    this.beatNumber = (number + 1) >>> 0
    this.beats.set(number, nowMs)
    const content = new Uint8Array(4)
    new DataView(content.buffer).setUint32(0, number)
    this.sendControl(pingType, content)
  }

  private beatAnswered(body: Uint8Array): void {
    if (body.length !== 5) throw new Error(`it answered a heartbeat with ${body.length} bytes`)
    const number = new DataView(body.buffer, body.byteOffset).getUint32(1)
    const sentMs = this.beats.get(number)
    if (sentMs === undefined) throw new Error("it answered a heartbeat that was not sent")
    this.beats.delete(number)
    this.rttMs = this.host.nowMs() - sentMs
    this.host.beat(this)
  }
}

// A heart beats every 5 s; what a stalled connection held back may arrive at once. Chosen, not measured.
const beatsPerLookMax = 100
