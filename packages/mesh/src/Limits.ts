/**
 * The limits of `mesh`: everything that grows has one. Each has its unit in its name, and the reason for its number.
 */
import { connectionCreditBytes, connectionsMax, envelopeBytesMax, frameBytesMax } from "@continuum/core/Limits"

/**
 * Milliseconds without a byte after which a connection is lost: four signs of life of a few bytes each, so that three lost packets
 * in a row are no loss, and a process that was killed is noticed in 10 s.
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

/** What a message that waits costs besides its bytes, about: it is counted wherever messages wait for a peer to read. */
export const queuedOverheadBytes = 128

/** Protocols that one side offers: a byte names a channel. Chosen, not measured. */
export const protocolsMax = 32

/** One frame of the envelope channel: an envelope, its kind and its number. */
export const envelopeFrameBytesMax = envelopeBytesMax + 16

/** Headings of envelopes that each side of a connection remembers for the other: a byte names one. */
export const headingsMax = 256

/** One of them: room for four addresses of the largest. With the limit above at most 1 MiB a connection, and usually 70 kB. */
export const headingBytesMax = 4 * 1024

/** Milliseconds from a connection to the end of its handshake. */
export const handshakeTimeoutMs = 10_000

/** Milliseconds before a peer that is being added is dialled again; doubles up to the second number. Chosen, not measured. */
export const addPauseMsMin = 200
export const addPauseMsMax = 2_000

/** The first pause before a peer is dialled again whose connection was lost before it greeted. Chosen, not measured. */
export const lostPauseMsMin = 20

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
export const peerSilenceMsMax = 20_000

/**
 * Milliseconds that the answer to a heartbeat may take while other bytes arrive. A peer behind 1 Mbit/s with the largest
 * message before the heartbeat needs 130 s; one that needs longer does not read.
 */
export const heartbeatAnswerMsMax = 180_000

/** Milliseconds between two looks at deadlines of handshakes, heartbeats and asks. Chosen, not measured. */
export const lookEveryMs = 1_000

/** Connections that strangers may have: the rest of a transport's 64 is for peers that hold a grant. */
export const strangersMax = (3 * connectionsMax) / 4

/** Asks of one peer that wait for a reply here; and asks of this node that wait there. Chosen, not measured. */
export const asksInFlightMax = 10_000

/**
 * Bytes of one peer's asks that wait for a reply or are answered by a stream here; the next is refused. Four of the largest, and 6 kB
 * for each of the number above.
 */
export const asksArrivedBytesMax = 4 * envelopeBytesMax

/** Streamed replies that one peer reads here, and that this node reads there. With the two limits below at most 136 MiB. Chosen, not measured. */
export const streamsMax = 128

/**
 * Bytes of one stream that may be on their way to a reader who has not taken them, besides a last value. 64 KiB hold 1,000 tokens or
 * events, and move 1.3 MB/s at a round trip of 50 ms.
 */
export const streamCreditBytes = 64 * 1024

/** One value of a streamed reply: larger things are content, and travel by their hash. Chosen, not measured. */
export const streamValueBytesMax = 1024 * 1024

/** Milliseconds that a value may wait for its reader before its stream is ended: a person who looks away. Chosen, not measured. */
export const streamUnreadMsMax = 300_000

/** Milliseconds between the cancellation of a stream and its end: as long as the answer to a heartbeat may take. */
export const streamEndMsMax = 180_000

/**
 * Bytes of asks and tells that wait for a peer to read, with `queuedOverheadBytes` for each; the next is refused. Room for one of the
 * largest, and half of what ends the connection: whoever tells a slow peer too much hears so before it is lost.
 */
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

/** Milliseconds between two lines in the log about strangers whose connections were refused, whoever they are. Chosen, not measured. */
export const strangerLogEveryMs = 1_000

/** Connections that were refused or lost for a fault, kept for a look at them. Chosen, not measured. */
export const problemsKept = 32

/** Processes with one node key that are remembered, to tell a restart from a copy. Chosen, not measured. */
export const instancesKept = 8

/** Changes of peers that wait for a slow reader; beyond it the oldest are dropped. */
export const peerChangesMax = 1_000

/** A file of grants: 1,000 peers of about 400 bytes, four times over. */
export const grantsBytesMax = 2 * 1024 * 1024

// Content

/**
 * Bytes in one answer of a group: small messages of other channels wait behind one of these at most, 0.5 s on a line of
 * 1 Mbit/s. Chosen, not measured.
 */
export const contentPartBytesMax = 64 * 1024

/** A message of the content channel: the chaining values of the largest content are 8 KiB, a part with its frame less than 65. */
export const contentMessageBytesMax = contentPartBytesMax + 1024

/** Groups that a transfer asks one source for ahead of what arrived: 1 MiB. Fills 100 ms at 80 Mbit/s. */
export const contentWindowGroups = 4

/**
 * Requests of one peer that this node works on at a time; one more ends the connection. A node of ours keeps to half of
 * it, so that cancelled requests that cross an answer do not count against it. Chosen, not measured.
 */
export const contentRequestsPerPeerMax = 64

/**
 * Requests that wait until content is read from the store for them, one content at a time because each takes up to
 * `contentBytesMax`; one more is told that this node is busy. Chosen, not measured.
 */
export const contentLoadsWaitingMax = 64

/** Contents being served that are kept in memory, in bytes: two of the largest. */
export const contentServedBytesMax = 128 * 1024 * 1024

/** How long the answer may take whether a peer has some content. Three times a round trip around the earth by satellite. */
export const contentHaveTimeoutMs = 2_000

/**
 * Head start of the source that is asked first: of a hint before other peers are asked at all, and of the first source
 * before a second one is asked for the same proof. Chosen, not measured.
 */
export const contentHeadStartMs = 500

/** How long the outline of some content may take: the source hashes up to 64 MiB first, 0.2 s, beside other work. */
export const contentOutlineTimeoutMs = 10_000

/**
 * How long a group may take, with those of the window before it: a source below 1 MiB in 60 s, 17 kB/s, is given up for
 * this transfer. Chosen, not measured.
 */
export const contentGroupTimeoutMs = 60_000

/**
 * How long a group is on its way before a source that has nothing else to do is asked for it as well. A source that
 * brings its window of 1 MiB in that time, 4 Mbit/s, is not asked twice.
 */
export const contentOwedMs = 2_000

/** How long a peer may read nothing of what it asked for before its connection is ended. Chosen, not measured. */
export const contentUnreadMsMax = 60_000

/** Sources that one transfer uses at a time. More do not fill a line better than that. Chosen, not measured. */
export const contentSourcesMax = 8

/** Transfers of more than one group at a time; the others wait. Each holds up to `contentBytesMax`. Chosen, not measured. */
export const contentTransfersMax = 4

/** Times that a busy source is asked again, and the first pause before that; each pause is twice the one before. */
export const contentBusyRetries = 5
export const contentBusyPauseMs = 200

/** How long a transfer that lost its last source waits for one to come back. Chosen: a reconnection takes 1 to 5 s. */
export const contentReturnMs = 5_000

/** Unfinished contents that are kept for another try, in bytes, and for how long. Chosen, not measured. */
export const contentUnfinishedBytesMax = 128 * 1024 * 1024
export const contentUnfinishedMs = 10 * 60_000

/** Peers that are remembered for having sent something false, and for how long nothing is fetched from them. Chosen. */
export const contentLiarsMax = 1_000
export const contentLiarMs = 60 * 60_000
