/**
 * The limits of `mesh`: everything that grows has one. Each has its unit in its name, and the reason for its number.
 */
import { envelopeBytesMax, frameBytesMax } from "@continuum/core/Limits"

/** One message on a channel: a transport's frame without the byte or two that name the channel. */
export const channelMessageBytesMax = frameBytesMax - 16

/** One frame of the envelope channel: an envelope, its kind and its number. */
export const envelopeFrameBytesMax = envelopeBytesMax + 16
