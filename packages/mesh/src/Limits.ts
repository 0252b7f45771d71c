/**
 * The limits of `mesh`: everything that grows has one. Each has its unit in its name, and the reason for its number.
 */
import { envelopeBytesMax, frameBytesMax } from "@continuum/core/Limits"

/** One message on a channel: a transport's frame without the byte that names the channel. */
export const channelMessageBytesMax = frameBytesMax - 1

/**
 * Bytes that one channel may have on their way. 1 MiB moves 20 MB/s at a round trip of 50 ms, and is the most that a
 * message of another channel can find before it in the buffers.
 */
export const channelCreditBytes = 1024 * 1024

/**
 * Bytes that wait in one channel for a peer to read. Two of the largest messages; a peer that lets more pile up does not
 * read, and loses its connection.
 */
export const channelQueueBytesMax = 2 * frameBytesMax

/** Protocols that one side offers: a byte names a channel. Chosen, not measured. */
export const protocolsMax = 32

/** One frame of the envelope channel: an envelope, its kind and its number. */
export const envelopeFrameBytesMax = envelopeBytesMax + 16

/** Milliseconds from a connection to the end of its handshake. */
export const handshakeTimeoutMs = 10_000

/** A whole greeting: a name, capabilities and protocols of the lengths below, keys and a signature. */
export const helloBytesMax = 8_192

/** Characters in the name of a node: as much as a petname in an address. */
export const nameLengthMax = 63

/** Capabilities that a node names, and characters in one. Chosen, not measured. */
export const capabilitiesMax = 64
export const capabilityLengthMax = 32

/** Milliseconds between two heartbeats. Often enough to notice a dead peer in 20 s, 30 bytes a time. */
export const heartbeatEveryMs = 5_000

/** Milliseconds without a byte from a peer after which its connection is given up: four heartbeats. */
export const silenceMsMax = 20_000

/**
 * Milliseconds that the answer to a heartbeat may take while other bytes arrive. A peer behind 1 Mbit/s with the largest
 * message before the heartbeat needs 130 s; one that needs longer does not read.
 */
export const heartbeatAnswerMsMax = 180_000

/** Milliseconds between two looks at deadlines of handshakes, heartbeats and asks. Chosen, not measured. */
export const lookEveryMs = 1_000

/** Asks of one peer that wait for a reply here; and asks of this node that wait there. Chosen, not measured. */
export const asksInFlightMax = 10_000

/** Bytes of asks and tells that wait for a peer to read; the next is refused. Room for one of the largest. */
export const envelopesWaitingBytesMax = envelopeBytesMax

/** Envelopes that wait until an actor system says that it takes them. Chosen, not measured. */
export const envelopesBeforeServeMax = 1_000

/**
 * Refused asks and tells that a peer may send in a minute before it loses its connection: far more than a program that
 * reads its errors, and few enough to cost nothing.
 */
export const refusalsPerMinuteMax = 600

/** Milliseconds between two lines in the log about refusals of one peer. */
export const refusalLogEveryMs = 60_000

/** Connections that were refused or lost for a fault, kept for a look at them. Chosen, not measured. */
export const problemsKept = 32

/** Processes with one node key that are remembered, to tell a restart from a copy. Chosen, not measured. */
export const instancesKept = 8

/** Changes of peers that wait for a slow reader; beyond it the oldest are dropped. */
export const peerChangesMax = 1_000

/** A file of grants: 1,000 peers of about 400 bytes, four times over. */
export const grantsBytesMax = 2 * 1024 * 1024
