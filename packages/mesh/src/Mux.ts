/**
 * Several channels on one connection. A frame is one byte that names the channel, then the message; channel 0 belongs to
 * the session itself.
 *
 * Each channel may have `Limits.channelCreditBytes` on their way: what the peer has read it gives back as credit. What has
 * no credit, or no room in the transport, waits in its channel; channels take turns, message by message. So bulk never
 * holds up another channel by more than its credit, and a peer that never reads costs bounded memory and its connection.
 */
import type { PublicKey } from "@continuum/core/Identity"
import type { Connection, TransportLost } from "@continuum/core/Transport"
import type { Channel, ChannelListener, ChannelProtocol } from "./Channel.ts"
import * as Limits from "./Limits.ts"

/** What the session does with what is not for a channel. */
export interface Control {
  /** A frame of channel 0, without the byte 0. Throwing ends the connection. */
  readonly message: (body: Uint8Array) => void
  /** Anything arrived: the peer lives. */
  readonly alive: () => void
  /** The connection has ended; its channels learn it next. `undefined`: this side closed it. */
  readonly closed: (reason: TransportLost | undefined) => void
  /** The peer did something against the protocol: say goodbye, and close. */
  readonly fault: (reason: string) => void
}

export class Mux {
  readonly connection: Connection
  private readonly control: Control
  /** Channels by the number that names them in frames from the peer. */
  private readonly channels: Array<MuxChannel | undefined>
  private open: Array<MuxChannel>
  private writable: boolean
  private turn: number
  closed: boolean
  /** Why the connection must end, found inside a `send`, where nothing may be called back: the session looks at it. */
  doomed: string | undefined

  constructor(connection: Connection, control: Control) {
    this.connection = connection
    this.control = control
    this.channels = []
    this.open = []
    this.writable = true
    this.turn = 0
    this.closed = false
    this.doomed = undefined
  }

  /** Begins to take frames; once. */
  start(): void {
    this.connection.listen({
      message: (bytes) => this.received(bytes),
      drain: () => this.drained(),
      closed: (reason) => this.ended(reason)
    })
  }

  /**
   * Opens the channels of all protocols that both sides have named and that are not open yet. A channel's number is the
   * place of its protocol in the receiver's list, from 1.
   */
  openChannels(protocols: ReadonlyArray<ChannelProtocol>, theirs: ReadonlyArray<string>): void {
    for (const [index, protocol] of protocols.entries()) {
      const number = theirs.indexOf(protocol.name) + 1
      if (this.closed || number === 0 || this.channels[index + 1] !== undefined) continue
      const channel = new MuxChannel(this, number)
      this.channels[index + 1] = channel
      this.open.push(channel)
      channel.listener = protocol.open(channel)
    }
  }

  /** Sends a frame of channel 0 ahead of all that waits. */
  sendControl(body: Uint8Array): void {
    if (!this.closed) this.write(0, body)
  }

  /** Ends the connection; what waits in channels is dropped. */
  close(): void {
    if (this.closed) return
    this.connection.close()
    this.ended(undefined)
  }

  fault(reason: string): void {
    if (!this.closed) this.control.fault(reason)
  }

  // ---------------------------------------------------------------- sending

  /** Whether a message may leave now. */
  canWrite(channel: MuxChannel): boolean {
    return this.writable && channel.credit > 0
  }

  write(number: number, body: Uint8Array): void {
    if (!this.connection.send(body, number)) this.writable = false
  }

  private drained(): void {
    this.writable = true
    this.flush()
  }

  /** Lets waiting messages go, one of each channel in turn, then tells the channels that have room again. */
  flush(): void {
    for (let idle = 0; this.writable && idle < this.open.length && !this.closed;) {
      this.turn = (this.turn + 1) % this.open.length
      idle = this.open[this.turn]!.sendNext() ? 0 : idle + 1
    }
    for (const channel of this.open) {
      if (this.closed) return
      if (channel.waiting && channel.idle && this.canWrite(channel)) {
        channel.waiting = false
        this.call(() => channel.listener?.drain())
      }
    }
  }

  // ---------------------------------------------------------------- receiving

  private received(frame: Uint8Array): void {
    if (this.closed) return
    this.control.alive()
    const number = frame[0]
    if (number === undefined) return this.fault("it sent an empty frame")
    const body = frame.subarray(1)
    if (number === 0) return this.call(() => this.control.message(body))
    const channel = this.channels[number]
    if (channel === undefined) return this.fault(`it sent a frame of channel ${number}, which is not open`)
    try {
      channel.received(body)
    } catch (cause) {
      this.fault(cause instanceof Error ? cause.message : String(cause))
    }
  }

  /** The peer has read so much of a channel. */
  creditReceived(number: number, bytes: number): void {
    const channel = this.channels[number]
    if (channel === undefined) throw new Error(`it gave credit for channel ${number}, which is not open`)
    channel.creditReceived(bytes)
    this.flush()
  }

  private call(action: () => void): void {
    try {
      action()
    } catch (cause) {
      this.fault(cause instanceof Error ? cause.message : String(cause))
    }
  }

  private ended(reason: TransportLost | undefined): void {
    if (this.closed) return
    this.closed = true
    const { open } = this
    this.open = []
    // First the session: whoever is told by a channel may try again at once, and must not find this connection.
    this.control.closed(reason)
    for (const channel of open) channel.listener?.closed()
  }
}

/** Messages that leave a queue before what they left behind is thrown away: few enough to hold no memory. */
const queueTrimEvery = 1_024

class MuxChannel implements Channel {
  readonly peer: PublicKey
  listener: ChannelListener | undefined
  credit: number
  /** Whether a `send` returned false, and no drain has followed. */
  waiting: boolean
  private readonly mux: Mux
  private readonly remoteNumber: number
  private queue: Array<Uint8Array>
  private first: number
  private bytesQueued: number
  private bytesRead: number

  constructor(mux: Mux, remoteNumber: number) {
    this.peer = mux.connection.peer
    this.listener = undefined
    this.credit = Limits.channelCreditBytes
    this.waiting = false
    this.mux = mux
    this.remoteNumber = remoteNumber
    this.queue = []
    this.first = 0
    this.bytesQueued = 0
    this.bytesRead = 0
  }

  readonly send = (bytes: Uint8Array): boolean => {
    if (bytes.length > Limits.channelMessageBytesMax) {
      throw new RangeError(`${bytes.length} bytes are more than a channel's ${Limits.channelMessageBytesMax}`)
    }
    const { mux } = this
    if (mux.closed || mux.doomed !== undefined) return false
    if (this.idle && mux.canWrite(this)) {
      this.credit -= bytes.length
      mux.write(this.remoteNumber, bytes)
      if (mux.canWrite(this)) return true
    } else {
      this.queue.push(bytes.slice())
      this.bytesQueued += bytes.length + Limits.queuedOverheadBytes
      if (this.bytesQueued > Limits.channelQueueBytesMax) mux.doomed = "it does not read what it is sent"
    }
    this.waiting = true
    return false
  }

  readonly close = (reason = "it does not keep to the protocol"): void => this.mux.fault(reason)

  /** Whether nothing waits. */
  get idle(): boolean {
    return this.first === this.queue.length
  }

  /** Lets the next waiting message go. Whether there was one that may. */
  sendNext(): boolean {
    if (this.idle || this.credit <= 0) return false
    const bytes = this.queue[this.first++]!
    if (this.idle || this.first === queueTrimEvery) {
      this.queue = this.queue.slice(this.first)
      this.first = 0
    }
    this.bytesQueued -= bytes.length + Limits.queuedOverheadBytes
    this.credit -= bytes.length
    this.mux.write(this.remoteNumber, bytes)
    return true
  }

  received(body: Uint8Array): void {
    this.bytesRead += body.length
    this.listener?.message(body)
    if (this.bytesRead >= Limits.channelCreditBytes / 2 && !this.mux.closed) {
      this.mux.sendControl(encodeCredit(this.remoteNumber, this.bytesRead))
      this.bytesRead = 0
    }
  }

  creditReceived(bytes: number): void {
    this.credit += bytes
    if (this.credit > Limits.channelCreditBytes) throw new Error("it gave more credit than was used")
  }
}

/** First byte of a credit frame of channel 0. */
export const creditType = 2

const encodeCredit = (number: number, bytes: number): Uint8Array => {
  const body = new Uint8Array(6)
  body[0] = creditType
  body[1] = number
  new DataView(body.buffer).setUint32(2, bytes)
  return body
}

/** Channel and bytes of a credit frame. Throws for another length. */
export const decodeCredit = (body: Uint8Array): { readonly number: number; readonly bytes: number } => {
  if (body.length !== 6) throw new Error(`it sent a credit frame of ${body.length} bytes`)
  return { number: body[1]!, bytes: new DataView(body.buffer, body.byteOffset).getUint32(2) }
}
