/** `bun packages/persona/test/retrieval/Recall.ts [--show]`: how often the first quotation is one that helps, and how often
 * what helps is at least named among the nearest, for each set of questions. */
import { Library, layerFolder } from "@continuum/persona/retrieval/Library"
import * as Retrieval from "@continuum/persona/retrieval/Retrieval"
import { templates, type Template } from "@continuum/persona/Templates"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer, Stream } from "effect"
import { resolve } from "node:path"
import * as ScriptedBackend from "../support/ScriptedBackend.ts"
import {
  first,
  foreign,
  foreignFourth,
  foreignHeldOut,
  fourth,
  heldOut,
  second,
  third,
  type NewcomerQuestion
} from "./Newcomers.ts"
import { questions, unanswerable } from "./Questions.ts"
import { Backend } from "@continuum/genome/backend/Backend"

const own: ReadonlyArray<NewcomerQuestion> = questions.map(({ ask, heading, source }) => ({
  ask,
  helps: [`${source}#${heading}`]
}))
const show = process.argv[2]

const program = Effect.gen(function* () {
  const worker = Retrieval.make(yield* Library, yield* Backend)
  const offerOf = (persona: Template, prompt: string) =>
    worker.offer({
      persona,
      prompt,
      history: [],
      layers: [],
      insists: false,
      introduction: undefined,
      exercise: undefined,
      sampling: undefined,
      stop: [],
      tokensMax: undefined
    })
  for (const [name, set] of [
    ["own", own],
    ["first", first],
    ["second", second],
    ["third", third],
    ["fourth", fourth],
    ["held out", heldOut]
  ] as const) {
    for (const persona of templates) {
      let hits = 0
      let named = 0
      for (const { ask, helps } of set) {
        const { answer, bid, sources } = yield* offerOf(persona, ask)
        const hit = sources[0] !== undefined && helps.includes(`${sources[0].source}#${sources[0].heading}`)
        hits += hit ? 1 : 0
        const pieces = yield* Stream.runCollect(answer)
        const text = pieces.map((piece) => (piece._tag === "Text" ? piece.text : "")).join("")
        named += helps.some((place) => text.includes(place.replace(/#(.*)$/, ', "$1"'))) ? 1 : 0
        if (!hit && show === name) console.log(`  ${ask} -> ${bid.reason} ${bid.confidence.toFixed(2)}`)
      }
      console.log(`${name}, ${persona.name}: ${hits} of ${set.length}; quoted, or named as near: ${named}`)
    }
  }
  for (const [name, set] of [
    ["unanswerable", unanswerable],
    ["foreign", foreign],
    ["foreign, fourth", foreignFourth],
    ["foreign, held out", foreignHeldOut]
  ] as const) {
    let refused = 0
    for (const ask of set) {
      const { bid, sources } = yield* offerOf(templates[0]!, ask)
      refused += sources.length === 0 ? 1 : 0
      if (sources.length > 0 && show === name) console.log(`  ${ask} -> ${bid.reason} ${bid.confidence.toFixed(2)}`)
    }
    console.log(`${name}: ${refused} of ${set.length} refused`)
  }
})
const services = Layer.mergeAll(
  layerFolder(resolve(import.meta.dirname, "../../../..")).pipe(Layer.provide(NodeServices.layer)),
  ScriptedBackend.layer(ScriptedBackend.make())
)
await Effect.runPromise(Effect.provide(program, services))
