/**
 * Two ends of a connection in memory, for tests of what lives above a transport: whole messages in order, each delivered
 * in its own turn of the microtask queue, and a credit in bytes after which `send` asks its caller to wait.
 */
import { ByteBlock } from "@continuum/core/ByteBlock"
import type { PublicKey } from "@continuum/core/Identity"
import { frameBytesMax } from "@continuum/core/Limits"
import { type Connection, type ConnectionListener, TransportLost } from "@continuum/core/Transport"

export interface PairOptions {
  /** Bytes on their way in one direction above which `send` returns false. Default 64 KiB. */
  readonly creditBytes?: number
  /** The bytes that both ends sign. Default 32 bytes of 7. */
  readonly handshakeHash?: Uint8Array
}

/** One end, with what a test may do to it. */
export interface PairEnd extends Connection {
  readonly isOpen: () => boolean
  /** Breaks the connection for both ends at once; what was on its way is gone. */
  readonly breakDown: (reason: string) => void
}

/** Both ends of a new connection: the first dialled the second. */
export const make = (
  initiator: PublicKey,
  responder: PublicKey,
  options: PairOptions = {}
): readonly [PairEnd, PairEnd] => {
  const creditBytes = options.creditBytes ?? 64 * 1024
  const handshakeHash = options.handshakeHash ?? new Uint8Array(32).fill(7)
  const near = new End(responder, true, handshakeHash, creditBytes)
  const far = new End(initiator, false, handshakeHash, creditBytes)
  near.other = far
  far.other = near
  return [near, far]
}

const block = new ByteBlock()

class End implements PairEnd {
  readonly peer: PublicKey
  readonly initiator: boolean
  readonly remoteAddress: string
  readonly handshakeHash: Uint8Array
  other: End | undefined
  private readonly creditBytes: number
  private readonly incoming: Array<Uint8Array>
  private listener: ConnectionListener | undefined
  private waiting: boolean
  private paused: boolean
  private scheduled: boolean
  private bytesIncoming: number
  /** Set once: this end is closed, and why. */
  private end: { readonly reason: TransportLost | undefined } | undefined
  private ended: boolean

  constructor(peer: PublicKey, initiator: boolean, handshakeHash: Uint8Array, creditBytes: number) {
    this.peer = peer
    this.initiator = initiator
    this.remoteAddress = `127.0.0.1:${initiator ? 2 : 1}`
    this.handshakeHash = handshakeHash
    this.other = undefined
    this.creditBytes = creditBytes
    this.incoming = []
    this.listener = undefined
    this.waiting = false
    this.paused = false
    this.scheduled = false
    this.bytesIncoming = 0
    this.end = undefined
    this.ended = false
  }

  readonly send = (bytes: Uint8Array, first?: number): boolean => {
    const size = first === undefined ? bytes.length : bytes.length + 1
    if (size > frameBytesMax) throw new RangeError(`A message has ${size} bytes`)
    const other = this.other!
    if (this.end !== undefined || other.end !== undefined) return false
    const message = block.take(size)
    message.set(bytes, size - bytes.length)
    if (first !== undefined) message[0] = first
    other.incoming.push(message)
    other.bytesIncoming += size
    other.schedule()
    // Stays set until the drain that it promises, also when a later message finds room.
    this.waiting ||= other.bytesIncoming > this.creditBytes
    return !this.waiting
  }

  readonly listen = (listener: ConnectionListener): void => {
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
    this.finish(undefined)
    this.other!.finish(new TransportLost({ peer: this.other!.peer, reason: "the peer closed the connection" }))
  }

  readonly isOpen = (): boolean => this.end === undefined

  readonly breakDown = (reason: string): void => {
    for (const end of [this, this.other!]) {
      end.incoming.length = 0
      end.finish(new TransportLost({ peer: end.peer, reason }))
    }
  }

  private finish(reason: TransportLost | undefined): void {
    if (this.end !== undefined) return
    this.end = { reason }
    if (reason === undefined) this.incoming.length = 0
    this.schedule()
  }

  private schedule(): void {
    if (this.scheduled || this.listener === undefined) return
    this.scheduled = true
    queueMicrotask(() => this.deliver())
  }

  /** One message, then the next in a later turn; the end when there are no more. */
  private deliver(): void {
    this.scheduled = false
    if (this.ended) return
    const bytes = this.paused && this.end === undefined ? undefined : this.incoming.shift()
    if (bytes === undefined) {
      if (this.end === undefined) return
      this.ended = true
      return this.listener!.closed(this.end.reason)
    }
    this.bytesIncoming -= bytes.length
    this.listener!.message(bytes)
    this.schedule()
    const other = this.other!
    if (other.waiting && this.bytesIncoming <= this.creditBytes / 2 && other.end === undefined) {
      other.waiting = false
      other.listener?.drain()
    }
  }
}
