/** The engine in this process: a request, its first text. */
import { Backend } from "@continuum/genome/backend/Backend"
import * as EmbeddedOnnxRuntime from "@continuum/genome/backend/EmbeddedOnnxRuntime"
import { layerMemory } from "@continuum/genome/LayerSource"
import * as TinyModel from "@continuum/genome/model/TinyModel"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer, Stream } from "effect"
import { check, finish, quick, record } from "../Measure.ts"
import { median } from "../Statistics.ts"
import { asked, dateOf } from "./Prompts.ts"

const program = Effect.gen(function* () {
  const backend = yield* Backend
  const cards = yield* TinyModel.layers
  const dates = cards.filter(({ card }) => card.name === "dates").map(({ card: { contentId } }) => ({ contentId }))
  check("The number of layers for dates", dates.length, 1)
  const { measured, warmUp } = asked(quick)
  const cases = [
    { name: "persona", layers: dates, times: [] as Array<number> },
    { name: "bare", layers: [], times: [] as Array<number> }
  ]
  for (let i = 0; i < warmUp + measured; i++) {
    for (const { layers, times } of cases) {
      const start = performance.now()
      let first = 0
      const answer = backend.generate({ turns: [{ role: "user", content: dateOf(i) }], layers, tokensMax: 4 })
      yield* Stream.runForEach(answer, () => Effect.sync(() => void (first ||= performance.now())))
      if (i >= warmUp) times.push(first - start)
    }
  }
  for (const { name, times } of cases) record({ case: name, wallNs: median(times) * 1_000_000 })
})

const engine = EmbeddedOnnxRuntime.layer({ directory: TinyModel.directory }).pipe(
  Layer.provide(Layer.unwrap(Effect.map(TinyModel.layers, (all) => layerMemory(all.map(({ layer }) => layer))))),
  Layer.provideMerge(NodeServices.layer)
)
await program.pipe(Effect.provide(engine), Effect.scoped, Effect.runPromise)
finish()
