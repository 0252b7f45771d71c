/**
 * A channel carries the whole messages of one protocol on a connection, in order, beside those of other protocols.
 *
 * Each channel has a credit of its own: a protocol that sends much waits for its own peer's reading and never holds up the
 * messages of another. Everything is a plain callback, because this is the hot path of every remote message.
 */
import type { PublicKey } from "@continuum/core/Identity"

/** One protocol's messages on a connection, in order, beside those of other protocols. */
export interface Channel {
  /** Node key of the peer, verified by the transport. */
  readonly peer: PublicKey
  /**
   * Sends one message of at most `Limits.channelMessageBytesMax` bytes; more is a defect. The bytes may be reused
   * afterwards. False: it was taken; wait for `drain` before sending more. After the channel is closed it takes nothing.
   */
  readonly send: (bytes: Uint8Array) => boolean
  /** Ends the whole connection: this peer does not keep to the protocol. */
  readonly close: (reason?: string) => void
}

/** What a protocol does with the events of one channel. Called synchronously, never inside `send`. */
export interface ChannelListener {
  /**
   * A whole message. The bytes may be overwritten after this returns: copy what is kept. Throwing ends the whole
   * connection, with the error's message as the reason.
   */
  readonly message: (bytes: Uint8Array) => void
  /** After `send` returned false: there is room again. */
  readonly drain: () => void
  /** The last event. */
  readonly closed: () => void
}

export interface ChannelProtocol {
  /** Name and version, such as `continuum/content/1`: at most 63 printable characters. */
  readonly name: string
  /** A channel is open on both sides: the peer speaks this protocol too. Returns what to do with its events. */
  readonly open: (channel: Channel) => ChannelListener
}
