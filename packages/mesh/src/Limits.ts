/**
 * The limits of `mesh`: everything that grows has one. Each has its unit in its name, and the reason for its number.
 */
import { connectionCreditBytes, envelopeBytesMax, frameBytesMax } from "@continuum/core/Limits"

/** Milliseconds between two signs of life on a connection that is otherwise silent. A few bytes each. */
export const keepAliveMs = 2_500

/**
 * Milliseconds without a byte after which a connection is lost: four signs of life, so that three lost packets in a row are
 * no loss, and a process that was killed is noticed in 10 s.
 */
export const silenceMsMax = 10_000

/** Milliseconds until a sidecar that was started must have bound its socket. It takes 250 on an idle machine. */
export const sidecarStartMsMax = 20_000

/** A sidecar is asked every so many milliseconds whether it still works ... */
export const sidecarPingMs = 1_000

/** ... and is killed when so many questions in a row got no answer: one that hangs is replaced after at most 5 s. */
export const sidecarPingsMissedMax = 4

/** Milliseconds that a sidecar may take to say goodbye to its peers before it is killed. */
export const sidecarStopMsMax = 2_000

/** Milliseconds between the end of a sidecar's socket and its own. Chosen, not measured. */
export const sidecarExitMsMax = 200

/** Milliseconds before a sidecar is started again; doubles with each failure up to the second number. Chosen, not measured. */
export const sidecarPauseMsMin = 50
export const sidecarPauseMsMax = 10_000

/** One frame between a sidecar and its host; messages larger than this travel in parts. */
export const sidecarPayloadBytesMax = 256 * 1024

/**
 * Bytes of one connection that a sidecar holds for a host that does not take them. Twice the credit: only a peer that does
 * not keep to its credit can exceed it, and loses its connection.
 */
export const sidecarWaitingBytesMax = 2 * connectionCreditBytes

/** A host says how much it took in portions of so many bytes. */
export const sidecarTakenBytes = connectionCreditBytes / 4

/** What a sidecar may print before the rest is dropped; it goes into the message when it ends. */
export const sidecarOutputBytesMax = 1024

/** One message on a channel: a transport's frame without the byte or two that name the channel. */
export const channelMessageBytesMax = frameBytesMax - 16

/** One frame of the envelope channel: an envelope, its kind and its number. */
export const envelopeFrameBytesMax = envelopeBytesMax + 16
