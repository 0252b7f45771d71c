/** `ai.*`, `personas.*` and `layers.*`: questions to the personas of this node and of peers, and what they wear. */
import type { Turn } from "@continuum/genome/backend/Backend"
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
    const { name: node, publicKey: nodeKey } = yield* NodeInfo
    const isHere = (mesh: string | undefined): mesh is undefined =>
      mesh === undefined || mesh === "local" || mesh === node || mesh === nodeKey

    const here = (request: AiRequest) =>
      Effect.map(personas.find(request.persona ?? defaultName), (persona) =>
        Stream.map(personas.process(persona, eventOf(request)), (change): AiChunk =>
          change._tag === "Text" ? change : { ...change, persona, node, nodeKey }
        )
      )

    return {
      "ai.generate": (request) => {
        // How urgent a question is there, its node decides.
        const { conversation, mesh, priority: _, ...question } = request
        if (isHere(mesh)) return Stream.unwrap(here(request))
        const there = (history: ReadonlyArray<Turn>) => personas.elsewhere.generate(mesh, { ...question, history })
        return conversation === undefined
          ? there([])
          : personas.remember(question.persona ?? defaultName, conversation, question.prompt, there)
      },
      "personas.list": ({ mesh }) => (isHere(mesh) ? personas.list : personas.elsewhere.list(mesh)),
      "layers.list": () => layers.list
    }
  })
)

const eventOf = ({ conversation, layers, priority, prompt, sampling, tokensMax }: AiRequest): CognitiveEvent => ({
  domain: "chat",
  context: conversation === undefined ? { _tag: "History", turns: [] } : { _tag: "Conversation", id: conversation },
  prompt,
  ...(layers === undefined ? {} : { layers }),
  ...(sampling === undefined ? {} : { sampling }),
  ...(tokensMax === undefined ? {} : { tokensMax }),
  ...(priority === undefined ? {} : { priority })
})
