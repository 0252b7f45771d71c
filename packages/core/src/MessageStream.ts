/**
 * Whole messages over a stream of bytes, with credit: what every transport of ours speaks on a connection.
 *
 * A frame is three bytes of length (little-endian), one of kind, and a payload of at most `pieceBytesMax` bytes. A message
 * is one frame of kind `last`, or some of kind `more` and then one of kind `last`. A side may send no more bytes of such
 * frames, headers included, than the other has granted: `connectionCreditBytes` at first, then what frames of kind `credit`
 * add as the reader takes messages. Whoever breaks a rule loses the connection. docs/PROTOCOL.md.
 */
import { ByteQueue } from "./ByteQueue.ts"
import type { PublicKey } from "./Identity.ts"
import { connectionCreditBytes, connectionQueueBytesMax, frameBytesMax, pieceBytesMax } from "./Limits.ts"
import { copied, creditIn, creditOf, frameOf, FrameWriter, headerBytes, kinds } from "./MessageFrames.ts"
import { type Connection, type ConnectionListener, TransportLost } from "./Transport.ts"

/** The stream of bytes below, as the transport sees it from this side. */
export interface ByteStream {
  /** Takes bytes that nobody changes afterwards. */
  readonly write: (bytes: Uint8Array) => void
  /** Ends the stream once what was written has been sent. */
  readonly end: () => void
  /** Ends the stream at once. */
  readonly destroy: () => void
  /** `close` was called and not everything has been sent yet: the transport gives it `closeTimeoutMs`. */
  readonly closing: () => void
}

export interface Options {
  readonly peer: PublicKey
  readonly initiator: boolean
  readonly remoteAddress: string
  readonly handshakeHash: Uint8Array
}

/** Credit is given back in portions, so that small messages do not cost a frame each. */
const grantBytes = connectionCreditBytes / 4

/** One end. The transport feeds it with `received` and `ended`; everybody else sees a `Connection`. */
export class MessageStream implements Connection {
  readonly peer: PublicKey
  readonly initiator: boolean
  readonly remoteAddress: string
  readonly handshakeHash: Uint8Array

  private readonly stream: ByteStream
  private readonly writer: FrameWriter
  private listener: ConnectionListener | undefined
  private state: "open" | "closing" | "ended"
  private reason: TransportLost | undefined
  private reported: boolean
  private streamEnded: boolean
  private paused: boolean
  private delivering: boolean
  private scheduled: boolean

  /** Bytes of frames that the peer has granted and that were not used. */
  private sendCredit: number
  private readonly queue: Array<{ readonly bytes: Uint8Array; sent: number }>
  private queuedBytes: number
  private wantsDrain: boolean

  /** Bytes of frames that the peer may still send. */
  private receiveCredit: number
  private taken: number
  /** A frame that is not complete yet. */
  private readonly carry: ByteQueue
  /** Complete frames that nobody wants yet. */
  private readonly inbox: ByteQueue
  /** A message that is not complete yet. */
  private readonly message: ByteQueue

  constructor(options: Options, stream: ByteStream) {
    this.peer = options.peer
    this.initiator = options.initiator
    this.remoteAddress = options.remoteAddress
    this.handshakeHash = options.handshakeHash
    this.stream = stream
    this.writer = new FrameWriter((bytes) => {
      if (this.state !== "ended") stream.write(bytes)
    })
    this.listener = undefined
    this.state = "open"
    this.reason = undefined
    this.reported = false
    this.streamEnded = false
    this.paused = false
    this.delivering = false
    this.scheduled = false
    this.sendCredit = connectionCreditBytes
    this.queue = []
    this.queuedBytes = 0
    this.wantsDrain = false
    this.receiveCredit = connectionCreditBytes
    this.taken = 0
    this.carry = new ByteQueue()
    this.inbox = new ByteQueue()
    this.message = new ByteQueue()
  }

  // ---------------------------------------------------------------- what the transport calls

  /** Bytes of the peer have arrived. They may be overwritten afterwards. */
  readonly received = (bytes: Uint8Array): void => {
    if (this.state === "ended") return
    let rest = bytes
    if (this.carry.length > 0) {
      this.carry.push(bytes)
      rest = this.carry.peek()
    }
    const used = this.readFrames(rest)
    if (this.isOver()) return
    if (this.carry.length > 0) this.carry.drop(used)
    else if (used < rest.length) this.carry.push(rest.subarray(used))
  }

  /** The stream below is gone. The first call counts. */
  readonly ended = (reason: string): void => {
    if (this.state === "ended") return
    this.reason = this.state === "closing" ? undefined : new TransportLost({ peer: this.peer, reason })
    this.state = "ended"
    this.queue.length = 0
    this.queuedBytes = 0
    this.carry.clear()
    this.schedule()
  }

  // ---------------------------------------------------------------- Connection

  readonly send = (bytes: Uint8Array, first?: number): boolean => {
    const size = first === undefined ? bytes.length : bytes.length + 1
    if (size > frameBytesMax) throw new RangeError(`A message has at most ${frameBytesMax} bytes, not ${size}`)
    if (this.state !== "open") return false
    if (this.queue.length === 0 && size <= pieceBytesMax && headerBytes + size <= this.sendCredit) {
      this.writeFrame(kinds.last, bytes, first)
      return true
    }
    if (this.queuedBytes + size > connectionQueueBytesMax) {
      this.fail(`more than ${connectionQueueBytesMax} bytes wait to be sent, and the peer does not read them`)
      return false
    }
    this.queue.push({ bytes: copied(bytes, first), sent: 0 })
    this.queuedBytes += size
    this.pump()
    this.wantsDrain = this.queue.length > 0
    return !this.wantsDrain
  }

  readonly listen = (listener: ConnectionListener): void => {
    if (this.listener !== undefined) throw new Error("A connection has one listener, and this one has it already")
    this.listener = listener
    this.schedule()
  }

  readonly pause = (): void => {
    this.paused = true
  }

  readonly resume = (): void => {
    this.paused = false
    this.schedule()
  }

  readonly close = (): void => {
    if (this.state !== "open") return
    this.state = "closing"
    this.inbox.clear()
    this.message.clear()
    this.stream.closing()
    if (this.queue.length === 0) this.endStream()
  }

  // ---------------------------------------------------------------- sending

  /** Sends what waits, as far as the credit goes. */
  private pump(): void {
    for (let head = this.queue[0]; head !== undefined; head = this.queue[0]) {
      const left = head.bytes.length - head.sent
      const size = Math.min(left, pieceBytesMax, this.sendCredit - headerBytes)
      if (size < 0 || (size === 0 && left > 0)) return
      this.writeFrame(size === left ? kinds.last : kinds.more, head.bytes.subarray(head.sent, head.sent + size))
      head.sent += size
      this.queuedBytes -= size
      if (size === left) this.queue.shift()
    }
    if (this.state === "closing") this.endStream()
  }

  private writeFrame(kind: number, payload: Uint8Array, first?: number): void {
    const frame = frameOf(kind, payload, first)
    this.sendCredit -= frame.length
    this.writer.write(frame)
  }

  private endStream(): void {
    if (this.streamEnded) return
    this.streamEnded = true
    this.writer.flush()
    this.stream.end()
  }

  // ---------------------------------------------------------------- receiving

  /** Reads complete frames, and says how many bytes they had. */
  private readFrames(bytes: Uint8Array): number {
    let at = 0
    while (bytes.length - at >= headerBytes && !this.isOver()) {
      const size = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16)
      const end = at + headerBytes + size
      if (size > pieceBytesMax) this.fail(`it sent a piece of ${size} bytes, and ${pieceBytesMax} are allowed`)
      if (end > bytes.length) break
      this.readFrame(bytes, at, end)
      at = end
    }
    return at
  }

  private readFrame(bytes: Uint8Array, at: number, end: number): void {
    const kindOf = bytes[at + 3]!
    if (kindOf === kinds.credit) return this.readCredit(bytes.subarray(at, end))
    this.receiveCredit -= end - at
    if (kindOf > kinds.credit) return this.fail(`it sent a frame of the unknown kind ${kindOf}`)
    if (this.receiveCredit < 0) return this.fail(`it sent more than its credit of ${connectionCreditBytes} bytes`)
    // An empty piece that is not the last would be work for nothing.
    if (kindOf === kinds.more && end - at === headerBytes) return this.fail("it sent an empty piece")
    if (this.state !== "open") return
    if (!this.isHeldBack() && this.inbox.length === 0) return this.deliver(bytes, at, end)
    this.inbox.push(bytes.subarray(at, end))
    if (!this.paused) this.schedule()
  }

  private readCredit(frame: Uint8Array): void {
    const granted = creditIn(frame)
    this.sendCredit += granted
    if (granted === 0 || this.sendCredit > connectionCreditBytes) return this.fail("it granted credit that nobody used")
    this.pump()
    if (this.queue.length > 0 || !this.wantsDrain || this.state !== "open") return
    this.wantsDrain = false
    this.call(() => this.listener?.drain())
  }

  /** Hands a piece over; a message goes to the listener with its last one. */
  private deliver(bytes: Uint8Array, at: number, end: number): void {
    const start = at + headerBytes
    // A Buffer's `slice` copies nothing: who is given one and keeps a slice of it would keep what is overwritten.
    const piece = new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start)
    if (this.message.length + piece.length > frameBytesMax) {
      return this.fail(`it sent a message of more than ${frameBytesMax} bytes`)
    }
    if (bytes[at + 3] === kinds.more) this.message.push(piece)
    else if (this.message.length === 0) this.call(() => this.listener?.message(piece))
    else {
      this.message.push(piece)
      const whole = this.message.peek()
      this.message.clear()
      this.call(() => this.listener?.message(whole))
    }
    this.taken += end - at
    if (this.taken < grantBytes || this.state !== "open") return
    const { taken } = this
    this.receiveCredit += taken
    this.taken = 0
    this.writer.write(creditOf(taken))
  }

  private isOver(): boolean {
    return this.state === "ended"
  }

  private isHeldBack(): boolean {
    return this.listener === undefined || this.paused || this.delivering
  }

  /** Delivers later, never inside a call of the listener's owner. */
  private schedule(): void {
    if (this.scheduled || this.listener === undefined) return
    this.scheduled = true
    queueMicrotask(() => {
      this.scheduled = false
      this.deliverInbox()
    })
  }

  private deliverInbox(): void {
    while (this.inbox.length > 0 && !this.isHeldBack()) {
      const bytes = this.inbox.peek()
      const end = headerBytes + (bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16))
      // The frame stays valid while it is delivered: what arrives meanwhile is appended, never moved under it.
      const frame = bytes.slice(0, end)
      this.inbox.drop(end)
      this.deliver(frame, 0, end)
    }
    if (this.state !== "ended" || this.inbox.length > 0 || this.reported || this.listener === undefined) return
    this.reported = true
    this.message.clear()
    const { listener, reason } = this
    this.call(() => listener.closed(reason))
  }

  /** Calls the listener. One that throws has lost track of the conversation, so the connection ends. */
  private call(notify: () => void): void {
    this.delivering = true
    try {
      notify()
    } catch (cause) {
      this.fail(`its listener failed: ${cause instanceof Error ? cause.message : String(cause)}`)
    } finally {
      this.delivering = false
    }
  }

  private fail(reason: string): void {
    if (this.state === "ended") return
    this.inbox.clear()
    this.ended(reason)
    this.stream.destroy()
  }
}
