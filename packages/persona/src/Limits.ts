/**
 * The limits of `persona`. Each has its unit in its name, and the reason for its number.
 */

/** One prompt, in bytes of UTF-8. A long question of a person has some hundred; a pasted page has 4 KiB. Chosen, not measured. */
export const promptBytesMax = 4096

/** Turns that a caller may send along with a prompt: what one request to a backend may have. */
export { turnsMax as historyTurnsMax } from "@continuum/genome/Limits"

/** Name of a conversation, in characters. A UUID has 36. Chosen, not measured. */
export const conversationIdLengthMax = 128

/** Conversations that a persona remembers; the one unused for longest falls out. Chosen, not measured. */
export const conversationsMax = 64

/** Turns of a conversation that are remembered, questions and answers; the oldest pair falls out. Chosen, not measured. */
export const conversationTurnsMax = 64

/**
 * Text of a conversation that is remembered, in bytes of UTF-8; the oldest pair falls out. With `conversationsMax` it
 * makes a state of at most 1 MiB, which is stored whole after every turn.
 */
export const conversationBytesMax = 16 * 1024

/** Turns of one persona that are being answered at the same time. The backend's own queue is the next limit. Chosen, not measured. */
export const openTurnsMax = 64

/** Milliseconds after which a turn that was never committed no longer keeps its conversation. Ten minutes: longer than any answer. */
export const turnMsMax = 600_000

/** Milliseconds that a persona of another node may take for each next piece of its answer: it may have to load a layer first. Chosen, not measured. */
export const answerTimeoutMs = 300_000

/** Milliseconds that a peer may take to say which personas it has, before a listing of all goes without it. Chosen, not measured. */
export const peerListTimeoutMs = 2_000

/** Milliseconds for which the personas of all peers are remembered. Chosen, not measured. */
export const peerListMs = 5_000

/** Layers that a persona can wear: what a backend composes at once. */
export { activeLayersMax } from "@continuum/genome/Limits"

/** One page of a library, in bytes. The longest page of this project has 60 KB. Chosen, not measured. */
export const pageBytesMax = 512 * 1024

/** Pages of a library. This project has 20. Chosen, not measured. */
export const pagesMax = 1_000

/** Passages of a library. A search looks at those that share a word with the question: 20,000 take some milliseconds. Chosen, not measured. */
export const passagesMax = 20_000

/** Passages that are put into an index before all else has its turn: some milliseconds at a cold start. Chosen, not measured. */
export const passagesAtOnceMax = 32

/** Characters of a passage: what a person reads at a glance, and a little more than a paragraph. Chosen, not measured. */
export const passageCharactersMax = 700

/**
 * Words of a question that are taken for a slip and compared with those of the pages; further ones stay as they are. One
 * takes up to 0.6 ms with the 1,600 words of this project, in which nothing else of the node runs.
 */
export const mendedTermsMax = 8

/** Words of a question that count; further ones are ignored. Chosen, not measured. */
export const queryTermsMax = 64
