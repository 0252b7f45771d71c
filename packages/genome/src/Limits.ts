/**
 * The limits of `genome`. Each has its unit in its name, and the reason for its number.
 */
import { contentBytesMax } from "@continuum/core/Limits"

/**
 * Header of a safetensors file. An entry takes about 100 bytes, so 16 MiB name more than 100,000 tensors; the reference
 * reads up to 100 MB, which is a second of JSON parsing for whoever sends it.
 */
export const safetensorsHeaderBytesMax = 16 * 1024 * 1024

/** Dimensions of a tensor. Real ones have up to 5. Chosen, not measured. */
export const tensorDimensionsMax = 16

/** A layer as bytes: what a content store keeps, since a layer travels and rests as one blob. */
export const layerBytesMax = contentBytesMax

/** Modules of the base model that one layer changes: 7 in each of 512 blocks, rounded up. Chosen, not measured. */
export const layerTargetsMax = 4096

/** Rank of a LoRA pair. Papers use 1 to 256; above, a full update of a weight is smaller. Chosen, not measured. */
export const layerRankMax = 1024

/** Name of a module or of a base model. 255 bytes, as for a name in an address. */
export const layerNameBytesMax = 255

/** Layers that one layer was made from. Breeding has two, a merge a handful. Chosen, not measured. */
export const layerParentsMax = 16

/** Text of an adapter_config.json. Real ones have 1 kB; one with a pattern for each of 4096 modules has 500 kB. */
export const peftConfigBytesMax = 1024 * 1024

/** Turns of one conversation in a request. The context of the model ends far before. Chosen, not measured. */
export const turnsMax = 1024

/** Layers that are active together. Their ranks add up, and so does the time of a token. Chosen, not measured. */
export const activeLayersMax = 8

/** Texts at which an answer ends. OpenAI's API takes 4, Ollama a handful. Chosen, not measured. */
export const stopTextsMax = 16

/** Characters of such a text; what could begin one is held back from the stream. Chosen, not measured. */
export const stopTextLengthMax = 64

/** Sizes of a model that this engine builds a graph for: those of a 70 B model, rounded up. More is a damaged file. */
export const modelWidthMax = 32_768
export const modelBlocksMax = 256
export const modelVocabularyMax = 262_144
export const modelContextTokensMax = 131_072

/**
 * One message between the node and an engine process: the weights of a model that is trained, as it is begun or saved.
 * A model in training is tiny. Chosen, not measured.
 */
export const engineMessageBytesMax = 256 * 1024 * 1024

/** A file with the state of a training: parameters and two moments of each, in one message of a trainer. */
export const checkpointBytesMax = 256 * 1024 * 1024

/** Steps of one training. The tiny model takes hundreds, a large one a million; the streams of a seed are 2^32. */
export const trainingStepsMax = 2 ** 31

/** What an engine process said last on standard error, kept for the reason of its end. A stack trace has 2 kB. */
export const engineWordsBytesMax = 4096

/**
 * Rows that are computed together. A token for 32 rows takes a few times as long as for one (bench/genome); beyond, the
 * weights of a tiny model are no longer what the time goes into. Chosen, not measured.
 */
export const batchRowsMax = 32

/** Tokens of a prompt that are computed in one run, between two tokens of the answers that go on. Chosen, not measured. */
export const prefillTokensMax = 128

/** Requests in an engine, computed or waiting; one more gets `BackendBusy`. Chosen, not measured. */
export const engineRequestsMax = 256

/** Keys and values of past prompts that are kept for the next turn: 100 whole contexts of the tiny model. */
export const kvCacheBytesMax = 64 * 1024 * 1024

/** Entries of it; a look-up compares with each. Chosen, not measured. */
export const kvCacheEntriesMax = 256

/** Compositions whose tensors an engine keeps ready. One of the tiny model has about 250 kB. Chosen, not measured. */
export const compositionsMax = 128

/** How long an engine may take to open its model: that of a large one is read, hashed and made a session. Chosen, not measured. */
export const engineStartMsMax = 60_000

/**
 * How long an engine with work may say nothing before it is ended and replaced. A run takes milliseconds; on a machine
 * with ten times more to do than it can, still far below this. Chosen, not measured.
 */
export const engineSilenceMsMax = 30_000

/** Times a request is started again in a new engine, when the old one died before the first text. */
export const engineRetriesMax = 1

/** Layers whose tensors an engine holds; the least recently used goes first. 64 of the tiny model are 16 MB. Chosen, not measured. */
export const engineLayersMax = 64

/** Layers whose tokens are counted one by one; those of further ones are counted together. Each is a line of `/metrics`. Chosen, not measured. */
export const meteredLayersMax = 64

/** Milliseconds for which uses of layers are collected before they are written: an answer takes a few. Chosen, not measured. */
export const usesKeptMs = 1_000

/** Layers in a store; a listing reads the card of each. Chosen, not measured. */
export const storedLayersMax = 10_000

/** Bytes of decoded layers that are kept in memory (warm). 64 MiB: 280 layers of the tiny model. */
export const warmLayersBytesMax = 64 * 1024 * 1024

/** Layers that are read and decoded at the same time: it is disk and hashing, of which two cores do two. */
export const layerLoadsMax = 2

/**
 * Runs of the model for which a row keeps the priority that it got its turn with: about 20 ms of the tiny model, the same
 * as a window for bids. Chosen, not measured.
 */
export const turnRunsMax = 16
