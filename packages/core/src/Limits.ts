/**
 * The limits of `core`: everything that grows has one. Each has its unit in its name, and the reason for its number.
 */

/** A name in an address, percent-encoded. 255 bytes: what a file name may have, so that any name can be one. */
export const addressSegmentBytesMax = 255

/** A whole address. Realm 63 + kind 63 + name 255 + scheme and slashes, rounded up. */
export const addressBytesMax = 400

/** Addresses whose parts are remembered while envelopes arrive. About 200 bytes each, so 1 MB. Chosen, not measured. */
export const addressesRememberedMax = 4_096

/** One envelope on the wire. 16 MiB: effect/rpc's own default, so that doors and mesh refuse the same messages. */
export const envelopeBytesMax = 16 * 1024 * 1024

/** Nesting of a decoded message. 64 is far above any real payload and far below a stack overflow. */
export const payloadDepthMax = 64

/**
 * Arrays and maps in one message, empty ones too. One byte of a message can become an empty array of about 40 bytes in
 * memory (measured on Bun and Deno): this limit keeps 16 MiB of hostile bytes from becoming more than a few times that.
 */
export const payloadContainersMax = 1_000_000

/** A block of memory into which values are encoded side by side. 64 KiB: some hundred records of 100 B. Chosen, not measured. */
export const encodeBlockBytes = 65_536

/** One blob in a content store. 64 MiB holds every module and layer of a small model. Chosen, not measured. */
export const contentBytesMax = 64 * 1024 * 1024

/** Damaged copies that a content store keeps for a look at them. Chosen, not measured. */
export const quarantinedFilesMax = 64

/**
 * Accounts that a meter in memory tells apart. About 200 bytes each with two resources, so 2 MB; more than the actors and
 * peers that one node bills in a day. Chosen, not measured.
 */
export const meterAccountsMax = 10_000

/** Length of the call chain of asks that an envelope carries; a longer chain is a design fault. */
export const callChainMax = 64

/**
 * One answer of a node to `NodeClient`, as JSON text. The largest is a blob of `contentBytesMax` in base64 (4/3 of its
 * bytes), with 1 MiB for what surrounds it.
 */
export const nodeAnswerBytesMax = Math.ceil((contentBytesMax * 4) / 3) + 1024 * 1024

/** Names that are offered instead of one that does not exist. Three fit a line and leave a choice. */
export const nearestMax = 3

/** One message of a transport: an envelope with room for what the mesh puts around it. */
export const frameBytesMax = envelopeBytesMax + 64 * 1024

/** How long a dial may take. Hole punching between two NATs takes up to about 10 s (HyperDHT's own timeouts). */
export const dialTimeoutMs = 15_000

/** How long the answer to a contact may take: two tries over a round trip around the earth. Chosen, not measured. */
export const contactTimeoutMs = 2_000

/** Peers that a node remembers, strangers without a grant included: they are forgotten first. Chosen, not measured. */
export const peersMax = 1_000

/** A message travels in pieces, so that one of 16 MiB needs no credit of 16 MiB. Chosen, not measured. */
export const pieceBytesMax = 64 * 1024

/**
 * Bytes that one side of a connection may have on their way to a reader who has not taken them. 1 MiB moves 20 MB/s at a
 * round trip of 50 ms, and is what a connection whose reader waits costs in memory.
 */
export const connectionCreditBytes = 1024 * 1024

/**
 * Bytes that wait in a connection for credit. Room for two of the largest messages; a sender who does not wait for
 * `drain`, or a peer that never reads, loses the connection beyond it.
 */
export const connectionQueueBytesMax = 2 * (envelopeBytesMax + 64 * 1024)

/** Connections of one transport: Hyperswarm's own default. */
export const connectionsMax = 64

/** How long a connection that was closed may take to send what it had taken. Chosen, not measured. */
export const closeTimeoutMs = 5_000

/** Pause before a kept peer is dialled again after it was lost; doubles up to the second number. Chosen, not measured. */
export const redialPauseMsMin = 100
export const redialPauseMsMax = 30_000

/** Leases of one authority: each has a record and about 300 B of memory. Chosen, not measured. */
export const leasesMax = 10_000

/** Milliseconds of a lease, at least and at most: it is renewed three times in it, and a takeover has to wait that long. */
export const leaseTtlMsMin = 100
export const leaseTtlMsMax = 60_000

/** Milliseconds of a lease, unless its holder says otherwise: a takeover after a crash waits so long. Chosen, not measured. */
export const leaseTtlMs = 10_000

/** Share of a lease that its holder leaves unused: clocks may run that much faster or slower. Crystals differ by 0.01 %. */
export const leaseMargin = 0.1

/** Share of a lease after which its holder renews it: two renewals may fail before it is lost. */
export const leaseRenewAfter = 0.3
