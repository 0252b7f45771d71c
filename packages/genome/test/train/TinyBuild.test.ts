import * as Peft from "@continuum/genome/formats/Peft"
import * as TinyBuild from "@continuum/genome/train/tiny/TinyBuild"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"

describe("TinyBuild", () => {
  it.live(
    "a shortened build makes a base that can do a little, and layers that can do their domain",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const { files, report } = yield* TinyBuild.build({
            seed: 1,
            baseSteps: 120,
            layerSteps: { ...TinyBuild.full.layerSteps, brackets: 80, dates: 60 },
            domains: ["brackets", "dates"],
            examples: 60
          })
          const { brackets, dates } = report.accuracy
          assert.isAbove(dates!.base, 0.3)
          assert.isAbove(dates!.layer, Math.max(0.8, dates!.base + 0.15))
          assert.isAbove(brackets!.layer, brackets!.base + 0.1)
          const adapter = (name: string) => files.get(`layers/dates/${name}`)!
          const layer = yield* Peft.read({
            config: new TextDecoder().decode(adapter(Peft.configFile)),
            weights: adapter(Peft.weightsFile)
          })
          assert.strictEqual(layer.targets.length, 7 * TinyBuild.config.num_hidden_layers)
        })
      ),
    600_000
  )
})
