/**
 * The limits of `actors`: everything that grows has one. Each has its unit in its name, and the reason for its number.
 */

/** Messages that may wait in one mailbox, unless its definition says otherwise. 10,000 of 100 B are 1 MB. Chosen, not measured. */
export const mailboxCapacity = 10_000

/** The largest capacity that a definition may ask for: a ring of this many references is 8 MiB. */
export const mailboxCapacityMax = 1_048_576

/** Messages in the first chunk of a mailbox: 4 are 120 B, so that thousands of new actors with two or three messages stay small. */
export const mailboxFirstChunkMessages = 4

/** Messages in each further chunk of a mailbox: 32 are 800 B. */
export const mailboxChunkMessages = 32

/** Empty chunks of each size kept for the next mailbox that needs one: 1,024 are 0.9 MB. Chosen, not measured. */
export const mailboxChunksPooled = 1_024

/** Asks answered at once, one inside the other, before the next one has to take its turn: bounds the depth of the stack. */
export const directDepthMax = 8

/** Active actors in one system: the target of docs/ARCHITECTURE.md. For the next one idle actors leave memory; if none may, it is
 * refused with `ActorStopped`. */
export const activeActorsMax = 1_000_000

/** Milliseconds that a durable actor is idle before it leaves memory, unless its definition says otherwise. Chosen, not measured. */
export const passivateAfterMs = 600_000

/** Actors that a sweep looks at before others get the thread: about 0.1 ms. */
export const passivationSliceActors = 4_096

/** Share of all active actors that leave at once when there is no room: the look at all of them is made once for so many. */
export const passivationShare = 1 / 64

/** After a look in vain, a millisecond without another for so many actors: looks take a tenth of the time at most. */
export const passivationLooksPerMs = 4_000

/** Events that a timeline of one actor keeps, where a system has timelines and does not say otherwise: some screens. Chosen. */
export const timelineEvents = 32

/** Events that a system may ask for in each timeline: of 100 B or so. Chosen, not measured. */
export const timelineEventsMax = 1_000

/** Timelines of one system; beyond it the oldest is forgotten. At 32 events each about 30 MB. Chosen, not measured. */
export const timelinesMax = 10_000

/** Characters of the detail of an event of a timeline. Chosen, not measured. */
export const timelineDetailCharactersMax = 200

/** Messages below one another in a trace; the next one is outside of it. Chosen, not measured. */
export const spanDepthMax = 64

/** Timers of one actor: each is 200 B or so. Chosen, not measured. */
export const timersMax = 1_000

/** Milliseconds of the longest sleep: hosts count them in 31 bits, and a day is enough to be woken after. */
export const alarmSleepMsMax = 86_400_000

/** Reminders of one actor. Chosen, not measured. */
export const remindersMax = 1_000

/** Reminders of one system: all are in memory, of 1 kB at most. Chosen, not measured. */
export const remindersOfSystemMax = 100_000

/** One stored reminder, encoded, its payload included: a note of what to do, and no place for data. Chosen, not measured. */
export const reminderBytesMax = 1_024

/** Characters of a reminder's key. Chosen, not measured. */
export const reminderKeyCharactersMax = 100

/** Milliseconds between two reminders of one key at least: each is a transaction. Chosen, not measured. */
export const reminderEveryMsMin = 1_000

/** Milliseconds until the clock is looked at for reminders: the most that one is late after the clock jumped ahead. */
export const reminderSleepMsMax = 60_000

/** Milliseconds before a reminder is tried again that found a mailbox full or no room in memory. Chosen, not measured. */
export const reminderRetryMs = 1_000

/** Crashes of one reminder's handler before it is given up: it must not stop its actor for good. Chosen, not measured. */
export const reminderCrashesMax = 3

/** Reminders that go off, or are read, before others get the thread. Chosen, not measured. */
export const remindersAtOnce = 256

/** Senders that wait for room in one mailbox, when its definition lets them. As many as messages by default. Chosen, not measured. */
export const sendersWaitingMax = 10_000

/** Reentrant messages of one actor that are handled at a time: each has a fiber. Chosen, not measured. */
export const reentrantMax = 1_000

/** Subscribers of one topic: each is called at each event. Chosen, not measured. */
export const subscribersMax = 10_000

/** Topics that one actor subscribes to. Chosen, not measured. */
export const subscriptionsMax = 1_000

/** Events that wait in the stream of one subscriber, unless it says otherwise; the oldest is lost first. Chosen, not measured. */
export const topicBufferEvents = 256

/** Workers of one pool: the choice of the smallest mailbox looks at each. Chosen, not measured. */
export const poolSizeMax = 1_000

/** Milliseconds that an ask waits for its reply, unless the ref says otherwise. 30 s: what HTTP proxies commonly allow. */
export const askTimeoutMs = 30_000

/** Values of a streamed reply that are computed ahead of an asker who does not read. 16 tokens or events. Chosen, not measured. */
export const replyBufferElements = 16

/** Streamed replies of one actor that flow at a time, each a fiber of some 2 kB; the next asker gets `StreamsFull`. Chosen, not measured. */
export const replyStreamsMax = 1_000

/** Answers delivered one inside the other. Some 500 overflowed the stack of Node 20; each costs about 15 frames. */
export const answersNestedMax = 32

/** Messages that an actor handles in one turn. 16 amortise the turn and stay short. Chosen, not measured. */
export const turnMessages = 16

/** Operations of Effects that an actor's handlers run in one turn: what Effect's own scheduler allows a fiber. */
export const turnOperations = 2_048

/** Messages whose answers waited for the storage, and that are used again: some 200 B each. Chosen, not measured. */
export const messagesSpareMax = 1_024

/** Operations that count as one message, so that a turn of one costs as much as a turn of the other. */
export const operationsPerMessage = turnOperations / turnMessages

/** WebAssembly instructions that count as one message: about as long as 128 operations of an Effect. Chosen, not measured. */
export const fuelPerMessage = 2_000

/** Turns of the run queue that a recording keeps; the oldest make room. Some 100 B each. Chosen, not measured. */
export const recordedTurnsKept = 10_000

/** Milliseconds that one recording may last. Chosen, not measured. */
export const recordMsMax = 60_000

/** Actors that wait for a turn and are named to whoever asks; the best first. Chosen, not measured. */
export const readyActorsShown = 1_000

/** Milliseconds in which bids for a turn are collected, unless all invited have answered before. The project's own number. */
export const bidWindowMs = 20

/** Bids for one turn, and personas invited to it. Chosen, not measured. */
export const bidsMax = 256

/** Turns that are bid for, waited for or held at once: of 1 kB or so each. Chosen, not measured. */
export const openTurnsMax = 10_000

/** Turns of the past whose late bidders still hear that it was answered; beyond it the oldest is forgotten. Chosen, not measured. */
export const answeredTurnsKept = 10_000

/** Processes whose measured latency and cost are kept; beyond it the one that was idle longest is forgotten. Chosen, not measured. */
export const processesKept = 10_000

/** Milliseconds of a turn before it is taken away: a long answer of a slow model. Chosen, not measured. */
export const turnMsMax = 300_000

/** Decisions and turns that a trace keeps; beyond it the oldest is forgotten. At 10 bids each about 2 MB. Chosen, not measured. */
export const traceEntriesKept = 2_000

/** Share of the newest turn in the moving averages of latency and cost. Chosen, not measured. */
export const averageWeight = 0.2

/** Messages between two looks at the clock. A look costs about 25 ns, so this adds 2 ns a message. */
export const clockEveryMessages = 16

/** Messages handled before timers and I/O of the host get their turn, however short they are. Chosen, not measured. */
export const hostTurnMessages = 4_096

/** Milliseconds of handling before timers and I/O of the host get their turn: half a frame of 60 Hz. */
export const hostTurnMs = 8

/** Children of one actor; more are spawned in groups, each under a supervisor of its own. Chosen, not measured. */
export const childrenMax = 10_000

/** Links of one actor: its failure makes all of them fail. Chosen, not measured. */
export const linksMax = 1_000

/** Actors and Effects that watch one address. Chosen, not measured. */
export const watchersMax = 10_000

/** Addresses that one actor watches. Chosen, not measured. */
export const watchedMax = 10_000

/** Failures that a supervisor keeps of each actor, newest first. */
export const failuresKept = 10

/** Characters of a failure's cause that are kept: a stack of some 20 lines. */
export const causeCharactersMax = 2_000

/** Dead letters kept; an older one makes room for a newer one. They hold no payload: about 200 B each. */
export const deadLettersMax = 1_000

/** Names of waiting messages that an inspection shows. */
export const inspectWaitingMax = 100

/** Bytes (estimated) of a state that an inspection shows before it cuts off: one screen of a terminal. */
export const inspectStateBytesMax = 16_384

/** Actors that one listing shows. Active ones come first. Chosen, not measured. */
export const listMax = 10_000

/** Addresses compared in the search for the nearest: a thousand take about 3 ms. */
export const nearestComparedMax = 1_000

/** Milliseconds that handlers in progress get at a stop before they are interrupted. Half of the node's 10 s. */
export const stopTimeoutMs = 5_000

/** One stored state, encoded. 16 MiB: what an envelope may carry, so that any state can also travel. */
export const stateBytesMax = 16 * 1024 * 1024

/** A block of memory for records on their way to the disk. 64 KiB: some hundred records of 100 B. Chosen, not measured. */
export const recordBlockBytes = 65_536
/** Highest version of a stored state or event: 16 bits are more than anyone migrates. */
export const versionMax = 65_535

/** One stored event, encoded. 1 MiB: events are small, and a thousand of them are in memory at a replay. Chosen, not measured. */
export const eventBytesMax = 1024 * 1024

/** Events of one message: more of them are better one that says the same. Chosen, not measured. */
export const eventsPerMessageMax = 1_000

/** Events of one actor that wait for the storage; beyond it a message gets `StateNotStored`. As many as messages by default. */
export const eventsWaitingMax = 10_000

/** Events between two snapshots, unless a definition says otherwise: replayed in some milliseconds. Chosen, not measured. */
export const snapshotEvery = 100

/** The most events between two snapshots: all of them are replayed when the actor comes back. Chosen, not measured. */
export const snapshotEveryMax = 10_000

/** Events replayed at most, where the snapshot is lost and all events are kept: seconds. Beyond it the actor stays stopped. */
export const eventsReplayedMax = 1_000_000

/**
 * Records of a lent actor that its host sends in one commit, and bytes of them: half of an envelope. A message whose events are more gets
 * `StateNotStored`. Chosen, not measured.
 */
export const recordsSentMax = 4_096
export const recordsSentBytesMax = 8 * 1024 * 1024

/** Events read, removed or set aside at once. Chosen, not measured. */
export const journalPageEvents = 256

/** The database file of stored states, unless its options say otherwise. 64 GiB: it must not fill a disk unseen. Chosen, not measured. */
export const storageBytesMax = 64 * 1024 ** 3

/** Milliseconds that one step of a migration may take: a state of 16 MiB at 4 MB/s. Chosen, not measured. */
export const migrationStepMs = 5_000

/** Milliseconds before a host asks a home again that did not answer: some tries within a lease. Chosen, not measured. */
export const homeRetryMs = 100

/** Milliseconds between two looks at an actor that is lent. */
export const lentLookEveryMs = 1_000

/** Actors of other nodes that run here: each has a fiber and about 4 kB. Chosen, not measured. */
export const guestsMax = 10_000

/** Leases in one renewal: about 100 kB. Chosen, not measured. */
export const renewedAtOnceMax = 500

/** Milliseconds between two backups of a storage that changes: the most that a damaged page can cost. Chosen, not measured. */
export const backupEveryMs = 600_000

/** Database file up to which a clean stop makes a backup: copying and checking 64 MiB takes about a second of the node's 10. */
export const backupOnStopBytesMax = 64 * 1024 * 1024

/** Backups that one folder keeps; beyond it the oldest is deleted. */
export const backupsKept = 10

/** Databases that restored backups replaced; beyond it the oldest is deleted. */
export const replacedFilesKept = 3

/** Records set aside that are kept; beyond it the oldest is forgotten. */
export const quarantineKept = 1_000

/** Damaged database files that are kept beside the database; beyond it the oldest is deleted. */
export const damagedFilesKept = 3

/** Addresses that the report of a loss names; of the others it says how many they are. */
export const lossesNamed = 20

/** Milliseconds that the check of a database may take: a minute, and a second more for every 32 MiB. Chosen, not measured. */
export const checkMsMin = 60_000
export const checkBytesPerSecond = 32 * 1024 * 1024

/** Bytes that must stay free when a database is written anew: its lock file and the note of a clean stop. Chosen, not measured. */
export const renewBytesSpare = 1024 * 1024

/** Steps of one simulated run, before it is taken to run for ever: a hundred times what our own take. */
export const simulationStepsMax = 1_000_000

/** Values of a simulated stream that are sent before one is read: few, so that readers hold speakers back. Chosen, not measured. */
export const simulationStreamCredit = 4

/** Notes of a simulated run that are kept, the last ones: a few screens. */
export const simulationNotesKept = 200

/** One message of a durable mailbox, encoded. 1 MiB, as an event: what is larger is better stored elsewhere. Chosen, not measured. */
export const letterBytesMax = 1024 * 1024

/** Bytes of all stored messages of one system that wait, which are in memory too; beyond it senders get `MailboxFull`. Chosen, not measured. */
export const lettersBytesMax = 256 * 1024 * 1024

/** Messages that one handler sends to durable mailboxes: they are of one transaction. Chosen, not measured. */
export const lettersPerMessageMax = 1_000

/** Messages to durable mailboxes of other nodes that wait in one system, which are in memory too; beyond it `OutboxFull`. Chosen, not measured. */
export const outgoingMax = 10_000

/** Milliseconds before a message to another node is sent again: the first time, and at most. Chosen, not measured. */
export const outgoingRetryMsMin = 100
export const outgoingRetryMsMax = 10_000

/** Milliseconds that a node may take to store a message before it is sent again. Chosen, not measured. */
export const outgoingAnswerMs = 10_000

/** Milliseconds after which a message that no node took is given up, and a dead letter: a week of a machine that is switched off. */
export const outgoingMsMax = 7 * 86_400_000

/** How often a stored message is handled again that a restart cut short or whose effect cannot be stored; then it is a dead letter. */
export const letterAttemptsMax = 5

/** Milliseconds before a stored message looks again for an actor that could not be activated, or for a storage that failed. */
export const letterRetryMs = 1_000

/**
 * Messages of one stream of which an actor remembers that it took them, with their replies. A sender has one to an actor under way, or
 * as many asks as it waits for: a thousand are more than a deadline leaves time for. Chosen, not measured.
 */
export const dedupeWindow = 1_000

/** Streams that an actor with a durable mailbox remembers: each is a node that sends to it, or a client. Chosen, not measured. */
export const streamsRemembered = 64

/** Characters of the name of a stream: a UUID and more. It is part of a key, which LMDB limits to 1,978 bytes. */
export const streamCharactersMax = 128

/** A reply that is kept for a duplicate, encoded; the duplicate of a message with a larger one gets `TooOld`. Chosen, not measured. */
export const replyKeptBytesMax = 65_536

/** Actors whose streams are in memory. A stream with a full window is about 40 kB. Chosen, not measured. */
export const dedupeActorsCached = 256
