/**
 * A backend for unit tests of what stands above it. It solves the exercises of the shipped layers by a few lines of code,
 * each only while the layer that has learned it is active; anything else it answers with the turns that it was given, so
 * that a test sees what reached it. A token is a byte, as for the tiny model.
 */
import * as ContentId from "@continuum/core/ContentId"
import { Backend, type Chunk, type GenerateRequest, type Turn } from "@continuum/genome/backend/Backend"
import { BackendFailed, LayerUnknown, PromptTooLong } from "@continuum/genome/backend/BackendError"
import type { KnownLayer } from "@continuum/persona/NamedLayer"
import { Effect, Layer, Stream } from "effect"

export const contextTokens = 256
export const base = "scripted@0123456789abcdef"

/** The layers that it knows. */
export const layers: ReadonlyArray<KnownLayer> = [
  "arithmetic",
  "brackets",
  "dates",
  "english",
  "reversing",
  "sorting"
].map((name) => ({ name, contentId: ContentId.of(name), accuracy: name === "arithmetic" ? 0.45 : 0.95 }))

export interface Script {
  readonly requests: Array<GenerateRequest>
  /** Answers that were begun, ended by themselves, and interrupted. */
  begun: number
  ended: number
  interrupted: number
  /** Milliseconds before each token. */
  tokenMs: number
  /** Dies after so many tokens. */
  failAfter: number | undefined
}

export const make = (): Script => ({
  requests: [],
  begun: 0,
  ended: 0,
  interrupted: 0,
  tokenMs: 0,
  failAfter: undefined
})

export const layer = (script: Script): Layer.Layer<Backend> =>
  Layer.succeed(Backend, {
    capabilities: Effect.succeed({
      backend: "scripted",
      base,
      contextTokens,
      layers: "many" as const,
      concurrency: 8,
      seeded: true
    }),
    countTokens: (turns) => Effect.sync(() => count(turns)),
    load: () => Effect.die(new Error("Scripted layers are always there")),
    unload: () => Effect.void,
    loaded: Effect.succeed(layers.map(({ contentId }) => contentId)),
    generate: (request) =>
      Stream.unwrap(
        Effect.gen(function* () {
          script.requests.push(request)
          const promptTokens = count(request.turns)
          if (promptTokens >= contextTokens) return yield* new PromptTooLong({ promptTokens, contextTokens })
          for (const { contentId } of request.layers ?? []) {
            if (!layers.some((one) => one.contentId === contentId)) return yield* new LayerUnknown({ contentId })
          }
          return answer(script, request, promptTokens)
        })
      )
  })

const answer = (script: Script, request: GenerateRequest, promptTokens: number) => {
  const whole = solve(request)
  const stops = (request.stop ?? []).map((stop) => whole.indexOf(stop)).filter((at) => at >= 0)
  const stopped = whole.slice(0, Math.min(whole.length, ...stops))
  const text = stopped.slice(0, request.tokensMax ?? contextTokens)
  const chunks: ReadonlyArray<Chunk> = [
    ...[...text].map((character) => ({ _tag: "Text" as const, text: character })),
    {
      _tag: "End",
      reason: text.length < stopped.length ? "length" : "stop",
      usage: { promptTokens, cachedTokens: 0, completionTokens: text.length, ttftMs: 1, ms: 2 }
    }
  ]
  script.begun++
  return Stream.fromIterable(chunks).pipe(
    Stream.rechunk(1),
    Stream.zipWithIndex,
    Stream.mapEffect(([chunk, index]) => {
      if (index === script.failAfter) return Effect.fail(new BackendFailed({ reason: "its process was killed" }))
      return script.tokenMs === 0 ? Effect.succeed(chunk) : Effect.delay(Effect.succeed(chunk), script.tokenMs)
    }),
    Stream.onExit((exit) =>
      Effect.sync(() => {
        if (exit._tag === "Success") script.ended++
        else if (exit.cause.reasons.every(({ _tag }) => _tag === "Interrupt")) script.interrupted++
      })
    )
  )
}

const count = (turns: ReadonlyArray<Turn>): number =>
  turns.reduce((sum, { content }) => sum + 1 + new TextEncoder().encode(content).length, 2)

const solve = ({ layers: active = [], turns }: GenerateRequest): string => {
  const prompt = turns.at(-1)!.content
  const names = layers
    .filter(({ contentId }) => active.some((one) => one.contentId === contentId))
    .map((one) => one.name)
  const sum = /^(\d+)([+-])(\d+)=$/.exec(prompt)
  if (sum !== null && names.includes("arithmetic")) {
    return String(sum[2] === "+" ? Number(sum[1]) + Number(sum[3]) : Number(sum[1]) - Number(sum[3]))
  }
  const [verb = "", word = ""] = prompt.split(" ")
  if (verb === "reverse" && names.includes("reversing")) return [...word].toReversed().join("")
  if (verb === "sort" && names.includes("sorting")) return [...word].toSorted().join("")
  return `heard: ${turns.map(({ content, role }) => `${role}=${content}`).join(" / ")}`
}
