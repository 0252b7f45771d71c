/** `ai.*`, `personas.*` and `layers.*`: questions to the personas of this node, and what they wear. */
import { LayerRpcs } from "@continuum/genome/rpc"
import type { CognitiveEvent } from "@continuum/persona/Event"
import { Personas } from "@continuum/persona/Personas"
import { type AiChunk, type AiRequest, PersonaRpcs } from "@continuum/persona/rpc"
import { defaultName } from "@continuum/persona/Templates"
import { Effect, Stream } from "effect"
import { Layers } from "../Layers.ts"
import { NodeInfo } from "../NodeInfo.ts"

export const layer = PersonaRpcs.merge(LayerRpcs).toLayer(
  Effect.gen(function* () {
    const personas = yield* Personas
    const layers = yield* Layers
    const { name: node } = yield* NodeInfo
    return {
      "ai.generate": (request) =>
        Stream.unwrap(
          Effect.map(personas.find(request.persona ?? defaultName), (persona) =>
            Stream.map(personas.process(persona, eventOf(request)), (change): AiChunk =>
              change._tag === "Text" ? change : { ...change, persona, node }
            )
          )
        ),
      "personas.list": () => personas.list,
      "layers.list": () => layers.list
    }
  })
)

const eventOf = ({ conversation, layers, prompt, sampling, tokensMax }: AiRequest): CognitiveEvent => ({
  domain: "chat",
  context: conversation === undefined ? { _tag: "History", turns: [] } : { _tag: "Conversation", id: conversation },
  prompt,
  ...(layers === undefined ? {} : { layers }),
  ...(sampling === undefined ? {} : { sampling }),
  ...(tokensMax === undefined ? {} : { tokensMax })
})
