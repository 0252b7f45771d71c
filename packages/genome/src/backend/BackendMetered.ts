/**
 * A backend that counts its tokens, by the layers that were active, and keeps the times to the first texts.
 *
 * Of an answer that failed or was left, what was told of it is counted. The accounts are the addresses of layers, so how
 * many there can be is for the meter to limit.
 */
import * as Address from "@continuum/core/Address"
import type { Meter } from "@continuum/core/Meter"
import { Clock, Effect, Stream } from "effect"
import { Backend, type GenerateRequest } from "./Backend.ts"
import type { ReadonlyHistogram } from "./Histogram.ts"
import * as Histogram from "./Histogram.ts"

/** Who used the tokens of an answer by the bare model, and by several layers at once. No address looks like them. */
export const bareAccount = "*bare*"
export const severalAccount = "*several*"

/** Seconds from a request to its first text: a tiny model answers in milliseconds, one that must load first in seconds. */
export const firstTextSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const

export interface Metered {
  readonly backend: Backend["Service"]
  /** In seconds. */
  readonly firstText: ReadonlyHistogram
}

/** The account of a request. */
export const accountOf = (layers: GenerateRequest["layers"] = []): string =>
  layers.length === 0
    ? bareAccount
    : layers.length === 1
      ? Address.format(Address.make("layer", layers[0]!.contentId))
      : severalAccount

/** The same backend, and what it measures. */
export const make = (backend: Backend["Service"], meter: Meter["Service"]): Metered => {
  const firstText = Histogram.make(firstTextSeconds)
  const count = (account: string, promptTokens: number, completionTokens: number) =>
    Effect.andThen(
      meter.add(account, "promptTokens", promptTokens),
      meter.add(account, "completionTokens", completionTokens)
    )

  const generate = (request: GenerateRequest, startNanos: bigint) => {
    const account = accountOf(request.layers)
    let told = ""
    let ended = false
    return backend.generate(request).pipe(
      Stream.tap((chunk) => {
        if (chunk._tag === "End") {
          ended = true
          return count(account, chunk.usage.promptTokens, chunk.usage.completionTokens)
        }
        const isFirst = told === ""
        told += chunk.text
        if (!isFirst) return Effect.void
        return Effect.map(Clock.currentTimeNanos, (nanos) => firstText.add(Number(nanos - startNanos) / 1e9))
      }),
      Stream.ensuring(
        Effect.suspend(() => {
          if (ended || told === "") return Effect.void
          const tokensOf = (content: string) => backend.countTokens([{ role: "assistant", content }])
          return Effect.flatMap(
            Effect.all([backend.countTokens(request.turns), tokensOf(told), tokensOf("")]),
            ([prompt, answer, empty]) => count(account, prompt, answer - empty)
          )
        })
      )
    )
  }
  const metered = Backend.of({
    ...backend,
    generate: (request) =>
      Stream.unwrap(Effect.map(Clock.currentTimeNanos, (startNanos) => generate(request, startNanos)))
  })
  return { backend: metered, firstText }
}
