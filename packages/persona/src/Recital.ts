/**
 * A text that is known as a whole, as an answer: cut where the request wants it to end, counted as the model would count it, and
 * streamed by paragraphs.
 */
import { type Backend, type Turn, Usage } from "@continuum/genome/backend/Backend"
import { Clock, Effect, Stream } from "effect"
import * as Cut from "./Cut.ts"
import type { Perception, Piece } from "./Worker.ts"

/** `text` is put together at the first pull. */
export const of = (
  backend: Backend["Service"],
  { history, prompt, stop, tokensMax }: Perception,
  text: Effect.Effect<string>
): Stream.Stream<Piece> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const startedMs = yield* Clock.currentTimeMillis
      const tokensOf = (turns: ReadonlyArray<Turn>) => backend.countTokens(turns)
      const empty = yield* tokensOf([{ role: "assistant", content: "" }])
      const count = (content: string) =>
        Effect.map(tokensOf([{ role: "assistant", content }]), (tokens) => tokens - empty)
      const cut = yield* Cut.cut(yield* text, stop, tokensMax, count)
      const promptTokens = yield* tokensOf([...history, { role: "user", content: prompt }])
      const ms = (yield* Clock.currentTimeMillis) - startedMs
      const usage: Usage = { promptTokens, cachedTokens: 0, completionTokens: cut.tokens, ttftMs: ms, ms }
      const pieces: ReadonlyArray<Piece> = [
        ...paragraphs(cut.text).map((text) => ({ _tag: "Text" as const, text })),
        { _tag: "End", reason: cut.reason, usage }
      ]
      return Stream.fromIterable(pieces)
    })
  )

/** Pieces that put together are the text. */
const paragraphs = (text: string): ReadonlyArray<string> => text.match(/[\s\S]+?(?:\n\n|$)/g) ?? []
