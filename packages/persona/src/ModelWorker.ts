/**
 * Answers by the model: an exercise with the layer that has learned it, or whatever a caller asks for with layers that he
 * names. It is honest about a tiny model: its bid for an exercise is how often the layer was right when it was measured,
 * and for a question in words so low that it does not babble where a page could be quoted.
 */
import type { Backend, GenerateRequest, Turn } from "@continuum/genome/backend/Backend"
import { Effect } from "effect"
import type { Offer, Perception, Worker } from "./Worker.ts"

/** For a prompt that is no exercise: retrieval says better that no page knows. */
const confidenceOtherwise = 0
/** For an exercise whose layer was never measured. */
const confidenceUnmeasured = 0.5
/** Tokens of the context that what was said before leaves to the answer. Chosen, not measured. */
const answerTokensMin = 64

export const make = (backend: Backend["Service"]): Worker => ({
  name: "model",
  offer: (perception) => offer(backend, perception)
})

const offer = Effect.fnUntraced(function* (backend: Backend["Service"], perception: Perception) {
  const { exercise: found, layers, persona, sampling, stop, tokensMax } = perception
  const worn = perception.insists ? layers : layers.filter(({ name }) => name === found?.exercise.layer)
  const turns: ReadonlyArray<Turn> =
    found === undefined
      ? yield* whatFits(backend, perception)
      : // It has learned single exercises: what was said before would only confuse it.
        [{ role: "user", content: found.prompt }]
  const request: GenerateRequest = {
    turns,
    layers: worn.map(({ contentId }) => ({ contentId })),
    priority: persona.priority,
    ...(sampling === undefined ? {} : { sampling }),
    ...(stop.length === 0 ? {} : { stop }),
    ...(tokensMax === undefined ? {} : { tokensMax })
  }
  const fitting = worn.find(({ name }) => name === found?.exercise.layer)
  const confidence = fitting === undefined ? confidenceOtherwise : (fitting.accuracy ?? confidenceUnmeasured)
  return {
    bid: { worker: "model", confidence, reason: found?.exercise.layer ?? "no exercise that a layer has learned" },
    layers: worn.map(({ contentId, name }) => ({ contentId, name })),
    sources: [],
    answer: backend.generate(request)
  } satisfies Offer
})

/** The prompt and the newest of what was said before, as far as the context has room for them and an answer. */
const whatFits = Effect.fnUntraced(function* (backend: Backend["Service"], { history, prompt }: Perception) {
  const { contextTokens } = yield* backend.capabilities
  const room = contextTokens - answerTokensMin
  let turns: ReadonlyArray<Turn> = [...history, { role: "user", content: prompt }]
  while (turns.length > 1 && (yield* backend.countTokens(turns)) > room) turns = turns.slice(1)
  return turns
})
