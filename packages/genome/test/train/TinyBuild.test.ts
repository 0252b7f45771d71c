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
            layerSteps: { ...TinyBuild.full.layerSteps, brackets: 100, dates: 80 },
            domains: ["brackets", "dates"],
            examples: 60
          })
          // With seeds 1 to 3: dates 0.60 to 0.68 and 0.90 to 1 with the layer, brackets 0.05 to 0.25 and 0.52 to 0.73.
          const { brackets, dates } = report.accuracy
          assert.isAbove(dates!.base, 0.3)
          assert.isBelow(brackets!.base, 0.5)
          assert.isAbove(dates!.layer, Math.max(0.8, dates!.base + 0.15))
          assert.isAbove(brackets!.layer, Math.max(0.3, brackets!.base + 0.1))
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
