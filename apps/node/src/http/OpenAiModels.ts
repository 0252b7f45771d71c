/**
 * What `/v1` calls models: the personas, by id (`teacher-ai`) or by name, and the bare base model without any persona, by
 * its name with or without the hash behind it (`continuum/tiny`). Personas of other nodes have the name of theirs behind them:
 * `teacher-ai@bee`.
 */
import * as Nearest from "@continuum/core/Nearest"
import { Backend, type End } from "@continuum/genome/backend/Backend"
import type { StateChange } from "@continuum/persona/Cognition"
import type { PeerPersonas } from "@continuum/persona/Elsewhere"
import { PersonaUnknown } from "@continuum/persona/PersonaError"
import { Personas } from "@continuum/persona/Personas"
import type { AiChunk } from "@continuum/persona/rpc"
import { idOf } from "@continuum/persona/Templates"
import type { Trace } from "@continuum/persona/Trace"
import { Effect, Stream } from "effect"
import * as OpenAiError from "./OpenAiError.ts"
import type { OpenAiRequest } from "./OpenAiRequest.ts"

/** A piece of an answer; the last one says how it ended and what it took. */
export type Piece =
  | { readonly _tag: "Text"; readonly text: string }
  | {
      readonly _tag: "Done"
      readonly reason: "stop" | "length"
      readonly promptTokens: number
      readonly tokens: number
      /** How a persona came to its answer, with the node where it is another one; the bare model has none. */
      readonly trace?: Trace & { readonly node?: string; readonly nodeKey?: string }
    }

/** Lists the models, finds one by what a client calls it, and answers by one. */
export const make = Effect.gen(function* () {
  const personas = yield* Personas
  const backend = yield* Backend
  const { elsewhere } = personas

  const ids = Effect.gen(function* () {
    const { base, contextTokens } = yield* backend.capabilities
    const here = (yield* personas.list).map(({ id }) => id)
    // A model that cannot be read has no room for a prompt, and no name.
    return [...here, ...(contextTokens === 0 ? [] : [shortOf(base)]), ...idsOf(yield* elsewhere.all)]
  }).pipe(Effect.mapError(OpenAiError.of))

  const find = Effect.fnUntraced(function* (wanted: string) {
    const { base } = yield* backend.capabilities
    if (wanted === base || wanted === shortOf(base)) return shortOf(base)
    const there = placeOf(wanted)
    if (there === undefined) return idOf(yield* Effect.mapError(personas.find(wanted), OpenAiError.of))
    const list = yield* Effect.mapError(elsewhere.list(there.peer), OpenAiError.of)
    const found = list.find(({ id }) => id === idOf(there.persona))
    if (found !== undefined) return `${found.id}@${there.peer}`
    const nearest = Nearest.of(
      idOf(there.persona),
      list.map(({ id }) => id)
    )
    return yield* OpenAiError.of(new PersonaUnknown({ name: there.persona, nearest }))
  })

  const answer = Effect.fnUntraced(function* ({ model, sampling, stop, tokensMax, turns }: OpenAiRequest) {
    const limits = { sampling, stop, ...(tokensMax === undefined ? {} : { tokensMax }) }
    const { base } = yield* backend.capabilities
    if (model === base || model === shortOf(base)) {
      return backend.generate({ turns, ...limits }).pipe(Stream.map(ofModel), Stream.mapError(OpenAiError.of))
    }
    const there = placeOf(model)
    const name = there === undefined ? yield* Effect.mapError(personas.find(model), OpenAiError.of) : there.persona
    const last = turns.at(-1)!
    if (last.role !== "user") {
      return yield* OpenAiError.badRequest("The last message must be from the user: it is the prompt", "messages")
    }
    const [prompt, history] = [last.content, turns.slice(0, -1)]
    if (there !== undefined) {
      return elsewhere
        .generate(there.peer, { prompt, persona: name, history, ...limits })
        .pipe(Stream.map(ofPersona), Stream.mapError(OpenAiError.of))
    }
    return personas
      .process(name, { domain: "chat", context: { _tag: "History", turns: history }, prompt, ...limits })
      .pipe(Stream.map(ofPersona), Stream.mapError(OpenAiError.of))
  })

  return { ids, find, answer }
})

/** Personas of peers as models: `teacher-ai@bee`, with the key in place of a name that is not one peer's alone or no word. */
const idsOf = (peers: ReadonlyArray<PeerPersonas>): ReadonlyArray<string> =>
  peers.flatMap(({ peer: { name, publicKey }, personas }) => {
    const unique = peers.filter(({ peer }) => peer.name === name).length === 1
    const place = unique && /^[\w.-]+$/.test(name) ? name : publicKey
    return personas.map(({ id }) => `${id}@${place}`)
  })

/** The parts of `teacher-ai@bee`; undefined for a model of this node. */
const placeOf = (model: string): { readonly persona: string; readonly peer: string } | undefined => {
  const at = model.lastIndexOf("@")
  return at <= 0 || at === model.length - 1 ? undefined : { persona: model.slice(0, at), peer: model.slice(at + 1) }
}

/** `continuum/tiny@0123456789abcdef` without its hash. */
const shortOf = (base: string): string => base.replace(/@[0-9a-f]+$/, "")

const ofModel = (chunk: { readonly _tag: "Text"; readonly text: string } | typeof End.Type): Piece =>
  chunk._tag === "Text"
    ? chunk
    : {
        _tag: "Done",
        reason: chunk.reason,
        promptTokens: chunk.usage.promptTokens,
        tokens: chunk.usage.completionTokens
      }

const ofPersona = (change: StateChange | AiChunk): Piece => {
  if (change._tag === "Text") return change
  const { reason, trace } = change
  const where = "node" in change ? { node: change.node, nodeKey: change.nodeKey } : {}
  return { _tag: "Done", reason, promptTokens: trace.promptTokens, tokens: trace.tokens, trace: { ...trace, ...where } }
}
