/**
 * Port: a model that answers. A request is a conversation, the layers that are active for it, and how to choose tokens;
 * the answer is a stream of text that ends with the reason and the usage.
 *
 * Guarantees, whatever the implementation: the event loop is never blocked; interrupting the stream stops the work; two
 * requests never see each other's text; what cannot be answered is a typed error before the first text, or in the middle
 * when the engine dies there; nothing waits for ever. It does not remember conversations: every request carries its own.
 */
import { ContentId } from "@continuum/core/ContentId"
import { Context, Effect, Schema, Stream } from "effect"
import type { Layer } from "../Layer.ts"
import * as Limits from "../Limits.ts"
import type { BackendError } from "./BackendError.ts"

/** One turn of a conversation. A `system` turn sets the scene: for a tiny model, the text that it shall answer from. */
export const Turn = Schema.Struct({
  role: Schema.Literals(["system", "user", "assistant"]),
  content: Schema.String
})
export type Turn = typeof Turn.Type

/** A layer that is active for a request, and how much of it: 1 is as it was trained, 0 is not at all. */
export const ActiveLayer = Schema.Struct({
  contentId: ContentId,
  weight: Schema.optionalKey(Schema.Finite.check(Schema.isBetween({ minimum: -8, maximum: 8 })))
})
export type ActiveLayer = typeof ActiveLayer.Type

/** How the next token is chosen. Everything left out: the most likely one, always. */
export const Sampling = Schema.Struct({
  /** 0 (default): the most likely token, whatever the other settings are. 1: as the model has it. */
  temperature: Schema.optionalKey(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 2 }))),
  /** Only the k most likely tokens. Default: all. */
  topK: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 }))),
  /** Only the most likely tokens that together have this probability. Default 1: all. */
  topP: Schema.optionalKey(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))),
  /** Divides the positive and multiplies the negative logits of tokens that were there (Keskar and others, CTRL, 2019). Default 1. */
  repetitionPenalty: Schema.optionalKey(Schema.Finite.check(Schema.isBetween({ minimum: 0.1, maximum: 10 }))),
  /** The same seed, model, layers and request give the same text. Default 0. */
  seed: Schema.optionalKey(Schema.Int)
})
export type Sampling = typeof Sampling.Type

export const GenerateRequest = Schema.Struct({
  /** Oldest first, at least one; the model answers as `assistant`. */
  turns: Schema.Array(Turn).check(Schema.isMinLength(1), Schema.isMaxLength(Limits.turnsMax)),
  /** In order; none is the bare base model. */
  layers: Schema.optionalKey(Schema.Array(ActiveLayer).check(Schema.isMaxLength(Limits.activeLayersMax))),
  sampling: Schema.optionalKey(Sampling),
  /** The answer ends where one of these texts would begin; the text itself is not part of it. */
  stop: Schema.optionalKey(
    Schema.Array(Schema.NonEmptyString.check(Schema.isMaxLength(Limits.stopTextLengthMax))).check(
      Schema.isMaxLength(Limits.stopTextsMax)
    )
  ),
  /** At most this many tokens of answer. Default: what the context has room for. */
  tokensMax: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThan(0))),
  /** 0 to 255, higher first. Default 128. It grows by 1 for each second of waiting. */
  priority: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 })))
})
export type GenerateRequest = typeof GenerateRequest.Type

export const Usage = Schema.Struct({
  promptTokens: Schema.Int,
  /** Those of the prompt that were still in the KV cache from an earlier request with the same layers. */
  cachedTokens: Schema.Int,
  completionTokens: Schema.Int,
  /** Milliseconds from the request to the first token; of the whole answer when it has none. */
  ttftMs: Schema.Number,
  /** Milliseconds from the request to the end. */
  ms: Schema.Number
})
export type Usage = typeof Usage.Type

/** A piece of the answer: whole characters, never empty. */
export const Text = Schema.TaggedStruct("Text", { text: Schema.String })
/** The last chunk. `stop`: the model or a stop text ended it. `length`: `tokensMax` or the context did. */
export const End = Schema.TaggedStruct("End", { reason: Schema.Literals(["stop", "length"]), usage: Usage })
export const Chunk = Schema.Union([Text, End])
export type Chunk = typeof Chunk.Type

/** What a backend is and can. */
export const Capabilities = Schema.Struct({
  /** Such as `embedded`. */
  backend: Schema.String,
  /** Name of the base model, as in the layers that fit it. */
  base: Schema.String,
  /** Tokens of prompt and answer together. */
  contextTokens: Schema.Int,
  /** Whether layers can be named in a request, and several of them be active at once. */
  layers: Schema.Literals(["none", "one", "many"]),
  /** Requests that are computed at the same time; more wait. */
  concurrency: Schema.Int,
  /** Whether `seed` makes an answer repeatable. */
  seeded: Schema.Boolean
})
export type Capabilities = typeof Capabilities.Type

export class Backend extends Context.Service<
  Backend,
  {
    readonly capabilities: Effect.Effect<Capabilities>
    /**
     * The answer, piece by piece; always ends with one `End`, or with an error. The work begins with the first pull and
     * ends when the stream is interrupted.
     */
    readonly generate: (request: GenerateRequest) => Stream.Stream<Chunk, BackendError>
    /** How many tokens the turns take as a prompt. */
    readonly countTokens: (turns: ReadonlyArray<Turn>) => Effect.Effect<number>
    /** Makes a layer known and ready, so that its first request need not wait. Loading again is harmless. */
    readonly load: (layer: Layer) => Effect.Effect<ContentId, BackendError>
    /** Frees the layer's tensors. Answers that use it go on; later requests load it again from where layers are kept. */
    readonly unload: (contentId: ContentId) => Effect.Effect<void, BackendError>
    /** Layers whose tensors are ready. */
    readonly loaded: Effect.Effect<ReadonlyArray<ContentId>>
  }
>()("@continuum/genome/Backend") {}

/** A whole answer. */
export interface Answer {
  readonly text: string
  readonly reason: "stop" | "length"
  readonly usage: Usage
}

/** Waits for the end of an answer. */
export const collect = <Error, Services>(
  answer: Stream.Stream<Chunk, Error, Services>
): Effect.Effect<Answer, Error, Services> =>
  Stream.runFold(
    answer,
    (): { readonly text: string; readonly end: typeof End.Type | undefined } => ({ text: "", end: undefined }),
    (sofar, chunk) =>
      chunk._tag === "Text" ? { text: sofar.text + chunk.text, end: sofar.end } : { text: sofar.text, end: chunk }
  ).pipe(
    Effect.flatMap(({ text, end }) =>
      end === undefined
        ? Effect.die(new Error("The backend ended an answer without saying why"))
        : Effect.succeed({ text, reason: end.reason, usage: end.usage })
    )
  )
